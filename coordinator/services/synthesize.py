"""Puts accepted outputs together: equal ones merge, disjoint ones unite, and the rest is one question."""

from collections import Counter
from collections.abc import Sequence

from coordinator.domain import evaluating, tasks, united
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Kind
from coordinator.domain.changeset import Changeset, Conflict, Disagreement, Synthesis
from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.united import Contribution, Reports
from coordinator.domain.verdict import Accept, Trust
from coordinator.domain.world import Sighting, World
from coordinator.ports import Objects
from coordinator.services import earlier

CONFLICT = "conflict"  # the id of the one question

_EXTENSIONS = {Kind.LIST: "md", Kind.JSON: "json", Kind.TABLE: "md", Kind.REPORT: "md"}
_TRUST = (Trust.UNVERIFIED, Trust.PARTLY, Trust.VERIFIED)


def synthesize(sighting: Sighting, world: World, *, objects: Objects) -> Synthesis:
    """Returns what the accepted outputs of a brief come to, or the one question that is left.

    The last accepted output of each task counts. An answer to the question picks one of them.
    """
    del world  # what is put together hangs on the outputs alone
    outputs = _picked(sighting, _accepted(sighting))
    sides = tuple(_contribution(name, returned) for name, returned in outputs)
    if sighting.filed.brief.output_format.kind is Kind.CHANGES:
        return _changes(sighting, outputs, sides, objects=objects)
    return _report(sighting, outputs, sides, objects=objects)


def _accepted(sighting: Sighting) -> tuple[tuple[str, Returned], ...]:
    """Returns the last accepted output of each task, with the name that an answer gives it."""
    plan, brief = sighting.filed.plan, sighting.filed.brief
    assert plan is not None, "nothing is dispatched without a plan"
    latest: dict[str, Returned] = {
        attempt.spec.task: attempt
        for attempt in sighting.attempts
        if isinstance(attempt, Returned)
        and attempt.spec.role == "author"
        and isinstance(evaluating.effective(attempt, sighting), Accept)
    }
    wanted = tasks.in_order(tasks.contributing(plan, brief))
    kept = [latest[task.id] for task in wanted if task.id in latest]
    assert kept, "there is an accepted output"
    profiles = Counter(returned.spec.profile for returned in kept)
    return tuple(
        (r.spec.profile if profiles[r.spec.profile] == 1 else r.spec.task, r) for r in kept
    )


def _picked(
    sighting: Sighting, outputs: tuple[tuple[str, Returned], ...]
) -> tuple[tuple[str, Returned], ...]:
    plan = sighting.filed.plan
    answer = plan.answers.get(CONFLICT, "").strip().casefold() if plan is not None else ""
    return tuple(o for o in outputs if o[0].casefold() == answer) or outputs


def _contribution(name: str, returned: Returned) -> Contribution:
    body = returned.output.body
    match body:
        case Report():
            return Contribution(name=name, text=body.text, empty=False)
        case Changes():
            return Contribution(name=name, text=body.summary, empty=False)
        case CouldNot():
            return Contribution(name=name, text=body.text, empty=True)


def _changes(
    sighting: Sighting,
    outputs: tuple[tuple[str, Returned], ...],
    sides: tuple[Contribution, ...],
    *,
    objects: Objects,
) -> Synthesis:
    working = [r for _, r in outputs if r.result is not None and isinstance(r.output.body, Changes)]
    if not working:
        base = _newest_base([r for _, r in outputs], objects=objects)
        tree = objects.tree_of(base)
        report = (united.sentence(sides[0].text) or "Nothing to change.") + "\n"
        reports = Reports(
            text=report, summary="nothing to change", compared=united.counted(len(sides))
        )
        return _changeset(sighting, outputs, base, tree, reports, objects=objects)
    base = _newest_base(working, objects=objects)
    tree = objects.tree_of(base)
    moved = [earlier.onto(tree, r, objects=objects) for r in working]
    stale = [path for found in moved if isinstance(found, tuple) for path in found]
    results = [found for found in moved if not isinstance(found, tuple)]
    joined = tuple(stale) if stale else _united(tree, results, objects=objects)
    if isinstance(joined, tuple):
        return _paths_conflict(sighting, outputs, sides, joined)
    reports = united.changes(sides, equal=len(set(results)) == 1)
    return _changeset(sighting, outputs, base, joined, reports, objects=objects)


def _united(tree: Oid, results: Sequence[Oid], *, objects: Objects) -> Oid | tuple[RepoPath, ...]:
    distinct = list(dict.fromkeys(results))
    return distinct[0] if len(distinct) == 1 else objects.unite(tree, distinct)


def _newest_base(outputs: Sequence[Returned], *, objects: Objects) -> Oid:
    """Returns the base that all others are in the history of: a retry may stand on a later tip."""
    newest = outputs[0].spec.base
    for returned in outputs[1:]:
        if objects.is_ancestor(newest, returned.spec.base):
            newest = returned.spec.base
    return newest


def _report(
    sighting: Sighting,
    outputs: tuple[tuple[str, Returned], ...],
    sides: tuple[Contribution, ...],
    *,
    objects: Objects,
) -> Synthesis:
    brief = sighting.filed.brief
    found = united.reports(sides, brief.output_format.kind or Kind.REPORT)
    if isinstance(found, Reports):
        base = _newest_base([r for _, r in outputs], objects=objects)
        return _changeset(sighting, outputs, base, objects.tree_of(base), found, objects=objects)
    by_name = dict(outputs)
    conflicts = tuple(
        Conflict(
            where=place.where,
            sides=tuple((by_name[name].spec.id, told) for name, told in place.sides),
        )
        for place in found.places
    )
    return _disagreement(sighting, outputs, found.agreed, conflicts)


def _paths_conflict(
    sighting: Sighting,
    outputs: tuple[tuple[str, Returned], ...],
    sides: tuple[Contribution, ...],
    paths: tuple[RepoPath, ...],
) -> Disagreement:
    told = {side.name: united.sentence(side.text) or "no summary" for side in sides}
    conflicts = tuple(
        Conflict(where=path, sides=tuple((r.spec.id, told[name]) for name, r in outputs))
        for path in sorted(paths)
    )
    agreed = "Every other path agrees, or only one of them changes it."
    return _disagreement(sighting, outputs, agreed, conflicts)


def _disagreement(
    sighting: Sighting,
    outputs: tuple[tuple[str, Returned], ...],
    agreed: str,
    conflicts: tuple[Conflict, ...],
) -> Disagreement:
    names = tuple(name for name, _ in outputs)
    places = ", ".join(conflict.where for conflict in conflicts[:3])
    more = f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""
    return Disagreement(
        brief=sighting.filed.id,
        agreed=agreed,
        conflicts=conflicts,
        question=f"The outputs say different things about {places}{more}. Which one shall stand?",
        options=names,
    )


def _changeset(
    sighting: Sighting,
    outputs: tuple[tuple[str, Returned], ...],
    base: Oid,
    result: Oid,
    reports: Reports,
    *,
    objects: Objects,
) -> Changeset:
    brief = sighting.filed.brief
    base_tree = objects.tree_of(base)
    changes = objects.diff(base_tree, result)
    report = None if reports.text is None else reports.text.encode("utf-8", "replace")
    path = brief.output_format.path if report is not None else None
    if brief.output_format.kind is Kind.CHANGES:
        path = None
    return Changeset(
        brief=sighting.filed.id,
        base=base,
        base_tree=base_tree,
        result=result,
        touched=tuple(sorted({*(change.path for change in changes), *([path] if path else [])})),
        report=report,
        report_extension=_EXTENSIONS.get(brief.output_format.kind or Kind.REPORT, "md"),
        report_path=path,
        digest=united.content_digest(changes, report=report, path=path),
        attempts=tuple(returned.spec.id for _, returned in outputs),
        trust=min((_trust(returned, sighting) for _, returned in outputs), key=_TRUST.index),
        summary=reports.summary,
        compared=reports.compared,
    )


def _trust(returned: Returned, sighting: Sighting) -> Trust:
    verdict = evaluating.effective(returned, sighting)
    return verdict.trust if isinstance(verdict, Accept) else Trust.UNVERIFIED
