"""What each environment runs: one ref on the remote for each, moved by compare-and-swap and read back.

The ref names a blob with everything that must outlive us: revision, generation, state, and why it failed.
"""

import functools
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from coordinator.adapters import ref_values
from coordinator.adapters.git import Git, RefUpdate
from coordinator.domain.claim_name import escaped
from coordinator.domain.errors import MissingObject
from coordinator.domain.names import ZERO, Environment, Oid
from coordinator.domain.world import LiveState
from coordinator.ports import Clock

_PUSH_S_MAX = 30.0
_REASON_CHARS_MAX = 4_000
_OID = r"^[0-9a-f]{40}$"
_READ_MAX = 64


class _Said(BaseModel):
    """The text of a deploy ref."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    format: Literal[1] = 1
    environment: str
    revision: str
    generation: int
    state: Literal["deploying", "live", "failed"]
    holder: str
    previous: str | None = None
    looks: int = 0
    reason: str = ""
    nonce: str


class GitDeployRefs:
    """Implements ports.DeployRefs over a remote's refs; `holder` names this coordinator, also after a restart.

    `root` is where coordinators write on the remote, `mirror` where a fetch puts it here.
    """

    def __init__(
        self,
        git: Git,
        *,
        clock: Clock,
        holder: str,
        root: str = "refs/orchestrator",
        mirror: str = "refs/mirror/orchestrator",
    ) -> None:
        self._git = git
        self._clock = clock
        self._holder = holder
        self._root = f"{root}/deploys"
        self._mirror = f"{mirror}/deploys"
        self._since: dict[Environment, tuple[Oid, float]] = {}
        self._said = functools.lru_cache(maxsize=_READ_MAX)(self._read_said)

    def read(self, environment: Environment) -> LiveState | None:
        """Returns what was last fetched; see ports.DeployRefs."""
        ref = f"{self._mirror}/{ref_name(environment)}"
        oid = self._git.refs(ref).get(ref)
        if oid is None:
            self._since.pop(environment, None)
            return None
        known, since_s = self._since.get(environment, (None, 0.0))
        now_s = self._clock.monotonic_s()
        if known != oid:
            since_s = now_s
            self._since[environment] = (oid, now_s)
        return self._state(environment, oid, unchanged_s=now_s - since_s)

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
        """Moves the ref by a leased push and returns what stands then, if it is ours; see ports.DeployRefs."""
        said = _Said.model_validate(
            {
                "environment": environment,
                "revision": revision,
                "generation": generation,
                "state": state,
                "holder": self._holder,
                "previous": self._previous(environment, expected, revision),
                "looks": looks,
                "reason": reason[:_REASON_CHARS_MAX],
                "nonce": self._clock.nonce(),
            }
        )
        text = said.model_dump_json(indent=1) + "\n"
        blob = ref_values.store(self._git, text.encode(), root=self._root)
        name = ref_name(environment)
        self._git.push(
            [RefUpdate(ref=f"{self._root}/{name}", expected=expected, new=blob)],
            timeout_s_max=_PUSH_S_MAX,
        )
        # The reply is a hint; what the remote says now is the outcome.
        refspec = f"+{self._root}/*:{self._mirror}/*"
        if self._git.fetch([refspec], prune=True) is not None:
            return None
        found = self.read(environment)
        return found if found is not None and found.oid == blob else None

    def _previous(self, environment: Environment, old: Oid | None, revision: Oid) -> Oid | None:
        """Returns the revision that was live before `revision`, across tries that failed."""
        if old is None:
            return None
        before = self._state(environment, old, unchanged_s=0.0)
        if before.state == "live" and before.revision != revision:
            return before.revision
        return before.previous

    def _state(self, environment: Environment, oid: Oid, *, unchanged_s: float) -> LiveState:
        try:
            said = self._said(oid)
        except (ValidationError, MissingObject):
            said = None
        if said is None or not re.match(_OID, said.revision):
            return LiveState(
                environment=environment,
                oid=oid,
                revision=ZERO,
                generation=0,
                state="unreadable",
                holder="",
                unchanged_s=unchanged_s,
            )
        return LiveState(
            environment=environment,
            oid=oid,
            revision=Oid(said.revision),
            generation=said.generation,
            state=said.state,
            holder=said.holder,
            previous=Oid(said.previous) if said.previous else None,
            looks=said.looks,
            reason=said.reason,
            unchanged_s=unchanged_s,
        )

    def _read_said(self, oid: Oid) -> _Said:
        return _Said.model_validate_json(ref_values.load(self._git, oid))


@functools.lru_cache(maxsize=256)  # it is asked for at every look
def ref_name(environment: Environment) -> str:
    """Returns one ref component for any name: bytes outside [a-z0-9_-] as %XX."""
    return escaped(environment.encode("utf-8", "surrogateescape"))
