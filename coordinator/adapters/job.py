"""What the pool writes to the process of an attempt."""

from pydantic import BaseModel, ConfigDict

from coordinator.domain.attempt import Spec
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Confinement, Profile
from coordinator.domain.worker import Connection

FAREWELL_S = 20.0
"""How much longer than its worker such a process may live: it stops that, and tells what came of it."""


class Job(BaseModel):
    """One attempt: what is asked, of whom, and what it is given for that."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    git_dir: str
    scratch: str  # a folder for what confinement needs on the disk
    spec: Spec
    package: ContextPackage
    profile: Profile
    tree: str | None = None
    connection: Connection | None = None
    confinement: Confinement = Confinement()
