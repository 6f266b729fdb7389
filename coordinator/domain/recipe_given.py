"""What a recipe is given: the brief, its parameters, and who there is to take which role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain import choosing
from coordinator.domain.brief import Brief, Criterion, Input, Kind, OutputFormat
from coordinator.domain.names import ProfileName, TaskId
from coordinator.domain.plan_tasks import NOBODY, GivenTask
from coordinator.domain.policy import Policy

Workers = tuple[ProfileName, ...]
Files = Mapping[str, tuple[str, ...]]  # by the item of INPUTS that names them
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
    files: Files | None = None  # None: nobody has looked

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

    def who(self, role: str, kind: Kind) -> Workers:
        """Returns who may take a role, in order, each when those before it could not.

        They are named, by their names or by a capability; or have the capability of the role; or are those
        that the brief goes to.
        """
        named = tuple(one for name in self.said.get(role, ()) for one in self._named(name, kind))
        return (
            tuple(dict.fromkeys(named))
            or self._capable(ROLES[role], kind)
            or choosing.chosen(self.brief, self.policy)[:1] + self._others(kind)
        )

    def another(self, role: str, kind: Kind, *, than: Workers) -> Workers:
        """Returns who may take a role that the first of `than` must not take; () where nobody else can."""
        named = tuple(one for name in self.said.get(role, ()) for one in self._named(name, kind))
        capable = self._capable(ROLES[role], kind)
        others = (*self.brief.worker, *choosing.substitutes(self.brief, self.policy))
        found = dict.fromkeys(named or (*capable, *others))
        return tuple(name for name in found if name != next(iter(than), None))

    def is_known(self, name: str) -> bool:
        """Tells whether a role can be given to `name`: to a worker, or to those with a capability."""
        return any(name == p.name or name in p.capabilities for p in self.policy.profiles)

    def task(
        self,
        name: str,
        objective: str,
        *,
        workers: Workers,
        output: OutputFormat,
        guidance: str,
        takes: Sequence[tuple[str, str]] = (),
        inputs: Sequence[Input] | None = None,
        scope: Sequence[str] | None = None,
        acceptance: Sequence[Criterion] = (),
        apart: Sequence[str] = (),
    ) -> GivenTask:
        """Returns one task; `takes` are the tasks before it, each with what has to come of it."""
        brief = self.brief
        given = brief.inputs if inputs is None else inputs
        return GivenTask(
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
            worker=next(iter(workers), NOBODY),
            workers=workers if len(workers) > 1 else (),
            apart=tuple(TaskId(n) for n in apart),
        )

    def _named(self, name: str, kind: Kind) -> Workers:
        """Returns the worker of that name, else those with that capability."""
        if self.policy.profile(name) is not None:
            return (ProfileName(name),)
        return self._capable(name, kind) or (ProfileName(name),)

    def _capable(self, capability: str, kind: Kind) -> Workers:
        tools = self.brief.tools
        able = [p for p in self.policy.profiles if capability in p.capabilities]
        fit = [p for p in able if choosing.is_fit(p, kind=kind, tools=tools)]
        return tuple(p.name for p in fit)

    def _others(self, kind: Kind) -> Workers:
        """Returns who stands in for the worker that the brief goes to: nobody, where it names one."""
        able = [self.policy.profile(n) for n in choosing.substitutes(self.brief, self.policy)[1:]]
        fit = (p for p in able if p and choosing.is_fit(p, kind=kind, tools=self.brief.tools))
        return tuple(p.name for p in fit)


def of_kind(kind: Kind, text: str) -> OutputFormat:
    """Returns an output format that a recipe asks for by itself."""
    return OutputFormat(text=text, kind=kind)
