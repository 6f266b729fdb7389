"""Steps of the local, command and deploy lanes: each ends in a durable fact, or in one that is worked out again."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from coordinator.domain import tasks, url_inputs
from coordinator.domain.attempt import AttemptId, Returned, Spec
from coordinator.domain.changeset import Changeset
from coordinator.domain.check import Check
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.proof import Claim, Merged
from coordinator.domain.steps import Dispatch
from coordinator.domain.world import Sighting, World
from coordinator.ports import Lane
from coordinator.services import deliver as deliver_service
from coordinator.services import dispatch as dispatch_service
from coordinator.services import package as package_service
from coordinator.services import remember as remember_service
from coordinator.services import review as review_service
from coordinator.services import synthesize as synthesize_service
from coordinator.services.observe import synthesis_key
from coordinator.services.wanted import Ship

from . import remote_steps, starting
from .kit import Kit

logger = logging.getLogger(__name__)


def dispatch(kit: Kit, step: Dispatch, sighting: Sighting, world: World) -> None:
    """Builds the package and starts the attempt, or asks about a URL of INPUTS that gives nothing to read."""
    if step.about is not None:
        starting.evaluate(kit, step, step.about, sighting, world)
        return
    if step.role == "synthesizer":
        starting.synthesize(kit, step, sighting, world)
        return
    if step.role == "planner":
        starting.plan(kit, step, sighting, world)
        return
    asked = tasks.brief_of(sighting.filed.brief, step.task)
    fetched = package_service.fetch(asked, world.policy, web=kit.ports.web)
    package = starting.packed(kit, step, sighting, world, fetched)
    question = url_inputs.question(fetched, package.answers)
    if question is not None:
        asking = dispatch_service.ask(
            question,
            step.task,
            sighting,
            package,
            number=step.number,
            world=world,
            attempts=kit.ports.attempts,
            journal=kit.ports.journal,
        )
        if asking is not None:
            kit.say(
                {
                    "event": "asked",
                    "brief": step.brief,
                    "attempt": step.number,
                    "reason": question,
                }
            )
        return
    starting.start(kit, step, sighting, world, package)


def keep(kit: Kit, spec: Spec, outcome: Output | NoOutput) -> None:
    """Keeps what came back before anybody judges it, then lets the pool forget it."""
    if isinstance(outcome, NoOutput):
        kit.ports.journal.end(spec.id, usage=outcome.usage, reason=outcome.reason)
        logger.warning(
            "attempt lost brief=%s attempt=%d: %s", spec.id.brief, spec.id.number, outcome.reason
        )
    else:
        kit.ports.attempts.keep_output(spec, outcome)
        kit.ports.journal.end(spec.id, usage=outcome.usage, reason="")
        logger.info("attempt returned brief=%s attempt=%d", spec.id.brief, spec.id.number)
    kit.ports.pool.acknowledge(spec.id)
    word = "lost" if isinstance(outcome, NoOutput) else "returned"
    cost = outcome.usage.cost_usd if spec.cost_usd_max else 0.0  # null is unknown
    kit.say({"event": word, "brief": spec.id.brief, "attempt": spec.id.number, "cost_usd": cost})


def review(kit: Kit, attempt: AttemptId, sighting: Sighting, world: World) -> None:
    """Judges one output. Checks that it asks for run in their own lane; then it is judged again."""
    returned = next(
        a for a in sighting.attempts if isinstance(a, Returned) and a.spec.id == attempt
    )
    verdict = review_service.judge(returned, sighting, world, objects=kit.ports.objects)
    if isinstance(verdict, tuple):
        key = check_key(attempt)
        if kit.ready(key):
            kit.ports.lanes.start(Lane.COMMAND, key, partial(_check, kit, key, verdict))
        return
    kit.ports.attempts.keep_verdict(attempt, verdict)
    logger.info(
        "judged brief=%s attempt=%d verdict=%s", attempt.brief, attempt.number, verdict.verdict
    )
    kit.say(
        {
            "event": "judged",
            "brief": attempt.brief,
            "attempt": attempt.number,
            "verdict": verdict.verdict,
        }
    )


def check_key(attempt: AttemptId) -> str:
    """Returns the key of the step that runs the checks of one output."""
    return f"check:{attempt.brief}:{attempt.number}"


def _check(kit: Kit, key: str, checks: Sequence[Check]) -> None:
    results = _run(kit, checks)
    kit.ended(key, well=all(result.ran for result in results.values()))


def synthesize(kit: Kit, sighting: Sighting, world: World) -> None:
    """Puts accepted outputs together; kept by what they are."""
    made = synthesize_service.synthesize(sighting, objects=kit.ports.objects)
    if isinstance(made, Changeset):
        sources, told = kit.observer.to_remember()
        made = remember_service.with_entries(
            made,
            sighting,
            tip=world.tip,
            sources=sources,
            told=told,
            policy=world.policy,
            objects=kit.ports.objects,
            timestamp=kit.ports.clock.timestamp(),
        )
    key = synthesis_key(sighting.filed, sighting.attempts)
    kit.memory.prepared.synthesis[sighting.filed.id, key] = made


def merge(kit: Kit, sighting: Sighting, world: World) -> None:
    """Puts the changeset on the tip of this look, and says what the gate must pass on the result."""
    synced, changeset = kit.memory.synced, sighting.synthesis
    if synced is None or not isinstance(changeset, Changeset):
        return
    if not isinstance(sighting.claim, Claim):
        return
    merged = kit.ports.objects.merge(changeset, claim=sighting.claim, synced=synced)
    product = kit.ports.objects.product(kit.ports.objects.tree_of(synced.tip))
    if isinstance(merged, Merged):
        checks = remote_steps.wanted_checks(kit, merged, world)
        kit.memory.prepared.gates[merged.product] = checks
    kit.memory.prepared.merged[changeset.key, changeset.base, product] = merged


def run_gate(kit: Kit, checks: Sequence[Check]) -> None:
    """Runs what the gate lacks, in order; the first red one ends it."""
    for result in _run(kit, checks).values():
        if not result.passed:
            break


def _run(kit: Kit, checks: Sequence[Check]) -> Mapping[Any, Any]:
    known = kit.ports.journal.checks()
    results = {}
    for check in checks:
        result = known.get(check.key) or kit.ports.checks.run(check)
        if check.key not in known:
            if result.ran:  # a full disk says nothing of the tree, and must not be remembered
                kit.ports.journal.keep_check(result)
            logger.info("check name=%s passed=%s", check.command.name, result.passed)
        results[check.key] = result
    return results


def ship(kit: Kit, wanted: Ship) -> None:
    """Ships and looks; what came of it stands in the deploy ref."""
    target, desired = wanted.target, wanted.desired
    outcome = deliver_service.deliver(
        target,
        revision=desired.revision,
        product=desired.product,
        holder=kit.holder,
        refs=kit.ports.deploys,
        targets=kit.ports.targets,
        objects=kit.ports.objects,
        clock=kit.ports.clock,
    )
    logger.info("deliver environment=%s outcome=%s", target.environment, outcome)
    if isinstance(outcome, deliver_service.Stale):
        kit.memory.stale[target.environment] = (desired.revision, outcome.why)
    busy = isinstance(outcome, deliver_service.BusyElsewhere)
    kit.ended(f"deploy:{target.environment}", well=not busy)


def follow(kit: Kit, world: World) -> None:
    """Fast-forwards the user's checkout where the house says so."""
    said = kit.committer.follow(world.tip)
    if said:
        logger.info("checkout stays: %s", said)
        kit.say({"event": "checkout", "reason": said})
