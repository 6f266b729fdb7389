"""What the deciding code asks of the world. All synchronous; nothing here names git, sqlite, asyncio or a tool.

A call marked @writes leaves a durable fact behind: it is a fault point, listed by `coordinator faults`.
Users import from here: which module a port stands in is nobody's business but this one's.
"""

from .asking import Inbox
from .marks import writes
from .past import CoChange
from .remote import Claims, Committer, Remote
from .running import Checks, DeployRefs, Pool, Targets
from .store import Attempts, Journal, Objects
from .surroundings import Clock, Lane, Lanes, SecretHit, SecretScan, Web

__all__ = [
    "Attempts",
    "Checks",
    "Claims",
    "Clock",
    "CoChange",
    "Committer",
    "DeployRefs",
    "Inbox",
    "Journal",
    "Lane",
    "Lanes",
    "Objects",
    "Pool",
    "Remote",
    "SecretHit",
    "SecretScan",
    "Targets",
    "Web",
    "writes",
]
