"""`python -m pregen`."""

import sys

from pregen.cli import main

if __name__ == "__main__":
    sys.exit(main())
