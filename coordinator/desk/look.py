"""One look at everything that `status` shows, put together from the tip, the mirror refs and the journal.

Claims and deploys are read as the JSON that they are, without the adapters that write them: `status` is
asked often, and loading those costs more than the whole look.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from coordinator.desk.past import Past
from coordinator.desk.working import has_graph
from coordinator.domain.errors import MissingObject, RepositoryError
from coordinator.domain.names import BriefId, Oid, Place
from coordinator.domain.record import Verb
from coordinator.domain.saying import Saying
from coordinator.domain.status import (
    BriefStatus,
    ClaimStatus,
    EnvironmentStatus,
    Phase,
    Progress,
    Shelved,
    State,
    Tasks,
    phase_of,
    state_of,
)

if TYPE_CHECKING:
    from coordinator.domain.policy import Policy
    from coordinator.domain.proof import Rewritten
    from coordinator.ports import Objects


def brief_status(
    shelved: Shelved,
    past: Past,
    *,
    progress: Progress,
    now: int,
    live: frozenset[Oid],
    remind_s: float,
) -> BriefStatus:
    """Returns one brief of the tip; `live` are commits that some environment is known to run."""
    waits_s = _waits_s(shelved, past, now)
    state = state_of(shelved.place, shelved.reply)
    landing = past.last(shelved.id, Verb.LAND) if shelved.place is not Place.OPEN else None
    paid = past.last(shelved.id, Verb.LAND, Verb.FAIL, Verb.HOLD, Verb.ASK, Verb.CANCEL)
    started = shelved.accepted_at or next((s.timestamp for s in past.of(shelved.id)), now)
    deployed = past.last(shelved.id, Verb.DEPLOY)
    reply = shelved.reply
    phase = phase_of(state, shelved.place, progress, deploys=shelved.deploy is not None)
    if state is State.FAILED and landing is not None:
        phase = Phase.DELIVER  # it landed, and did not go live
    return BriefStatus(
        id=shelved.id,
        name=shelved.name,
        state=state,
        phase=phase,
        held=reply.held if reply and state is State.INPUT_REQUIRED else None,
        priority=shelved.priority,
        age_s=float(max(0, now - started)),
        commit=landing.oid if landing else None,
        landed=landing is not None,
        deployed=deployed is not None or (landing is not None and landing.oid in live),
        reasons=reply.reasons if reply else (),
        questions=reply.questions if reply and state is State.INPUT_REQUIRED else (),
        attempts=max([progress.attempts, *[s.attempts for s in past.of(shelved.id)]]),
        cost_usd=paid.cost_usd if paid else None,
        asked=sum(said.questions for said in past.of(shelved.id)),
        waits_s=waits_s,
        overdue=waits_s is not None and waits_s >= remind_s,
        tasks=Tasks(done=progress.done, of=shelved.tasks) if has_graph(shelved) else None,
    )


def _waits_s(shelved: Shelved, past: Past, now: int) -> float | None:
    """Returns how long a brief has waited for a human: since the commit that says so."""
    if shelved.place is not Place.WAITING:
        return None
    asked = past.last(shelved.id, Verb.ASK, Verb.HOLD)
    return float(max(0, now - asked.timestamp)) if asked else 0.0


def lying(brief: BriefStatus, why: str | None) -> BriefStatus:
    """Returns a brief as it is while there is no money for it: it waits, and says for what."""
    if why is None or brief.state is not State.WORKING:
        return brief
    return replace(brief, phase=Phase.WAITING, reasons=(why, *brief.reasons))


def delayed(brief: BriefStatus, why: str | None) -> BriefStatus:
    """Returns a brief as it is while its worker may not begin: it goes on by itself, and says when."""
    if why is None or brief.state is not State.WORKING:
        return brief
    return replace(brief, reasons=(why, *brief.reasons))


def kept_back(brief: BriefStatus, rewritten: "Rewritten | None") -> BriefStatus:
    """Returns a brief as it is while the remote's branch is rewritten: nothing goes on, nothing is lost."""
    if rewritten is None or brief.state is not State.WORKING:
        return brief
    return replace(
        brief, phase=Phase.WAITING, held="rewritten", reasons=(rewritten.advice, *brief.reasons)
    )


def submitted(brief: BriefId, name: str, *, priority: int, reasons: tuple[str, ...]) -> BriefStatus:
    """Returns a brief that is still a file in the inbox."""
    return BriefStatus(
        id=brief,
        name=name,
        state=State.SUBMITTED,
        phase=Phase.INTAKE,
        held=None,
        priority=priority,
        age_s=0.0,
        commit=None,
        landed=False,
        deployed=False,
        reasons=reasons,
        questions=(),
        attempts=0,
        cost_usd=None,
    )


class Refs:
    """What refs under refs/orchestrator/ say: JSON blobs of claims, held briefs and deploys."""

    def __init__(self, refs: Mapping[str, Oid], objects: "Objects", *, root: str) -> None:
        self._refs = refs
        self._objects = objects
        self._root = root

    def held(self) -> frozenset[BriefId]:
        """Returns the briefs that somebody works on."""
        prefix = f"{self._root}/held/"
        return frozenset(
            BriefId(ref.removeprefix(prefix)) for ref in self._refs if ref.startswith(prefix)
        )

    def claims(self) -> tuple[ClaimStatus, ...]:
        """Returns every claimed path."""
        found = []
        for ref, oid in self._refs.items():
            if not ref.startswith(f"{self._root}/claims"):
                continue
            said = self._said(oid)
            person, brief = said.get("person"), str(said.get("brief", ""))
            keeper_oid = self._refs.get(f"{self._root}/held/{brief}")
            keeper = self._said(keeper_oid) if keeper_oid and not person else {}
            holder = f"person:{person}" if person else f"epoch:{keeper.get('epoch', '')}"
            found.append(
                ClaimStatus(
                    path=str(said.get("path", "")),
                    ref=ref,
                    oid=oid,
                    brief=None if person else BriefId(brief),
                    holder=holder if person or keeper else brief,
                    counter=_whole(keeper.get("counter")),
                    reason=str(said.get("reason", "")) if person else "",
                )
            )
        return tuple(sorted(found, key=lambda c: c.path))

    def deploys(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns what each environment's ref says, by environment."""
        found = {}
        for ref, oid in self._refs.items():
            if ref.startswith(f"{self._root}/deploys/"):
                said = self._said(oid)
                found[str(said.get("environment", ""))] = said
        return found

    def _said(self, oid: Oid) -> Mapping[str, Any]:
        """Returns the JSON of a blob; {} for one that is missing or of a format we do not know."""
        try:
            said = json.loads(self._objects.content(oid))
        except (RepositoryError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}


def environment_statuses(
    policy: "Policy", refs: Refs, past: Past, *, wanted: Oid | None
) -> tuple[EnvironmentStatus, ...]:
    """Returns every environment of the policy, and those that refs and history know of besides."""
    said, deploys = refs.deploys(), past.deploys()
    names = [*(str(t.environment) for t in policy.environments), *said, *deploys]
    return tuple(
        _environment(name, said.get(name), deploys.get(name), past, wanted=wanted)
        for name in dict.fromkeys(names)
        if name
    )


def newest_product_change(
    past: Past, objects: "Objects", parent_of: Callable[[Oid], Oid | None]
) -> Oid | None:
    """Returns the newest commit whose product tree differs from its parent's: what shall be live (D2)."""
    for commit in past.candidates:
        parent = parent_of(commit)
        if parent is None or _product(objects, commit) != _product(objects, parent):
            return commit
    return None


def _environment(
    name: str,
    ref: Mapping[str, Any] | None,
    said: Saying | None,
    past: Past,
    *,
    wanted: Oid | None,
) -> EnvironmentStatus:
    live = said.revision if said else None
    healthy = None
    if ref:
        state = ref.get("state")
        live = ref.get("revision") if state == "live" else ref.get("previous")
        healthy = None if state == "deploying" else state == "live"
    brief = next((s.brief for s in past.sayings if s.oid == live), None)
    if brief is None and said is not None and said.revision == live:
        brief = said.brief
    return EnvironmentStatus(
        name=name, live=Oid(live) if live else None, wanted=wanted, brief=brief, healthy=healthy
    )


def _product(objects: "Objects", commit: Oid) -> Oid | None:
    try:
        return objects.product(objects.tree_of(commit))
    except MissingObject:
        return None


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def listed(briefs: Sequence[BriefStatus], *, terminal_max: int | None) -> tuple[BriefStatus, ...]:
    """Returns the briefs oldest first, and of terminal ones only the newest `terminal_max`."""
    done = sorted((b for b in briefs if b.state.terminal), key=lambda b: (b.age_s, b.id))
    kept = done if terminal_max is None else done[:terminal_max]
    going = [b for b in briefs if not b.state.terminal]
    return tuple(sorted([*going, *kept], key=lambda b: (-b.age_s, b.id)))
