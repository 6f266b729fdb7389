"""`python -m coordinator`: runs this package, also inside a repository that has a `workers/` of its own."""

import os
import sys

# `-m` puts the current folder first on the path, and there may be a package `workers` or `yaml` there.
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  before imports
sys.path[:] = [p for p in sys.path if os.path.realpath(p or ".") != os.path.realpath(".")] + (
    [_HERE] if os.path.realpath(_HERE) == os.path.realpath(".") else []
)

from coordinator.cli import main  # noqa: E402  the path has to be right first

if __name__ == "__main__":
    main()
