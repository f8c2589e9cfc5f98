"""`python -m compare.cli`."""

import sys

from compare.cli import main

if __name__ == "__main__":
    sys.exit(main())
