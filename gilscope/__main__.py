"""`python -m gilscope`."""

import sys
from pathlib import Path

from gilscope.command import main

if __name__ == "__main__":
    # `python -m` puts the current folder before everything: a module there could take
    # the place of one that is needed here.
    if not sys.flags.safe_path and sys.path[0] != str(Path(__file__).parents[1]):
        del sys.path[0]
    sys.exit(main())
