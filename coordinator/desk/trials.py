"""What was tried for a brief, lost attempts too, and what that took; remembered as long as nothing is added."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from coordinator.desk.kept import Kepts, brief_of_ref
from coordinator.desk.kept_attempt import Kept
from coordinator.domain import lost_attempts
from coordinator.domain.effort import Effort, Lift, Tried, effort
from coordinator.domain.lost_attempts import SaidLost

if TYPE_CHECKING:
    from coordinator.desk.past import Past
    from coordinator.desk.sources import Archive, Memo
    from coordinator.domain.attempt import Spec
    from coordinator.domain.names import BriefId, Oid
    from coordinator.domain.status import BriefStatus
    from coordinator.ports import Journal

FORMAT = 1


class Trials:
    """Attempts of briefs as commits, refs and the journal of this machine know them."""

    def __init__(self, past: Past, journal: Callable[[], Journal] | None) -> None:
        self._past = past
        self._journal = journal
        self._here: Mapping[BriefId, tuple[str, ...]] | None = None

    def lost(self, brief: BriefId) -> tuple[SaidLost, ...]:
        """Returns the attempts that returned nothing, each once."""
        values = [value for said in self._past.of(brief) for value in said.lost]
        return tuple(each((*self.lost_here(brief), *values)).values())

    def lost_here(self, brief: BriefId) -> tuple[str, ...]:
        """Returns those that only the journal knows so far, as a trailer would say them."""
        if self._here is None:
            self._here = self._read_journal()
        return self._here.get(brief, ())

    def briefs_here(self) -> tuple[BriefId, ...]:
        """Returns the briefs with attempts that only the journal knows."""
        if self._here is None:
            self._here = self._read_journal()
        return tuple(self._here)

    def begun(self, brief: BriefId) -> tuple[tuple[Spec, str | None], ...]:
        """Returns the attempts that the journal knows, with how they ended (None: they run)."""
        begun = self._journal().begun() if self._journal is not None else ()
        return tuple((spec, ended) for spec, ended in begun if spec.id.brief == brief)

    def tried(self, brief: BriefId, kept: Iterable[Kept]) -> tuple[Tried, ...]:
        """Returns everything that was tried, `kept` being what returned something."""
        returned = [one.tried() for one in kept]
        numbers = {one.number for one in returned}
        others = [_lost(one) for one in self.lost(brief) if one.number not in numbers]
        return tuple(sorted((*returned, *others), key=lambda one: one.number))

    def _read_journal(self) -> Mapping[BriefId, tuple[str, ...]]:
        if self._journal is None:
            return {}
        from coordinator.domain.attempt import Lost  # noqa: PLC0415  only work under way needs it

        journal = self._journal()
        found: dict[BriefId, tuple[str, ...]] = {}
        for spec, reason in journal.begun():
            if reason:
                usage = journal.spent(spec.id.brief).get(spec.id.ref)
                value = lost_attempts.said(Lost(spec, reason, usage))
                found[spec.id.brief] = (*found.get(spec.id.brief, ()), value)
        return found


def each(values: Iterable[str]) -> Mapping[str, SaidLost]:
    """Returns lost attempts by what a trailer says of them, each once; what is said last counts."""
    found: dict[tuple[str, int], tuple[str, SaidLost]] = {}
    for value in values:
        said = lost_attempts.read(value)
        if said is not None:
            found[said.worker, said.number] = (value, said)
    return dict(found.values())


def with_efforts(
    briefs: Sequence[BriefStatus],
    *,
    trials: Trials,
    kepts: Kepts,
    archive: Archive,
    memo: Memo,
    root: str,
) -> tuple[BriefStatus, ...]:
    """Returns briefs with what each took, as far as its attempts are here; what did not change is remembered."""
    refs: dict[BriefId, list[tuple[str, Oid]]] = {}
    for kind in ("attempts", "verdicts"):
        for ref, oid in archive.here(f"{root}/{kind}/").items():
            refs.setdefault(brief_of_ref(ref), []).append((ref, oid))
    known = memo.load("efforts")
    before = known.get("efforts", {}) if known.get("format") == FORMAT else {}
    now: dict[str, Any] = {}
    shown = []
    for brief in briefs:
        lost = trials.lost(brief.id) if not brief.state.terminal or brief.attempts else ()
        if brief.id not in refs and not lost:
            shown.append(brief)
            continue
        key = hashlib.sha256(repr((sorted(refs.get(brief.id, ())), lost)).encode()).hexdigest()
        if key not in before:
            found = effort(trials.tried(brief.id, kepts.here(brief.id)))
            now[key] = asdict(found) if found else None
        else:
            now[key] = before[key]
        shown.append(replace(brief, effort=_effort(now[key])))
    if now.keys() - before.keys():
        memo.save("efforts", {"format": FORMAT, "efforts": now})
    return tuple(shown)


def _effort(row: Mapping[str, Any] | None) -> Effort | None:
    if row is None:
        return None
    return Effort(**{**row, "lift": Lift(**row["lift"]) if row["lift"] else None})


def _lost(said: SaidLost) -> Tried:
    known = said.tokens_in is not None and said.tokens_out is not None
    return Tried(
        number=said.number,
        task=said.task or None,
        role=said.role,
        tokens=(said.tokens_in or 0) + (said.tokens_out or 0) if known else None,
        usd=said.cost_usd,
    )
