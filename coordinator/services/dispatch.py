"""Claims, sweeps, renews, and starts attempts: the only verb that starts one."""

import logging
import math
from collections.abc import Sequence
from dataclasses import replace

from coordinator.domain import budget
from coordinator.domain.attempt import AttemptId, Role, Spec
from coordinator.domain.claim_name import gate_ref, held_ref
from coordinator.domain.names import BriefId, Digest, RepoPath
from coordinator.domain.output import CouldNot, Output, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.plan import Task
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.proof import Claim, ClaimOutcome, Deletion
from coordinator.domain.spent import Spent
from coordinator.domain.world import HeldRef, Sighting, World
from coordinator.ports import Attempts, Claims, Journal, Pool

logger = logging.getLogger(__name__)


def claim(
    brief: BriefId,
    digest: Digest,
    paths: Sequence[RepoPath],
    *,
    stale: HeldRef | None,
    claims: Claims,
    attempts: Attempts,
) -> ClaimOutcome:
    """Brings what others have published of the brief, then acquires it or takes a stale holder over (C5).

    In this order, because work starts as soon as anybody sees the claim, and must see the attempts too.
    The fetch that C4 asks for is part of acquiring: what follows is decided on a tip read after it.
    """
    attempts.fetch(brief)
    return claims.take_over(stale) if stale is not None else claims.acquire(brief, digest, paths)


def start(
    task: Task,
    sighting: Sighting,
    package: ContextPackage,
    *,
    number: int,
    beside: int | None = None,
    world: World,
    attempts: Attempts,
    journal: Journal,
    pool: Pool,
    role: Role = "author",
    about: int | None = None,
) -> Spec | None:
    """Stores the package, records the attempt with its money, then starts it; each may be repeated.

    Returns None, with nothing started, when others have been given the money since it was decided, or when
    it was decided on a look that is older than an attempt of the same number.
    """
    if _is_begun(sighting, number, world, journal=journal):
        return None
    spec, profile = _spec(task, sighting, package, number=number, world=world, attempts=attempts)
    spec = spec.model_copy(update={"role": role, "about": about, "beside": beside})
    if profile.limits.cost_usd_max > 0:
        money = _money(profile, sighting, world, journal=journal)
        if isinstance(money, budget.Lack):
            logger.info("not started brief=%s attempt=%d: %s", spec.id.brief, number, money.why)
            return None
        # Down to a millionth: up, the last attempt of a day would take it over its budget.
        spec = spec.model_copy(update={"cost_usd_max": math.floor(money * 1e6) / 1e6})
    journal.begin(spec)
    pool.submit(spec, package, profile)
    logger.info("started brief=%s attempt=%d task=%s", spec.id.brief, number, task.id)
    return spec


def ask(
    question: str,
    task: Task,
    sighting: Sighting,
    package: ContextPackage,
    *,
    number: int,
    world: World,
    attempts: Attempts,
    journal: Journal,
) -> Spec | None:
    """Records an attempt that asks before any worker starts: what it lacks, its worker would lack too.

    It goes the way of every output: the package and the question are kept, and it is judged. Returns None,
    with nothing asked, when it was decided on a look that is older than an attempt of the same number.
    """
    if _is_begun(sighting, number, world, journal=journal):
        return None
    spec, profile = _spec(task, sighting, package, number=number, world=world, attempts=attempts)
    output = Output(
        body=CouldNot(why="question", text=question),
        usage=Usage(cost_usd=0.0),
        confinement=profile.confinement,
    )
    journal.begin(spec)
    attempts.keep_output(spec, output)
    journal.end(spec.id, usage=output.usage, reason="")
    logger.info("asked brief=%s attempt=%d task=%s", spec.id.brief, number, task.id)
    return spec


def _is_begun(sighting: Sighting, number: int, world: World, *, journal: Journal) -> bool:
    """Tells whether a number is taken: a quick worker would work again, or two tasks have the same attempt."""
    wanted = AttemptId(brief=sighting.filed.id, epoch=world.epoch, number=number)
    return any(begun.id == wanted for begun, _ in journal.begun())


def _spec(
    task: Task,
    sighting: Sighting,
    package: ContextPackage,
    *,
    number: int,
    world: World,
    attempts: Attempts,
) -> tuple[Spec, Profile]:
    filed, policy = sighting.filed, world.policy
    profile = policy.profile(task.profile)
    assert profile is not None and filed.plan is not None  # noqa: PT018 - intake saw to both
    spec = Spec(
        id=AttemptId(brief=filed.id, epoch=world.epoch, number=number),
        round=filed.plan.round,
        task=task.id,
        profile=profile.name,
        model=profile.model,
        base=package.base,
        start=package.start,
        package=attempts.package(package),
        wall_clock_s_max=wall_clock_s(sighting, policy, profile.limits.wall_clock_s_max),
        tokens_max=min(package.constraints.max_tokens, profile.limits.tokens_max),
    )
    return spec, profile


def _money(
    profile: Profile, sighting: Sighting, world: World, *, journal: Journal
) -> float | budget.Lack:
    """Returns what an attempt may cost, by what the journal says at this moment."""
    begun = [spec for spec, ended in journal.begun() if ended is None]
    known = {attempt.spec.id for attempt in sighting.attempts}
    mine = sum(
        spec.cost_usd_max
        for spec in begun
        if spec.id.brief == sighting.filed.id and spec.id not in known
    )
    day_usd = journal.spent_since(world.day) + sum(spec.cost_usd_max for spec in begun)
    return budget.left(
        profile,
        sighting,
        policy=world.policy,
        brief=replace(sighting.spent, usd=sighting.spent.usd + mine),
        day=Spent(usd=day_usd),
    )


def wall_clock_s(sighting: Sighting, policy: Policy, profile_s_max: float) -> float:
    """Returns how long an attempt may take: the brief's deadline, within the profile's limit."""
    wanted = sighting.filed.brief.deadline_s
    if wanted is None:
        return profile_s_max
    return max(policy.deadline_s_min, min(wanted, profile_s_max))


def renewable(world: World, *, in_flight: frozenset[str]) -> tuple[Claim, ...]:
    """Returns our claims that are due for renewal: a quarter of the lease has passed.

    Those that are let go of are not: each renewal would be one more to let go of.
    """
    return tuple(
        s.claim
        for s in world.briefs.values()
        if isinstance(s.claim, Claim)
        and not _idle(s.filed.id, world)
        and world.held[s.filed.id].unchanged_s >= world.policy.lease_s / 4
        and f"land:{s.filed.id}" not in in_flight
    )


def sweepable(world: World, *, strays: Sequence[Deletion], branch: str) -> tuple[Deletion, ...]:
    """Returns what anyone deletes by lease: our strays (C3), orphans, and what is held for nothing (C6).

    What a brief at rest has left, and a gate while no brief is open, must have been read in an earlier
    fetch than the tip that shows it so.
    """
    lease_s = world.policy.lease_s
    gone = {d.ref: d for d in strays}
    ended = {
        brief
        for brief, held in world.held.items()
        if (_at_rest(brief, world) and held.unchanged_s > 0)
        or (_idle(brief, world) and held.unchanged_s >= lease_s)
    }
    for seen in world.claims:
        holder = BriefId(seen.claim.holder)
        orphan = seen.orphan_s >= lease_s or (seen.orphan_s > 0 and _at_rest(holder, world))
        if orphan or holder in ended:
            gone[seen.claim.ref] = Deletion(ref=seen.claim.ref, oid=seen.claim.oid)
    for brief in ended:
        ref = held_ref(world.refs_root, brief)
        gone[ref] = Deletion(ref=ref, oid=world.held[brief].oid)
    if world.gate is not None and world.gate.unchanged_s > 0 and _is_idle_gate(world):
        ref = gate_ref(world.refs_root, branch)
        gone[ref] = Deletion(ref=ref, oid=world.gate.oid)
    return tuple(gone.values())


def is_left_over(world: World) -> bool:
    """Tells whether something is held for nothing, by a coordinator that died or is about to let go."""
    holders = {*world.held, *(BriefId(seen.claim.holder) for seen in world.claims)}
    acquired = {held.acq for held in world.held.values()}
    orphans = (
        seen.claim.acq not in acquired and not seen.claim.holder.startswith("person:")
        for seen in world.claims
    )
    return any(_at_rest(brief, world) for brief in holders) or any(orphans) or _is_idle_gate(world)


def idle_claims(world: World, *, mine: Sequence[Claim]) -> tuple[Claim, ...]:
    """Returns our claims on briefs that are not open (any more): let go of at once."""
    return tuple(c for c in mine if _idle(c.brief, world))


def _is_idle_gate(world: World) -> bool:
    """Tells whether somebody else holds the gate although nothing can be gated."""
    if world.gate is None or world.gate.epoch == world.epoch:
        return False
    return all(_at_rest(brief, world) for brief in world.briefs)


def _at_rest(brief: BriefId, world: World) -> bool:
    """Tells whether the tip shows that nobody works on it; a brief that is not there may come yet."""
    return brief in world.terminal or (brief in world.briefs and _idle(brief, world))


def _idle(brief: BriefId, world: World) -> bool:
    sighting = world.briefs.get(brief)
    return sighting is None or sighting.filed.place.value != "open"
