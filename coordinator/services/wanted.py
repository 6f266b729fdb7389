"""What each environment should run, and the next step towards it (rule D2); `deliver` takes that step."""

from dataclasses import dataclass

from coordinator.domain import delivery_notes
from coordinator.domain.names import Environment, Oid, Place
from coordinator.domain.note import Note
from coordinator.domain.policy import Target
from coordinator.domain.world import Filed, LiveState, World
from coordinator.ports import Objects

_LOOK_BACK = 64  # commits read at first; most histories have a change among them


@dataclass(frozen=True, slots=True, kw_only=True)
class Desired:
    """The newest commit of the branch whose product tree changed, worked out at `tip`."""

    tip: Oid
    revision: Oid
    product: Oid


@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """An environment does not run what it should: call `deliver` in its lane."""

    target: Target
    desired: Desired


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteDown:
    """What became of a deploy is known, and briefs wait to hear it: land the notes."""

    notes: tuple[Note, ...]


def desired(tip: Oid, *, before: Desired | None, objects: Objects) -> Desired:
    """Returns what environments should run at `tip`; the cost follows the commits since `before`.

    Commits that touch record paths only change no product tree, so they never ask for a deploy.
    """
    if before is not None and objects.is_ancestor(before.tip, tip):
        return _since(before, tip, objects=objects)
    count = _LOOK_BACK
    while (found := _newest_change(tip, count=count, objects=objects)) is None:
        count *= 4
    return found


def waiting(world: World, environment: Environment) -> tuple[Filed, ...]:
    """Returns the landed briefs that wait for `environment`, in the order they were accepted."""
    sightings = sorted(world.briefs.values(), key=lambda sighting: sighting.order)
    return tuple(
        s.filed
        for s in sightings
        if s.filed.place is Place.LANDED and s.filed.brief.deploy == environment
    )


def wanted(
    world: World,
    environment: Environment,
    *,
    desired: Desired,
    objects: Objects,
    stale: str | None = None,
) -> Ship | WriteDown | None:
    """Returns the next step for one environment, or None when it is as it should be, or not ours to change.

    Only a landed brief that names the environment starts a deploy. One that failed is not tried again
    by itself: its briefs are told, and the next change, or a person, starts the next. `stale` is why
    the last `deliver` of exactly `desired` refused, if it did; forgetting it costs one look.
    """
    briefs = waiting(world, environment)
    target = world.policy.target(environment)
    if not briefs:
        return _after_revert(world, target, desired=desired) if target else None
    if target is None:
        return _told(world, environment, None, f"the config has no environment {environment}")
    if stale is not None:
        return _told(world, environment, None, stale)
    state = world.environments.get(environment)
    if state is not None and state.revision == desired.revision:
        if state.state == "live":
            note = delivery_notes.deployed(state, briefs, policy=world.policy)
            return WriteDown(notes=(note,))
        if state.state == "failed":
            return _told(world, environment, state, state.reason)
    ahead = state is not None and _ahead(state, desired, objects=objects)
    return None if ahead else Ship(target=target, desired=desired)


def _newest_change(tip: Oid, *, count: int, objects: Objects) -> Desired | None:
    """Looks at the newest `count` commits; None when all of them are of one product and more come before."""
    commits = [commit for commit, _ in objects.log(None, tip, count_max=count)]
    product = _product(tip, objects=objects)
    revision = tip
    for older in reversed(commits[:-1]):
        if _product(older, objects=objects) != product:
            return Desired(tip=tip, revision=revision, product=product)
        revision = older
    if len(commits) == count:
        return None
    return Desired(tip=tip, revision=revision, product=product)


def _after_revert(world: World, target: Target, *, desired: Desired) -> Ship | None:
    """D3: a failed deploy that was taken back leaves the environment to be brought to what is left."""
    state = world.environments.get(target.environment)
    if state is None or not target.revert or state.state not in ("failed", "deploying"):
        return None
    moved_on = state.revision != desired.revision or state.state == "deploying"
    return Ship(target=target, desired=desired) if moved_on else None


def _since(before: Desired, tip: Oid, *, objects: Objects) -> Desired:
    revision, product = before.revision, before.product
    for commit, _ in objects.log(before.tip, tip):
        found = _product(commit, objects=objects)
        if found != product:
            revision, product = commit, found
    return Desired(tip=tip, revision=revision, product=product)


def _product(commit: Oid, *, objects: Objects) -> Oid:
    return objects.product(objects.tree_of(commit))


def _told(world: World, environment: Environment, state: LiveState | None, why: str) -> WriteDown:
    briefs = waiting(world, environment)
    return WriteDown(
        notes=delivery_notes.not_live(environment, state, why, briefs, policy=world.policy)
    )


def _ahead(state: LiveState, desired: Desired, *, objects: Objects) -> bool:
    """Tells whether somebody has shipped what we have not fetched yet; the next look will show it."""
    return (
        state.state == "live"
        and state.revision != desired.revision
        and objects.is_ancestor(desired.revision, state.revision)
    )
