"""What a recipe is given: the brief, its parameters, and who there is to take which role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain import choosing
from coordinator.domain.brief import Brief, BriefTask, Criterion, Input, Kind, OutputFormat
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan_tasks import NOBODY
from coordinator.domain.policy import Policy, Profile

ROLES: Mapping[str, str] = {
    "planner": "planning",
    "researcher": "research",
    "writer": "writing",
    "reviewer": "review",
    "classifier": "classify",
    "finder": "lookup",
    "keeper": "policy",
    "mapper": "",
    "reducer": "merge",
    "solo": "",
}
"""What may be given to somebody, by name in `recipe_with`; and the capability that takes it without a name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A brief in the hands of a recipe."""

    brief: Brief
    policy: Policy
    said: Mapping[str, tuple[str, ...]]  # of the brief, else of the doctrine

    @property
    def output(self) -> OutputFormat:
        """Returns what the brief asks for."""
        return self.brief.output_format

    @property
    def kind(self) -> Kind:
        """Returns the kind of what the brief asks for."""
        return self.output.kind or Kind.REPORT

    @property
    def draft(self) -> OutputFormat:
        """Returns the output format of the brief for a task whose output is not the brief's: without a path."""
        return self.output.model_copy(update={"path": None})

    def who(self, role: str, kind: Kind) -> ProfileName | None:
        """Returns who takes a role: by name, by capability, or whoever the brief goes to."""
        if named := self.said.get(role):
            return ProfileName(named[0])
        capable = [p.name for p in self._able(kind) if ROLES[role] in p.capabilities]
        others = choosing.chosen(self.brief, self.policy)
        return next(iter((*capable, *others)), None)

    def another(self, role: str, kind: Kind, *, than: ProfileName | None) -> ProfileName | None:
        """Returns who takes a role that `than` must not take; None where nobody else can."""
        if named := self.said.get(role):
            return None if named[0] == than else ProfileName(named[0])
        able = self._able(kind)
        capable = [p.name for p in able if ROLES[role] in p.capabilities]
        others = (
            *self.brief.worker,
            *choosing.substitutes(self.brief, self.policy),
        )
        return next((name for name in (*capable, *others) if name != than), None)

    def task(
        self,
        name: str,
        objective: str,
        *,
        worker: ProfileName | None,
        output: OutputFormat,
        guidance: str,
        takes: Sequence[tuple[str, str]] = (),
        inputs: Sequence[Input] | None = None,
        scope: Sequence[str] | None = None,
        acceptance: Sequence[Criterion] = (),
    ) -> BriefTask:
        """Returns one task; `takes` are the tasks before it, each with what has to come of it."""
        brief = self.brief
        given = brief.inputs if inputs is None else inputs
        return BriefTask(
            id=TaskId(name),
            task=objective,
            inputs=(*given, *(Input(kind="task", value=n, wants=kind) for n, kind in takes)),
            scope_in=brief.scope_in if scope is None else tuple(scope),
            scope_prose=brief.scope_prose,
            output_format=output,
            guidance="\n\n".join((guidance, *self.said.get("guidance", ()))),
            acceptance=tuple(acceptance),
            tools=brief.tools,
            after=tuple(TaskId(n) for n, _ in takes),
            worker=NOBODY if worker is None else worker,
        )

    def _able(self, kind: Kind) -> list[Profile]:
        return [
            p for p in self.policy.profiles if not p.output_kinds or kind.value in p.output_kinds
        ]


def of_kind(kind: Kind, text: str) -> OutputFormat:
    """Returns an output format that a recipe asks for by itself."""
    return OutputFormat(text=text, kind=kind)
