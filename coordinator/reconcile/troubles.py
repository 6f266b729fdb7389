"""What stands in the way of the work, in words for people, each with what to do about it."""

from dataclasses import dataclass

from coordinator.domain import budget, progress
from coordinator.domain.proof import Rewritten, Unreachable
from coordinator.domain.world import World

from .kit import Kit

_DELETIONS = frozenset({"sweep", "release", "gate-release"})
_NAMED_MAX = 5
_FRESH_S = 60.0  # a step that failed longer ago has been given up, or is not wanted any more


@dataclass(frozen=True, slots=True)
class Trouble:
    """One trouble; `is_told` where an event of its own has said it."""

    text: str
    is_told: bool = False


def found(kit: Kit, world: World | None) -> tuple[Trouble, ...]:
    """Returns every trouble of this moment; `world` is None before the first look."""
    remote = tuple(Trouble(text, is_told=True) for text in _of_remote(kit))
    return (*remote, *(Trouble(text) for text in dict.fromkeys(_others(kit, world))))


def _of_remote(kit: Kit) -> list[str]:
    match kit.memory.remote:
        case Unreachable(reason=reason, hint=hint):
            return [f"offline: {reason}: {hint}" if hint else f"offline: {reason}"]
        case Rewritten() as remote:
            return [remote.advice]
        case None:
            return []


def _others(kit: Kit, world: World | None) -> list[str]:
    said: list[str] = []
    failing = [key for key in tuple(kit.memory.backoff) if kit.failing(key)]
    if kit.memory.refused:
        said.append(
            f"the remote refuses records: {kit.memory.refused}: whoever pushes from here must be "
            f"allowed to push to {kit.branch} (see its hooks and branch rules)"
        )
    if not _DELETIONS.isdisjoint(failing):
        said.append(
            "the remote does not delete claims that nobody needs any more: look there for an orphan "
            "packed-refs.lock, or a rule against deleting refs"
        )
    if any(key.startswith("publish:") for key in failing):
        said.append(
            "the remote does not take what workers returned, so nothing of it is judged: whoever pushes "
            "from here must be allowed to create refs below refs/orchestrator/attempts and .../verdicts"
        )
    if world is not None and world.read_only:
        said.append(world.read_only)
    elif world is not None:
        said += [f"{fault} (the last good settings stay in force)" for fault in world.policy_faults]
    if world is not None:
        said += world.plan_faults
        said += _money(world)
        said += dict.fromkeys(f"worker {opened.why}" for opened in world.breakers.values())
    now_s = kit.ports.clock.monotonic_s()
    said += [
        f"{key.partition(':')[0]}: {message}"
        for key, (failed_s, message) in kit.ports.lanes.failures().items()
        if now_s - failed_s < _FRESH_S
    ]
    return said


def _money(world: World) -> list[str]:
    """Returns which briefs lie because nobody can be paid for them today."""
    lying = [s.filed.id for s in world.briefs.values() if progress.resting(s, world) is not None]
    if not lying:
        return []
    named = ", ".join(lying[:_NAMED_MAX]) + (", ..." if len(lying) > _NAMED_MAX else "")
    said = f"the money of this day is used up: {budget.day_said(world)}: {named} can go on after "
    return [
        said + "00:00 UTC, or when [budget] usd_per_day in .orchestrator/config.toml allows more"
    ]
