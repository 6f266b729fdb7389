"""Steps of the remote lane: whatever writes to the remote, one at a time, read back each time."""

import logging
from collections.abc import Sequence

from coordinator.domain import batch, claiming, partial, spent
from coordinator.domain.attempt import RESTARTED
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import BriefId
from coordinator.domain.note import Note
from coordinator.domain.output import Usage
from coordinator.domain.proof import (
    Claim,
    Deletion,
    Landed,
    Lost,
    Merged,
    Moved,
    Planned,
    Refused,
)
from coordinator.domain.request import Request
from coordinator.domain.steps import TakeClaim
from coordinator.domain.world import Sighting, World
from coordinator.services import dispatch, land

from .kit import Kit

logger = logging.getLogger(__name__)

_REGATES_MAX = 3
_NOTES_MAX = 200


def recover(kit: Kit) -> None:
    """Y1: reads the remote, says of each intent what became of it, and renews what an earlier epoch held."""
    if kit.sync() is None:
        kit.ended("recover", well=False)
        return
    for planned in kit.ports.journal.intents():
        outcome = land.resolve(
            planned, committer=kit.committer, journal=kit.ports.journal, timeout_s_max=30.0
        )
        logger.info("recovered intent=%s outcome=%s", planned.oid, type(outcome).__name__)
    for held in kit.ports.claims.earlier():
        dispatch.claim(
            held.brief,
            held.digest,
            (),
            stale=held,
            claims=kit.ports.claims,
            attempts=kit.ports.attempts,
        )
    _settle(kit)
    kit.ports.claims.release_gate(kit.branch)  # nothing is gated yet, so ours is an earlier epoch's
    kit.catch_up()
    kit.memory.recovered = kit.memory.remote is None


def _settle(kit: Kit) -> None:
    """Counts what an earlier process left running with all its money: nobody knows what it used."""
    pool, journal = kit.ports.pool, kit.ports.journal
    here = {spec.id for spec, _ in pool.finished()} | set(pool.running())
    for spec, ended in journal.begun():
        if ended is None and spec.cost_usd_max and spec.id not in here:
            usage = Usage(cost_usd=spec.cost_usd_max)
            journal.end(spec.id, usage=usage, reason=RESTARTED)


def resolve(kit: Kit, intents: Sequence[Planned]) -> None:
    """P4: an intent of unknown fate is pushed again, the same, until it has landed or is dead."""
    well = True
    for planned in intents:
        outcome = land.resolve(
            planned, committer=kit.committer, journal=kit.ports.journal, timeout_s_max=30.0
        )
        well = well and isinstance(outcome, Landed | Moved | Lost)
        if isinstance(outcome, Refused):
            break  # the others would fare no better now
    kit.ended("resolve", well=well)


def records(kit: Kit, notes: Sequence[Note], world: World) -> None:
    """Publishes notes as one group commit; what did not hold any more is dropped."""
    outcome = land.publish_notes(
        lambda: notes[:_NOTES_MAX],
        policy=world.policy,
        remote=kit.ports.remote,
        committer=kit.committer,
        journal=kit.ports.journal,
        clock=kit.ports.clock,
        timestamp=lambda tip: kit.timestamp_of((tip, *(n.key for n in notes[:_NOTES_MAX]))),
    )
    kit.memory.refused = outcome.reason if isinstance(outcome, Refused) else None
    if isinstance(outcome, Refused):
        logger.error("remote refuses records: %s", outcome.reason)
    if outcome is None or isinstance(outcome, Landed):
        for note in notes[:_NOTES_MAX]:
            if kit.memory.pending.get(note.key) is note:
                del kit.memory.pending[note.key]
        kit.memory.recorded_s = kit.ports.clock.monotonic_s()
    kit.catch_up()
    kit.ended("records", well=outcome is None or isinstance(outcome, Landed))


def claim(kit: Kit, step: TakeClaim, sighting: Sighting, world: World) -> None:
    """Acquires or takes over; being too late is an ordinary outcome."""
    if kit.ports.remote.tip() != world.tip:
        return  # steps before this one in the lane saw a newer tip: the next look decides again
    if step.stale is None and claiming.in_the_way(step.paths, kit.ports.claims.seen()):
        return  # one of them got these paths; the remote could only refuse, and it is no bad end of ours
    outcome = dispatch.claim(
        step.brief,
        sighting.filed.digest,
        step.paths,
        stale=step.stale,
        claims=kit.ports.claims,
        attempts=kit.ports.attempts,
    )
    kit.catch_up()
    kit.ended(f"claim:{step.brief}", well=isinstance(outcome, Claim))
    logger.info("claim brief=%s outcome=%s", step.brief, type(outcome).__name__)


def release(kit: Kit, claims: Sequence[Claim]) -> None:
    """Lets go of claims on briefs that are not ours to work any more, as they are by now.

    They may have been renewed since the look that they are from; one that was acquired since stays.
    """

    def ours(one: Claim) -> Claim | None:
        now = kit.ports.claims.mine(one.brief)
        return now if now is not None and now.acq == one.acq else None

    for one in claims:
        if (now := ours(one)) is not None:
            kit.ports.claims.release(now)
    kept = [one.brief for one in claims if ours(one) is not None]
    if kept:
        logger.warning("claims could not be let go of briefs=%s", ",".join(kept))
    kit.ended("release", well=not kept)


def renew(kit: Kit, claims: Sequence[Claim]) -> None:
    """Renews leases; a lost one shows at the next look."""
    for brief in kit.ports.claims.renew(claims):
        logger.warning("claim lost brief=%s", brief)


def sweep(kit: Kit, deletions: Sequence[Deletion]) -> None:
    """Deletes what nobody holds (C3, C6), each leased at the oid that was judged."""
    logger.info("sweeping refs=%d first=%s", len(deletions), deletions[0].ref)
    claims = kit.ports.claims
    claims.delete(deletions)
    there = {held.oid for held in claims.held().values()} | {s.claim.oid for s in claims.seen()}
    kit.ended("sweep", well=there.isdisjoint(d.oid for d in deletions))


def publish(kit: Kit, brief: BriefId) -> None:
    """Pushes kept attempts and verdicts."""
    kit.ended(f"publish:{brief}", well=kit.ports.attempts.publish(brief))


def hold_gate(kit: Kit) -> None:
    """L1: one coordinator gates a branch at a time."""
    kit.ports.claims.hold_gate(kit.branch)
    kit.ended("gate-lock", well=True)


def release_gate(kit: Kit) -> None:
    """Lets the next coordinator gate."""
    kit.ports.claims.release_gate(kit.branch)
    gate = kit.ports.claims.gate(kit.branch)
    kit.ended("gate-release", well=gate is None or gate.epoch != kit.epoch)


def remove_request(kit: Kit, request: Request) -> None:
    """Deletes the inbox branch of a request that has been dealt with."""
    kit.ports.remote.remove_request(request)


def publish_landing(kit: Kit, sighting: Sighting, world: World) -> None:
    """Lands one brief; what came of it is on the remote, and the next look sees it."""
    brief = sighting.filed.id
    mine = kit.ports.claims.mine(brief)
    if mine is None:
        return
    outcome = land.publish_landing(
        sighting,
        claim=mine,
        results=lambda merged: gate_results(kit, merged, world),
        cost=spent.said(sighting.attempts),
        partial=[one.said for one in partial.lost(sighting, world)],
        policy=world.policy,
        remote=kit.ports.remote,
        objects=kit.ports.objects,
        claims=kit.ports.claims,
        committer=kit.committer,
        journal=kit.ports.journal,
        clock=kit.ports.clock,
    )
    logger.info("landing brief=%s outcome=%s", brief, outcome)
    match outcome:
        case Refused(reason=reason):
            why = f"the remote refuses it: {reason}"
            kit.memory.prepared.refused[brief, sighting.filed.folder] = why
        case land.Stale():
            regated = kit.memory.regated.get(brief, 0) + 1
            kit.memory.regated[brief] = regated
            if regated > _REGATES_MAX:  # L7: a person is asked, and an answer begins the count anew
                kit.memory.regated.pop(brief)
                why = f"starved: the branch moved under the gate {regated} times"
                kit.memory.prepared.refused[brief, sighting.filed.folder] = why
        case _:
            pass
    kit.catch_up()
    kit.ended(f"land:{brief}", well=isinstance(outcome, Landed | land.Stale))


def gate_results(kit: Kit, merged: Merged, world: World) -> tuple[CheckResult, ...] | None:
    """Returns what the gate said of exactly this product; None when it has not passed on it yet."""
    checks = wanted_checks(kit, merged, world)
    known = kit.ports.journal.checks()
    found = [known.get(check.key) for check in checks]
    if any(result is None or not result.passed for result in found):
        return None
    return tuple(result for result in found if result is not None)


def wanted_checks(kit: Kit, merged: Merged, world: World) -> tuple[Check, ...]:
    """Returns what the gate must have passed; nothing when the product is what the branch has."""
    tree = kit.ports.objects.tree_of(merged.onto)
    if merged.product == kit.ports.objects.product(tree):
        return ()
    return batch.wanted_checks(merged.changeset, merged.product, policy=world.policy)
