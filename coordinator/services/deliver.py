"""Ships what the branch says, looks at what is live until it is, and says what to write down (rules D1, D2).

The deploy ref is the durable fact: `deliver` ends in it, and the record commit is made from it at a later
tick, so a crash anywhere in between repeats a step and never a decision.
"""

from dataclasses import dataclass

from coordinator.domain.errors import MissingObject
from coordinator.domain.names import Oid
from coordinator.domain.policy import Target
from coordinator.domain.world import LiveState
from coordinator.ports import Clock, DeployRefs, Objects, Targets

_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Seen live `looks` times in a row."""

    revision: Oid
    previous: Oid | None
    generation: int
    looks: int
    took_s: float


@dataclass(frozen=True, slots=True)
class Stale:
    """Shipping would undo what is live; nothing was shipped."""

    why: str


@dataclass(frozen=True, slots=True)
class BusyElsewhere:
    """Another coordinator ships, or the remote did not answer: look again later."""

    why: str


@dataclass(frozen=True, slots=True)
class NotLive:
    """Shipped or tried, and not seen live; the deploy ref says so too."""

    why: str
    output: str


DeliveryOutcome = Delivered | Stale | BusyElsewhere | NotLive


def deliver(
    target: Target,
    *,
    revision: Oid,
    product: Oid,
    holder: str,
    refs: DeployRefs,
    targets: Targets,
    objects: Objects,
    clock: Clock,
) -> DeliveryOutcome:
    """Brings `target` to `revision` and returns when that has been seen, or why not. Repeatable at any point.

    Blocks; for the deploy lane of the environment. What it comes to stands in the deploy ref.
    """
    begun_s = clock.monotonic_s()
    state = refs.read(target.environment)
    if state is not None and (busy := _busy(state, target, holder=holder)):
        return busy
    live = targets.live(target)
    if stale := _stale(target, state, live, revision=revision, objects=objects):
        return stale
    if state is not None and state.state == "live" and state.revision == revision == live:
        return _delivered(state, took_s=clock.monotonic_s() - begun_s)
    deploying = _begin(target, state, revision=revision, holder=holder, refs=refs, targets=targets)
    if deploying is None:
        return BusyElsewhere(
            f"refs for {target.environment} moved, or the remote did not answer; trying again later"
        )
    outcome = _ship_and_look(
        target,
        deploying,
        product=product,
        live=live,
        refs=refs,
        targets=targets,
        clock=clock,
    )
    if isinstance(outcome, LiveState):
        return _delivered(outcome, took_s=clock.monotonic_s() - begun_s)
    return outcome


def _delivered(state: LiveState, *, took_s: float) -> Delivered:
    return Delivered(
        revision=state.revision,
        previous=state.previous,
        generation=state.generation,
        looks=state.looks,
        took_s=took_s,
    )


def _busy(state: LiveState, target: Target, *, holder: str) -> BusyElsewhere | None:
    """Returns why somebody else's state must be left alone. Nobody ships longer than twice the timeout."""
    if state.state == "unreadable":
        return BusyElsewhere(
            f"the deploy ref of {target.environment} is not readable here; "
            "a newer coordinator wrote it"
        )
    patience_s = 2 * target.timeout_s_max + _MARGIN_S
    theirs = state.state == "deploying" and state.holder != holder
    if theirs and state.unchanged_s < patience_s:
        return BusyElsewhere(f"{state.holder} ships {state.revision[:12]} to {target.environment}")
    return None


def _stale(
    target: Target, state: LiveState | None, live: Oid | None, *, revision: Oid, objects: Objects
) -> Stale | None:
    # While a deploy is under way or has failed, what stood before it may still be what runs.
    known = None
    if state is not None:
        known = state.revision if state.state == "live" else state.previous
    for found in (live, known):
        if found is not None and not _contains(revision, found, objects=objects):
            return Stale(
                f"{target.environment} runs {found[:12]}, which {revision[:12]} does not contain: "
                "shipping would undo it"
            )
    return None


def _contains(revision: Oid, found: Oid, *, objects: Objects) -> bool:
    try:
        return found == revision or objects.is_ancestor(found, revision)
    except MissingObject:
        return False


def _begin(
    target: Target,
    state: LiveState | None,
    *,
    revision: Oid,
    holder: str,
    refs: DeployRefs,
    targets: Targets,
) -> LiveState | None:
    """Returns the state under which we ship: ours from before a crash, or a new generation."""
    standing = targets.generation(target) or 0
    if (
        state is not None
        and (state.state, state.holder, state.revision) == ("deploying", holder, revision)
        and standing <= state.generation
    ):
        return state
    return refs.swap(
        target.environment,
        expected=state.oid if state else None,
        revision=revision,
        generation=max(state.generation if state else 0, standing) + 1,
        state="deploying",
    )


def _ship_and_look(
    target: Target,
    deploying: LiveState,
    *,
    product: Oid,
    live: Oid | None,
    refs: DeployRefs,
    targets: Targets,
    clock: Clock,
) -> LiveState | NotLive | BusyElsewhere:
    revision = deploying.revision
    shipped = _ship(
        target, deploying, revision=revision, product=product, live=live, targets=targets
    )
    looks, seen = (0, None) if shipped else _look(target, revision, targets=targets, clock=clock)
    if looks < max(1, target.health_polls):
        return _failed(target, deploying, shipped, seen=seen, refs=refs)
    done = refs.swap(
        target.environment,
        expected=deploying.oid,
        revision=revision,
        generation=deploying.generation,
        state="live",
        looks=looks,
    )
    if done is None:
        return BusyElsewhere(f"{revision[:12]} looks live, but this could not be written down yet")
    return done


def _ship(
    target: Target,
    deploying: LiveState,
    *,
    revision: Oid,
    product: Oid,
    live: Oid | None,
    targets: Targets,
) -> str | None:
    """Returns why shipping failed. A command target that runs it already, from before a crash, is not run twice."""
    if target.kind == "command" and target.live is None:
        return "there is no `live` probe to see a deploy by; set one in the config"
    if target.kind == "command" and live == revision:
        return None
    return targets.deploy(
        target, revision=revision, product=product, generation=deploying.generation
    )


def _look(
    target: Target, revision: Oid, *, targets: Targets, clock: Clock
) -> tuple[int, Oid | None]:
    """Returns how many looks in a row saw `revision`, up to what is asked for, and what was seen last."""
    deadline_s = clock.monotonic_s() + target.timeout_s_max
    looks = 0
    while True:
        seen = targets.live(target)
        looks = looks + 1 if seen == revision else 0
        if looks >= max(1, target.health_polls) or clock.monotonic_s() >= deadline_s:
            return looks, seen
        clock.pause(target.poll_s)


def _failed(
    target: Target, deploying: LiveState, shipped: str | None, *, seen: Oid | None, refs: DeployRefs
) -> NotLive | BusyElsewhere:
    if shipped is not None:
        why, _, output = shipped.partition("\n")
    else:
        shows = seen[:12] if seen else "nothing readable"
        why, output = f"shipped, but the live probe shows {shows}", ""
    done = refs.swap(
        target.environment,
        expected=deploying.oid,
        revision=deploying.revision,
        generation=deploying.generation,
        state="failed",
        reason=f"{why}\n{output}".strip(),
    )
    if done is None:
        return BusyElsewhere(f"{why}; this could not be written down yet")
    return NotLive(why, output)
