"""What a worker may ask the daemon: its model through the key proxy, and tools that the daemon runs.

The key of a model server is in the daemon's environment and goes from there to that server alone. A worker
gets a socket and a random token that is good for nothing else, and is answered only what its profile grants.
"""

from .desks import AttemptDesks, OpenDesk, Tool, ToolsOf
from .key_proxy import Refusal
from .prices import Prices

__all__ = ["AttemptDesks", "OpenDesk", "Prices", "Refusal", "Tool", "ToolsOf"]
