"""One look at branch, refs, journal, inbox and pool: the only reader of all of them. Returns the World."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coordinator.domain import breaker, budget, fairness, second_look, spent, state_md
from coordinator.domain.attempt import Attempt, Returned
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import Check
from coordinator.domain.entries import Source
from coordinator.domain.names import (
    BriefId,
    Environment,
    Epoch,
    Oid,
    Place,
    RepoPath,
)
from coordinator.domain.policy import Policy
from coordinator.domain.proof import (
    Busy,
    Claim,
    Merged,
    Rewritten,
    Unreachable,
)
from coordinator.domain.spent import Spent
from coordinator.domain.world import Filed, LiveState, Sighting, World
from coordinator.ports import (
    Attempts,
    Claims,
    Clock,
    DeployRefs,
    Inbox,
    Journal,
    Objects,
    Pool,
    Remote,
)

from . import tries
from .branch_log import BranchLog
from .house_rules import HouseRules, ReadPolicy
from .prepared import Prepared
from .shelves import Shelves
from .waits import Waits


class Observer:
    """Looks; what did not change since the last look is not read again."""

    def __init__(
        self,
        *,
        objects: Objects,
        attempts: Attempts,
        claims: Claims,
        remote: Remote,
        inbox: Inbox,
        journal: Journal,
        pool: Pool,
        deploys: DeployRefs,
        clock: Clock,
        epoch: Epoch,
        branch: str,
        refs_root: str,
        read_policy: ReadPolicy,
    ) -> None:
        self._objects = objects
        self._attempts = attempts
        self._claims = claims
        self._remote = remote
        self._inbox = inbox
        self._journal = journal
        self._pool = pool
        self._deploys = deploys
        self._clock = clock
        self._epoch = epoch
        self._branch = branch
        self._refs_root = refs_root
        self._began_s = clock.monotonic_s()
        self._rules = HouseRules(objects, read_policy)
        self._waits = Waits()
        self._shelves = Shelves(objects)
        self._log = BranchLog(objects)

    def look(
        self,
        tip: Oid,
        *,
        remote: Rewritten | Unreachable | None,
        prepared: Prepared,
        in_flight: frozenset[str],
    ) -> World:
        """Returns the World at `tip`, as last fetched."""
        tree = self._objects.tree_of(tip)
        policy = self._rules.look(tip, tree)
        self._log.read(tip)
        state = (self._objects.read(tree, policy.paths.state_file) or b"").decode(
            "utf-8", "replace"
        )
        said = state_md.directives(state)
        live = {f.id: f for f in self._shelves.live(tree, policy)}
        self._waits.keep(live)
        begun = tries.begun(journal=self._journal, pool=self._pool, in_flight=in_flight)
        tried = tries.tried(live.values(), begun, attempts=self._attempts, journal=self._journal)
        since_s = self._clock.monotonic_s() - self._began_s
        past = tries.past(begun, journal=self._journal, since_s=since_s)
        day = spent.day_of(self._clock.timestamp())
        sightings = {
            f.id: self._sighting(f, tried.get(f.id, ()), tree=tree, prepared=prepared)
            for f in sorted(live.values(), key=lambda f: (-f.brief.priority, self._log.place(f.id)))
        }
        return World(
            now_s=self._clock.monotonic_s(),
            epoch=self._epoch,
            tip=tip,
            refs_root=self._refs_root,
            remote=remote,
            policy=policy,
            policy_faults=self._rules.faults,
            read_only=self._rules.read_only or self._outdated(),
            plan_faults=self._shelves.plan_faults(tree, policy),
            paused=said.paused,
            holds=said.holds,
            inbox=(
                *self._inbox.waiting(),
                *self._remote.pushed_requests(),
                *self._shelves.plan_lines(tree, policy),
            ),
            briefs=sightings,
            terminal=self._shelves.terminal(tree, policy),
            landings=self._log.landings(),
            unpublished=self._attempts.unpublished(),
            held=dict(self._claims.held()),
            claims=self._claims.seen(),
            gate=self._claims.gate(self._branch),
            checks=dict(self._journal.checks()),
            environments=self._environments(policy),
            intents=self._journal.intents(),
            day=day,
            spent_today=self._spent_today(policy, day),
            past=past,
            breakers=breaker.opened(past, policy),
            full=fairness.full(past, policy),
        )

    @property
    def policy(self) -> Policy:
        """Returns the last good policy."""
        return self._rules.policy

    def landed_at(self, brief: BriefId) -> Oid | None:
        """Returns the newest landing of `brief` on the branch as last looked at."""
        return self._log.landed_at(brief)

    def to_remember(self) -> tuple[tuple[Source, ...], frozenset[str]]:
        """Returns the commits that something is remembered from, and the ids of entries written already."""
        return self._log.to_remember()

    def news(self) -> tuple[Mapping[str, Any], ...]:
        """Returns what the branch gained between the last two looks, as events; each is told once."""
        return self._log.news()

    def _outdated(self) -> str | None:
        """Returns why another, newer coordinator must be left alone with the house; None when none is seen."""
        newer = self._log.newer or self._claims.newer()
        return newer and f"{newer}: read-only until the newer coordinator is installed here"

    def _sighting(
        self,
        filed: Filed,
        tried: tuple[Attempt, ...],
        *,
        tree: Oid,
        prepared: Prepared,
    ) -> Sighting:
        numbered = max((a.spec.id.number for a in tried), default=0)
        cost = spent.of(tried)
        round_ = filed.plan.round if filed.plan else 0
        tried = tuple(a for a in tried if a.spec.round == round_)
        synthesis = prepared.synthesis.get((filed.id, synthesis_key(filed, tried)))
        merged = None
        gate: tuple[Check, ...] = ()
        bare: tuple[Check, ...] = ()
        if isinstance(synthesis, Changeset):
            product = self._objects.product(tree)
            merged = prepared.merged.get((synthesis.key, synthesis.base, product))
            if isinstance(merged, Merged):
                gate = prepared.gates.get(merged.product, ())
                bare = tuple(
                    Check(product=product, command=c.command, confinement=c.confinement)
                    for c in gate
                )
        sighting = Sighting(
            filed=filed,
            order=self._log.place(filed.id),
            age_s=self._waits.age_s(filed, self._clock.monotonic_s()),
            attempts=tried,
            numbered=numbered,
            claim=self._claim(filed.id),
            waits_s=self._waits_s(filed),
            synthesis=synthesis,
            merged=merged,
            gate_checks=gate,
            tip_checks=bare,
            refused=prepared.refused.get((filed.id, filed.folder)),
            spent=cost,
        )
        able = second_look.able(sighting, self._rules.policy)
        return replace(sighting, evaluators=able) if able else sighting

    def _waits_s(self, filed: Filed) -> float:
        """Returns for how long a brief has waited for a person, by the date of the commit that says so."""
        asked = self._log.asked_at(filed.id) if filed.place is Place.WAITING else None
        if asked is None:
            return 0.0
        return float(max(0, self._clock.timestamp() - self._objects.dated(asked)))

    def _spent_today(self, policy: Policy, day: int) -> Spent:
        """Returns what has been spent here since `day` began, and is set aside for what has not ended."""
        if not budget.has_paid(policy):
            return Spent()
        begun = (spec.cost_usd_max for spec, ended in self._journal.begun() if ended is None)
        return Spent(usd=self._journal.spent_since(day) + sum(begun))

    def _claim(self, brief: BriefId) -> Claim | Busy | None:
        mine = self._claims.mine(brief)
        if mine is not None:
            return mine
        held = self._claims.held().get(brief)
        return Busy(path=RepoPath(""), holder=held.epoch) if held else None

    def _environments(self, policy: Policy) -> dict[Environment, LiveState]:
        found = {}
        for target in policy.environments:
            state = self._deploys.read(target.environment)
            if state is not None:
                found[target.environment] = state
        return found


def synthesis_key(filed: Filed, tried: tuple[Attempt, ...]) -> tuple[str, ...]:
    """Returns what a synthesis depends on: the brief's folder and what each attempt came to."""
    return (
        filed.folder,
        *(
            f"{a.commit}:{a.verdict.verdict if a.verdict else '-'}"
            for a in tried
            if isinstance(a, Returned)
        ),
    )
