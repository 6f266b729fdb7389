"""Puts planted outputs through the review that every output goes through, and says what became of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from coordinator.domain import evaluating
from coordinator.domain.attempt import Attempt, AttemptId, Lost, Returned, Role, Spec
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import identify, parse
from coordinator.domain.names import ZERO, BriefId, Epoch, Oid, Place, ProfileName, TaskId
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.plan import Plan, Task
from coordinator.domain.planted import Case, Examined
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.verdict import Accept, Verdict
from coordinator.domain.world import Filed, Sighting, World
from coordinator.ports import Attempts, Objects
from coordinator.services import package as package_service
from coordinator.services import review

Ask = Callable[[Spec, ContextPackage, Profile], Output | NoOutput]
"""Runs one attempt to its end."""

AUTHOR = Profile(name=ProfileName("author"))
"""Whose outputs are planted, where no built-in worker's are: a worker that promises nothing."""

_EPOCH = Epoch("eval")


class Examiner:
    """Examines cases; with an evaluator, also what it makes of those that rules leave open."""

    def __init__(
        self,
        *,
        objects: Objects,
        attempts: Attempts,
        policy: Policy,
        evaluator: ProfileName | None = None,
        ask: Ask | None = None,
    ) -> None:
        self._objects = objects
        self._attempts = attempts
        self._policy = replace(policy, profiles=(AUTHOR, *policy.profiles))
        self._evaluator = evaluator
        self._ask = ask

    def examine(self, cases: Sequence[Case], base: Oid) -> Iterator[Examined]:
        """Yields what becomes of each case, whose author worked on the commit `base`."""
        world = World.at(base, self._policy, epoch=_EPOCH)
        for case in cases:
            yield self._one(case, world)

    def _one(self, case: Case, world: World) -> Examined:
        sighting = _sighting(case, self._evaluator)
        task = sighting.filed.plan.tasks[0] if sighting.filed.plan else None
        assert task is not None
        package = package_service.pack(
            sighting,
            task,
            attempt=1,
            base=world.tip,
            world=world,
            objects=self._objects,
            feedback=(),
        )
        spec = self._spec(sighting, task.profile, package, number=1)
        kept = self._judged(spec, Output(body=case.body), sighting, world)
        is_open = bool(evaluating.open_findings(kept.verdict))
        accepted = isinstance(kept.verdict, Accept)
        if self._ask is None or not is_open:
            return Examined(case=case, accepted=accepted, is_open=is_open)
        sighting, void = self._evaluate(kept, sighting, world)
        combined = evaluating.combined(kept, sighting.attempts)
        return Examined(
            case=case,
            accepted=accepted,
            is_open=is_open,
            evaluated=isinstance(combined, Accept),
            void=void,
        )

    def _evaluate(self, author: Returned, sighting: Sighting, world: World) -> tuple[Sighting, int]:
        """Asks as the daemon would; returns the sighting with the evaluations, and how many were void."""
        assert self._ask is not None
        sighting, void = replace(sighting, attempts=(author,)), 0
        feedback: tuple[str, ...] = ()
        while (name := evaluating.following(author, sighting)) is not None:
            profile = self._policy.profile(name)
            assert profile is not None
            number = len(sighting.attempts) + 1
            package = package_service.pack_evaluation(
                sighting,
                profile,
                about=1,
                attempt=number,
                objects=self._objects,
                feedback=feedback,
            )
            spec = self._spec(sighting, name, package, number=number, role="evaluator")
            outcome = self._ask(spec, package, profile)
            heard: Attempt
            if isinstance(outcome, NoOutput):
                heard = Lost(spec, outcome.reason, outcome.usage)
            else:
                heard = self._judged(spec, outcome, sighting, world)
            verdict = heard.verdict if isinstance(heard, Returned) else None
            void += not isinstance(verdict, Accept)
            feedback = getattr(verdict, "feedback", ())
            sighting = replace(sighting, attempts=(*sighting.attempts, heard))
        return sighting, void

    def _judged(self, spec: Spec, output: Output, sighting: Sighting, world: World) -> Returned:
        """Returns an output as it is kept, with its verdict."""
        self._attempts.keep_output(spec, output)
        kept = next(a for a in self._attempts.of(spec.id.brief) if a.spec.id == spec.id)
        seen = replace(sighting, attempts=(*sighting.attempts, kept))
        verdict: Verdict | tuple[object, ...] = review.judge(
            kept, seen, world, objects=self._objects
        )
        assert not isinstance(verdict, tuple), "no case asks for a check"
        return replace(kept, verdict=verdict)

    def _spec(
        self,
        sighting: Sighting,
        profile: ProfileName,
        package: ContextPackage,
        *,
        number: int,
        role: Role = "author",
    ) -> Spec:
        found = self._policy.profile(profile)
        assert found is not None
        return Spec(
            id=AttemptId(brief=sighting.filed.id, epoch=_EPOCH, number=number),
            round=1,
            task=TaskId("only"),
            role=role,
            about=1 if role == "evaluator" else None,
            profile=profile,
            base=package.base,
            package=self._attempts.package(package),
            wall_clock_s_max=found.limits.wall_clock_s_max,
            cost_usd_max=found.limits.cost_usd_max,
            tokens_max=found.limits.tokens_max,
        )


def _sighting(case: Case, evaluator: ProfileName | None) -> Sighting:
    brief = parse(case.brief.encode(), name=case.name)
    assert isinstance(brief, Brief), f"the brief of {case.name} has faults"
    task = Task(id=TaskId("only"), objective=brief.task, profile=ProfileName(case.worker))
    identity = identify(brief)
    filed = Filed(
        id=BriefId(identity.id),
        place=Place.OPEN,
        folder=ZERO,
        blob=ZERO,
        digest=identity.digest,
        brief=brief,
        plan=Plan(tasks=(task,)),
        reply=None,
    )
    evaluators = (evaluator,) if evaluator is not None else ()
    return Sighting(filed=filed, order=1, age_s=0.0, attempts=(), claim=None, evaluators=evaluators)
