"""What runs at our word: attempts, checks, and deploys."""

from collections.abc import Mapping
from typing import Protocol

from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import Environment, Oid
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Profile, Target
from coordinator.domain.world import LiveState

from .marks import writes


class Pool(Protocol):
    """Where attempts run. Calls return at once; what came of them is read at the next tick."""

    @writes
    def submit(self, spec: Spec, package: ContextPackage, profile: Profile) -> None:
        """Starts an attempt; nothing when it runs already."""
        ...

    @writes
    def cancel(self, attempt: AttemptId, *, reason: str) -> None:
        """Kills an attempt and all it started."""
        ...

    def finished(self) -> tuple[tuple[Spec, Output | NoOutput], ...]:
        """Returns outputs (or why there is none) not yet acknowledged; they come again until they are."""
        ...

    @writes
    def acknowledge(self, attempt: AttemptId) -> None:
        """Forgets an attempt whose outcome has been kept."""
        ...

    def running(self) -> Mapping[AttemptId, float]:
        """Returns seconds of silence for everything that runs, ours or not."""
        ...

    def close(self) -> None:
        """Kills everything that runs."""
        ...


class Checks(Protocol):
    """Runs one command over one tree in a checkout without .git, and blocks; called from the command lane only."""

    @writes
    def run(self, check: Check) -> CheckResult:
        """Runs it within its time; kills its process group. A check that cannot run at all has not passed."""
        ...


class Targets(Protocol):
    """Blocks; called from the deploy lane of its environment only."""

    def live(self, target: Target) -> Oid | None:
        """Returns the revision that is live, None when nothing (or nothing readable) is."""
        ...

    def generation(self, target: Target) -> int | None:
        """Returns the generation that stands at the target itself (directory targets)."""
        ...

    @writes
    def deploy(self, target: Target, *, revision: Oid, product: Oid, generation: int) -> str | None:
        """Ships; returns why it failed, or None. Its 'ok' proves nothing: look at what is live."""
        ...


class DeployRefs(Protocol):
    """refs/orchestrator/deploys/<env>: what an environment runs, by compare-and-swap."""

    def read(self, environment: Environment) -> LiveState | None:
        """Returns it as last fetched."""
        ...

    @writes
    def swap(
        self,
        environment: Environment,
        *,
        expected: Oid | None,
        revision: Oid,
        generation: int,
        state: str,
        looks: int = 0,
        reason: str = "",
    ) -> LiveState | None:
        """Moves it; None when somebody was faster or the remote did not answer."""
        ...
