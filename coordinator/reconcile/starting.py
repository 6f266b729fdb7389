"""Starts attempts: what those at a task, those that plan, judge one or put several together have in common."""

from collections.abc import Mapping

from coordinator.domain.package import ContextPackage
from coordinator.domain.steps import Dispatch
from coordinator.domain.web import FetchOutcome
from coordinator.domain.world import Sighting, World
from coordinator.services import dispatch as dispatch_service
from coordinator.services import package as package_service
from coordinator.services.package import NOT_FETCHED

from .kit import Kit


def evaluate(kit: Kit, step: Dispatch, about: int, sighting: Sighting, world: World) -> None:
    """Builds the package of an evaluation of attempt `about`, and starts it."""
    profile = world.policy.profile(step.task.profile)
    assert profile is not None
    package = package_service.pack_evaluation(
        sighting,
        profile,
        about=about,
        attempt=step.number,
        objects=kit.ports.objects,
        feedback=step.feedback,
    )
    start(kit, step, sighting, world, package)


def synthesize(kit: Kit, step: Dispatch, sighting: Sighting, world: World) -> None:
    """Builds the package of one who puts the outputs of others into words, and starts it."""
    given = packed(kit, step, sighting, world)
    start(kit, step, sighting, world, package_service.for_synthesizer(given, sighting))


def plan(kit: Kit, step: Dispatch, sighting: Sighting, world: World) -> None:
    """Builds the package of one who says which tasks a brief is made of, and starts it."""
    given = packed(kit, step, sighting, world)
    package = package_service.for_planner(given, sighting, step.task, world)
    start(kit, step, sighting, world, package)


def packed(
    kit: Kit,
    step: Dispatch,
    sighting: Sighting,
    world: World,
    fetched: Mapping[str, FetchOutcome] = NOT_FETCHED,
) -> ContextPackage:
    """Returns what a step's attempt is told of its brief at this tip; `fetched` as in `package.pack`."""
    return package_service.pack(
        sighting,
        step.task,
        attempt=step.number,
        base=world.tip,
        world=world,
        objects=kit.ports.objects,
        feedback=step.feedback,
        fetched=fetched,
    )


def start(
    kit: Kit, step: Dispatch, sighting: Sighting, world: World, package: ContextPackage
) -> None:
    """Starts an attempt whose package is built, and says so."""
    spec = dispatch_service.start(
        step.task,
        sighting,
        package,
        number=step.number,
        world=world,
        attempts=kit.ports.attempts,
        journal=kit.ports.journal,
        pool=kit.ports.pool,
        role=step.role,
        about=step.about,
        beside=step.beside,
    )
    if spec is not None:
        kit.say(
            {
                "event": "started",
                "brief": step.brief,
                "attempt": step.number,
                "worker": step.task.profile,
                "role": step.role,
                "cost_usd_max": spec.cost_usd_max,
            }
        )
