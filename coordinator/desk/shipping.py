"""A deploy asked for by a person: the same service as the daemon's, called once and waited for."""

from dataclasses import dataclass
from typing import assert_never

from coordinator.domain.errors import (
    BriefError,
    BusyError,
    NotLiveError,
    StaleError,
    UnreachableError,
)
from coordinator.domain.names import Oid
from coordinator.domain.policy import Policy, Target
from coordinator.domain.proof import Rewritten, Unreachable
from coordinator.ports import Clock, DeployRefs, Objects, Remote, Targets
from coordinator.services.deliver import BusyElsewhere, Delivered, NotLive, Stale, deliver
from coordinator.services.wanted import desired


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """What an environment runs: `revision` is what it shall run, `live` what was read back."""

    revision: Oid | None
    previous: Oid | None
    live: Oid | None
    verified: bool


class Shipper:
    """Ships to environments by hand. `holder` names this machine, as it does for the daemon."""

    def __init__(
        self,
        *,
        objects: Objects,
        remote: Remote,
        refs: DeployRefs,
        targets: Targets,
        clock: Clock,
        policy: Policy,
        holder: str,
    ) -> None:
        self._objects = objects
        self._remote = remote
        self._refs = refs
        self._targets = targets
        self._clock = clock
        self._policy = policy
        self._holder = holder

    def status(self, environment: str) -> Shipment:
        """Returns what the deploy ref says and what is live, looking now."""
        target = self._target(environment)
        self._sync()
        state = self._refs.read(target.environment)
        live = self._targets.live(target)
        revision = state.revision if state and state.state != "unreadable" else None
        return Shipment(
            revision=revision,
            previous=state.previous if state else None,
            live=live,
            verified=live is not None and live == revision,
        )

    def ship(self, environment: str) -> Shipment:
        """Ships the newest product change. Raises StaleError, NotLiveError or BusyError."""
        target = self._target(environment)
        want = desired(self._sync(), before=None, objects=self._objects)
        outcome = deliver(
            target,
            revision=want.revision,
            product=want.product,
            holder=self._holder,
            refs=self._refs,
            targets=self._targets,
            objects=self._objects,
            clock=self._clock,
        )
        match outcome:
            case Delivered(revision=revision, previous=previous):
                return Shipment(revision=revision, previous=previous, live=revision, verified=True)
            case Stale(why=why):
                raise StaleError(why, hint="land or fetch what is live there first, then deploy")
            case BusyElsewhere(why=why):
                raise BusyError(why, hint="try again when it has ended")
            case NotLive(why=why, output=output):
                said = f"{why}\n{output}".strip()
                raise NotLiveError(
                    said, hint=f"see to the cause, then `coordinator deploy {environment}`"
                )
            case _:
                assert_never(outcome)

    def _target(self, environment: str) -> Target:
        target = self._policy.target(environment)
        if target is not None:
            return target
        known = ", ".join(str(t.environment) for t in self._policy.environments) or "none"
        raise BriefError(
            f"no environment is called {environment!r} (there is: {known})",
            hint=f"describe it in [environments.{environment}] of .orchestrator/config.toml",
        )

    def _sync(self) -> Oid:
        outcome = self._remote.sync()
        match outcome:
            case Unreachable(reason=reason, hint=hint):
                raise UnreachableError(reason, hint=hint)
            case Rewritten(known=known, found=found):
                raise StaleError(
                    f"the remote branch was rewritten: {known[:12]} is not in {found[:12]}",
                    hint="find out who did it; nothing is shipped until a person says so",
                )
            case synced:
                return synced.tip
