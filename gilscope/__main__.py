"""`python -m gilscope`."""

import os
import sys

from gilscope.command import main

# Where the packages are; `pathlib` would take as long as all that is imported here.
ROOT = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120

if __name__ == "__main__":
    # `python -m` puts the current folder before everything: a module there could take
    # the place of one that is needed here.
    if not sys.flags.safe_path and sys.path[0] != ROOT:
        del sys.path[0]
    sys.exit(main())
