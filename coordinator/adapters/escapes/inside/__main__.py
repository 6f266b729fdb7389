"""Where the archive starts: `python3 escapes.pyz SCENE.json`."""

import sys

from coordinator.adapters.escapes.inside import (  # noqa: F401 - each adds its escapes
    files,
    kernel,
    loads,
    models,
    network,
    processes,
)
from coordinator.adapters.escapes.inside.trying import main

if __name__ == "__main__":
    main(sys.argv[1:])
