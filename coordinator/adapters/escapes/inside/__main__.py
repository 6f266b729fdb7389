"""Where the archive starts: `python3 escapes.pyz SCENE.json`."""

import sys

# Each of these adds its escapes.
import coordinator.adapters.escapes.inside.files
import coordinator.adapters.escapes.inside.kernel
import coordinator.adapters.escapes.inside.loads
import coordinator.adapters.escapes.inside.models
import coordinator.adapters.escapes.inside.network
import coordinator.adapters.escapes.inside.processes  # noqa: F401 - as it says above
from coordinator.adapters.escapes.inside.trying import main

if __name__ == "__main__":
    main(sys.argv[1:])
