"""The single writer: notes and gated changesets become commits and one atomic push each, read back.

Nothing else pushes the branch. Every push is an intent in the journal first (P1), and an intent stays
there until it has landed or is dead (P4).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from coordinator.domain import batch, notes, record
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import CheckResult
from coordinator.domain.names import BriefId, Oid, Place, RepoPath, digest
from coordinator.domain.note import Note
from coordinator.domain.policy import Policy
from coordinator.domain.proof import (
    Claim,
    Clash,
    Gated,
    Ineligible,
    Landed,
    Lost,
    Merged,
    Moved,
    Planned,
    PushOutcome,
    Refused,
    StillOpen,
    Synced,
    Unknown,
)
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Trust
from coordinator.domain.world import Filed, Sighting
from coordinator.ports import Claims, Clock, Committer, Journal, Objects, Remote

logger = logging.getLogger(__name__)

_RECORD_TIMEOUT_S = 30.0
_REBUILDS_MAX = 20
_RECORD_REBUILDS_MAX = 5  # in one go: renewals wait behind it in the lane


@dataclass(frozen=True, slots=True)
class Stale:
    """The merged product is another one at this tip: gate again (L4)."""

    tip: Oid


Published = Landed | Stale | Ineligible | Clash | Lost | Refused | Unknown


def publish_notes(
    collect: Callable[[], Sequence[Note]],
    *,
    policy: Policy,
    remote: Remote,
    committer: Committer,
    journal: Journal,
    clock: Clock,
    timestamp: Callable[[Oid], int],
) -> PushOutcome | None:
    """Publishes every note that still holds, as one group commit (R4); None when nothing was left.

    On Moved the notes are judged anew at the new tip (R2); the lane is ours, so the loop is short.
    `timestamp` dates what is built on a tip: the same again at each try, or every try that a remote
    refuses would leave another commit of unknown fate behind.
    """
    outcome: PushOutcome | None = None
    for rebuild in range(_RECORD_REBUILDS_MAX):
        synced = remote.sync()
        if not isinstance(synced, Synced):
            return Unknown(getattr(synced, "reason", "the remote was rewritten"))
        planned = committer.record(
            synced, collect(), policy=policy, timestamp=timestamp(synced.tip)
        )
        if planned is None:
            return None
        outcome = _push(
            planned, committer=committer, journal=journal, timeout_s_max=_RECORD_TIMEOUT_S
        )
        if not isinstance(outcome, Moved):
            return outcome
        clock.pause(min(5.0, 0.05 * 2**rebuild) * _jitter(clock))
    return outcome


def publish_landing(
    sighting: Sighting,
    *,
    claim: Claim,
    results: Callable[[Merged], tuple[CheckResult, ...] | None],
    cost: str,
    partial: Sequence[str] = (),
    policy: Policy,
    remote: Remote,
    objects: Objects,
    claims: Claims,
    committer: Committer,
    journal: Journal,
    clock: Clock,
) -> Published:
    """Lands one claimed, reviewed changeset: sync, merge, gate result, renew, push, read back.

    `results` returns what the gate said of a merged product, or None when it has not been run on it.
    The tip may move for each record that others make: as long as the product stays the same the
    gate's verdict stands (L4), and only L2 is judged again.
    """
    changeset = sighting.synthesis
    assert isinstance(changeset, Changeset)
    for _ in range(_REBUILDS_MAX):
        gated = _gated(changeset, claim=claim, results=results, remote=remote, objects=objects)
        if not isinstance(gated, Gated):
            return gated
        if claims.renew([claim]):  # L5: each held/ once, right before the push
            return Lost(claim.brief)
        renewed = claims.mine(claim.brief)
        if renewed is None:
            return Lost(claim.brief)
        planned = committer.land(
            gated,
            still_open=StillOpen(
                brief=sighting.filed.id, place=Place.OPEN, blob=sighting.filed.blob
            ),
            note=notes.landing(sighting, gated, renewed, cost=cost, policy=policy, partial=partial),
            claim=renewed,
            policy=policy,
            timestamp=clock.timestamp(),
        )
        if isinstance(planned, Ineligible):
            return planned
        outcome = _push(
            planned, committer=committer, journal=journal, timeout_s_max=policy.lease_s / 3
        )
        if not isinstance(outcome, Moved):
            return outcome
        claim = renewed
    return Unknown("the branch moved at every try")


def take_back(landing: Oid, brief: BriefId, *, objects: Objects) -> Changeset:
    """Returns the changeset that undoes the product part of `landing` (rule D3).

    What it wrote into memory stays: it was so, and later entries stand below it.
    """
    (parent, _), (_, message) = objects.log(None, landing, count_max=2)
    after = objects.tree_of(landing)
    before = objects.edit(objects.tree_of(parent), _remembered(message, after, objects=objects))
    return Changeset(
        brief=brief,
        base=landing,
        base_tree=after,
        result=before,
        touched=tuple(
            c.path for c in objects.diff(objects.product(after), objects.product(before))
        ),
        report=None,
        report_extension="md",
        report_path=None,
        digest=digest(f"revert {landing}".encode()),
        attempts=(),
        trust=Trust.VERIFIED,
        summary=f"take back {landing[:12]}",
        compared="one output",
    )


def _remembered(message: str, tree: Oid, *, objects: Objects) -> dict[RepoPath, Entry | None]:
    """Returns the files of memory that a landing added to, as they are in its tree."""
    said = record.parse(message)
    named = said.values("Memory") if said is not None else ()
    files = dict.fromkeys(RepoPath(value.partition(" ")[2]) for value in named)
    return {file: objects.entry(tree, file) for file in files}


def publish_revert(
    changeset: Changeset,
    filed: Filed,
    *,
    note: Callable[[Gated], Note],
    results: Callable[[Merged], tuple[CheckResult, ...] | None],
    policy: Policy,
    remote: Remote,
    objects: Objects,
    committer: Committer,
    journal: Journal,
    clock: Clock,
) -> Published:
    """Lands a revert: no claim, but the same lease, merge, gate and read back (rule D3)."""
    for _ in range(_REBUILDS_MAX):
        gated = _gated(changeset, claim=None, results=results, remote=remote, objects=objects)
        if not isinstance(gated, Gated):
            return gated
        planned = committer.land(
            gated,
            still_open=StillOpen(brief=filed.id, place=Place.LANDED, blob=filed.blob),
            note=note(gated),
            claim=None,
            policy=policy,
            timestamp=clock.timestamp(),
        )
        if isinstance(planned, Ineligible):
            return planned
        outcome = _push(
            planned, committer=committer, journal=journal, timeout_s_max=_RECORD_TIMEOUT_S
        )
        if not isinstance(outcome, Moved):
            return outcome
    return Unknown("the branch moved at every try")


def resolve(
    planned: Planned, *, committer: Committer, journal: Journal, timeout_s_max: float
) -> PushOutcome:
    """Says what became of an intent of unknown fate: the identical push again (P4)."""
    return _push(planned, committer=committer, journal=journal, timeout_s_max=timeout_s_max)


def _gated(
    changeset: Changeset,
    *,
    claim: Claim | None,
    results: Callable[[Merged], tuple[CheckResult, ...] | None],
    remote: Remote,
    objects: Objects,
) -> Gated | Stale | Clash | Unknown:
    """Puts a changeset on the tip as it is now, with what the gate said of the product."""
    synced = remote.sync()
    if not isinstance(synced, Synced):
        return Unknown(getattr(synced, "reason", "the remote was rewritten"))
    merged = objects.merge(changeset, claim=claim, synced=synced)
    if isinstance(merged, Clash):
        return merged
    passed = results(merged)
    return Stale(synced.tip) if passed is None else batch.gate(merged, passed)


def _push(
    planned: Planned, *, committer: Committer, journal: Journal, timeout_s_max: float
) -> PushOutcome:
    journal.intend(planned)
    outcome = committer.push(planned, timeout_s_max=timeout_s_max)
    if isinstance(outcome, Landed | Moved | Lost):
        journal.settle_intent(planned)
    logger.info(
        "pushed outcome=%s commit=%s briefs=%s",
        type(outcome).__name__,
        planned.oid,
        ",".join(sorted(set(planned.briefs))),
    )
    return outcome


def _jitter(clock: Clock) -> float:
    """Returns 0.5 to 1.5, from the nonce: coordinators must not move in step."""
    return 0.5 + int(clock.nonce()[:4], 16) / 0xFFFF
