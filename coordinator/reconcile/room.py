"""What may run at once: so many claims and attempts, what limits and trials allow, and one landing."""

from coordinator.domain import breaker, budget, fairness, steps, straggling
from coordinator.domain.attempt import Running
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Claim
from coordinator.domain.steps import Step
from coordinator.domain.world import Sighting, World

from .kit import Kit


class Room:
    """What is left of it in one tick; whoever asks first gets it."""

    def __init__(self, kit: Kit, world: World, flying: frozenset[str]) -> None:
        self._kit = kit
        self._world = world
        self._gate_taken = any(k.startswith("gate:") for k in flying)
        self._running = len(kit.ports.pool.running())
        self._running += sum(k.startswith("dispatch:") for k in flying)
        self._running_max = world.policy.attempts_parallel_max
        claimed = sum(isinstance(s.claim, Claim) for s in world.briefs.values())
        claimed += sum(k.startswith("claim:") for k in flying)
        self._claims_left = 2 * self._running_max - claimed
        self._starting = {k.split(":")[1] for k in flying if k.startswith("dispatch:")}
        beside = [s for s in world.briefs.values() if s.filed.id in self._starting and _works(s)]
        self._copies = straggling.copies(world) + len(beside)
        self._landing = False

    def for_claim(self) -> bool:
        """Tells whether another brief may be claimed."""
        return self._claims_left > 0

    def take(self, step: Step) -> None:
        """Counts a claim that is going to be taken."""
        if isinstance(step, steps.TakeClaim) and self._kit.ready(f"claim:{step.brief}"):
            self._claims_left -= 1

    def allows(self, step: Step, sighting: Sighting) -> bool:
        """Tells whether a step may begin now, and counts it if so."""
        if isinstance(step, steps.Dispatch):
            return self._allows_attempt(step)
        if isinstance(step, steps.RunGate | steps.Land):
            if not self._kit.ready(f"land:{sighting.filed.id}"):
                return False  # it waits after a bad end; another may land meanwhile
            if self._landing or (self._gate_taken and isinstance(step, steps.RunGate)):
                return False  # one change at a time
            self._landing = True
        return True

    def _allows_attempt(self, step: steps.Dispatch) -> bool:
        """One start at a time for each brief, or numbers would be given twice.

        And one at all of what is counted: the next is decided on once this one is written down.
        """
        if step.brief in self._starting or (self._starting and self._is_counted(step.task.profile)):
            return False
        if _is_copy(step) and self._copies >= straggling.copies_max(self._world.policy):
            return False
        if self._running >= self._running_max:
            return False
        self._running += 1
        self._copies += _is_copy(step)
        self._starting.add(step.brief)
        return True

    def _is_counted(self, profile: str) -> bool:
        """Tells whether money, a limit or a trial hangs on how many attempts of a worker have begun."""
        policy: Policy = self._world.policy
        found = policy.profile(profile)
        limited = found is not None and bool(fairness.limits_of(found, policy))
        return (
            limited or budget.is_paid(policy, profile) or breaker.is_on_trial(profile, self._world)
        )


def _works(sighting: Sighting) -> bool:
    return any(isinstance(attempt, Running) for attempt in sighting.attempts)


def _is_copy(step: steps.Dispatch) -> bool:
    """Tells whether it starts a second attempt at what one takes long for."""
    return step.beside is not None and step.why_beside == "slow"
