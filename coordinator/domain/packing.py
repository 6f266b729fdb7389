"""Builds the context package of one attempt from what has been read for it; the same facts give the same bytes."""

import re
from collections.abc import Sequence

from coordinator.domain import ruling
from coordinator.domain.brief import Brief, Kind
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.package import (
    Constraints,
    ContextPackage,
    PackageInput,
    QuestionAnswered,
    Scope,
    WantedOutput,
)
from coordinator.domain.plan import Plan, Task
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.tool_names import DAEMON

RULES_CHARS_MAX = 8_000
STATE_CHARS_MAX = 8_000
FEEDBACK_CHARS_MAX = 4_000

_RULE = re.compile(r"^\s{0,3}(?:[-*]\s+)?(?:\*\*)?(\d{1,4})[.)](?:\*\*)?\s+(.*)")


def package(
    brief: Brief,
    task: Task,
    *,
    brief_id: BriefId,
    attempt: int,
    base: Oid,
    start: Oid | None = None,
    profile: Profile,
    policy: Policy,
    inputs: Sequence[PackageInput],
    memory: Sequence[str],
    feedback: Sequence[str],
    answers: Sequence[QuestionAnswered] = (),
) -> ContextPackage:
    """Returns everything that the attempt may know."""
    return ContextPackage(
        brief_id=brief_id,
        task_id=task.id,
        attempt=attempt,
        task_type=brief.task_type or profile.name,
        description=task.objective or brief.task,
        guidance=task.part.guidance if task.part else "",
        tools_available=_tools(brief, profile),
        constraints=_constraints(brief, profile=profile, policy=policy),
        input_data=tuple(inputs),
        acceptance_criteria=tuple(criterion.text for criterion in brief.acceptance),
        base=base,
        start=start,
        scope=Scope(inside=brief.scope_in, outside=brief.scope_out, prose=brief.scope_prose),
        do_not=tuple(prohibition.text for prohibition in brief.do_not),
        memory=tuple(memory),
        feedback=tuple(cut(text, FEEDBACK_CHARS_MAX) for text in feedback),
        answers=tuple(answers),
    )


def question_id(task: Task, number: int) -> str:
    """Returns the id of what attempt `number` at `task` asks."""
    return f"{task.id}-{number}"


def answers(plan: Plan | None, task: Task) -> tuple[QuestionAnswered, ...]:
    """Returns what was asked in earlier attempts at `task` and answered, oldest answer first.

    What people said where outputs contradicted each other is for every task.
    """
    if plan is None:
        return ()
    return tuple(
        QuestionAnswered(
            question=cut(plan.questions.get(asked, ""), FEEDBACK_CHARS_MAX),
            answer=cut(answer, FEEDBACK_CHARS_MAX),
        )
        for asked, answer in plan.answers.items()
        if asked.rpartition("-")[0] == task.id or ruling.is_question(asked)
    )


def memory(*, state: str, constitution: str, recalled: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the excerpts of memory for a package: what people wrote in state.md, the rules, the entries recalled.

    The first line of each says which file it is from.
    """
    excerpts: list[str] = []
    if state.strip():
        excerpts.append("state.md:\n" + cut(state.strip(), STATE_CHARS_MAX))
    rules = numbered_rules(constitution)
    if rules:
        excerpts.append("constitution.md:\n" + cut("\n".join(rules), RULES_CHARS_MAX))
    return (*excerpts, *recalled)


def numbered_rules(constitution: str) -> tuple[str, ...]:
    """Returns the numbered rules, each on one line; headings and remarks between them are left out."""
    rules: list[str] = []
    goes_on = False
    for line in constitution.splitlines():
        found = _RULE.match(line)
        if found:
            rules.append(f"{found[1]}. {found[2].strip()}")
        elif goes_on and line.strip() and not line.lstrip().startswith("#"):
            rules[-1] += " " + line.strip()
        goes_on = bool(rules) and bool(line.strip()) and not line.lstrip().startswith("#")
    return tuple(rules)


def cut(text: str, chars_max: int) -> str:
    """Returns `text` as it can be stored, with its middle left out when it is too long."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    if len(plain) <= chars_max:
        return plain
    half = chars_max // 2
    return f"{plain[:half]}\n[{len(plain) - 2 * half} characters left out]\n{plain[-half:]}"


def _tools(brief: Brief, profile: Profile) -> tuple[str, ...]:
    """Returns the granted tools; a brief narrows what its worker may use and never widens it.

    A built-in worker gets what leads out of the repository only where its brief asks for that.
    """
    granted = profile.tools & set(brief.tools) if brief.tools else profile.tools
    if profile.kind == "tool" and not (brief.external or brief.tools):
        granted -= set(DAEMON)
    return tuple(sorted(granted))


def _constraints(brief: Brief, *, profile: Profile, policy: Policy) -> Constraints:
    wanted = brief.output_format
    limit_s = profile.limits.wall_clock_s_max
    deadline_s = limit_s if brief.deadline_s is None else min(brief.deadline_s, limit_s)
    return Constraints(
        deadline_seconds=max(deadline_s, policy.deadline_s_min),
        max_tokens=brief.max_tokens or profile.limits.tokens_max,
        output_format=WantedOutput(
            kind=(wanted.kind or Kind.REPORT).value,
            text=wanted.text,
            path=wanted.path,
            json_schema=wanted.json_schema,
        ),
        max_retries=policy.retries if brief.retries is None else brief.retries,
    )
