"""`python -m poet_engine` is `poet`, for whoever has the package but no scripts on the PATH."""

import sys

from poet_engine.cli import main

if __name__ == "__main__":
    sys.exit(main())
