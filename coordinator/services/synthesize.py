"""Puts accepted outputs together: what does not overlap unites, and the rest is one question.

An answer settles the places that its question asked about; everything that is agreed stays.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from coordinator.domain import evaluating, ruling, synthesizing, tasks, united
from coordinator.domain.attempt import Returned
from coordinator.domain.brief import Kind
from coordinator.domain.changeset import Changeset, Conflict, Disagreement, Side, Synthesis
from coordinator.domain.merged_rows import Place
from coordinator.domain.names import Oid, TaskId
from coordinator.domain.output import Changes, CouldNot, Report
from coordinator.domain.plan import Task
from coordinator.domain.ruling import BRANCH, NEITHER, Choose, Party, Rulings
from coordinator.domain.united import WHOLE, Contradiction, Contribution, Reports
from coordinator.domain.verdict import Accept, Trust
from coordinator.domain.world import Sighting
from coordinator.ports import Objects
from coordinator.services import earlier, outcome, stacking

_EXTENSIONS = {Kind.LIST: "md", Kind.JSON: "json", Kind.TABLE: "md", Kind.REPORT: "md"}
_TRUST = (Trust.UNVERIFIED, Trust.PARTLY, Trust.VERIFIED)
_ASKED_MAX = 3  # places that the question itself names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """The accepted output of one task, by the name that an answer gives it."""

    name: str
    task: Task
    returned: Returned


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whole:
    """What pieces come to: a tree on a base, and a report where one was asked for."""

    base: Oid
    result: Oid
    reports: Reports


def synthesize(sighting: Sighting, *, objects: Objects) -> Synthesis:
    """Returns what the accepted outputs of a brief come to, or the one question that is left.

    The last accepted output of each task counts, and what people have answered to earlier questions.
    """
    pieces = _pieces(sighting)
    assert pieces, "there is an accepted output"
    rulings = _rulings(sighting, pieces, objects=objects)
    written = synthesizing.accepted(sighting)
    if written is not None:
        return _written(sighting, pieces, written, rulings, objects=objects)
    made = _together(sighting, pieces, rulings.choose, objects=objects)
    if isinstance(made, Contradiction):
        return _disagreement(sighting, pieces, made, rulings)
    return _changeset(sighting, pieces, made, rulings, objects=objects)


def _written(
    sighting: Sighting,
    pieces: Sequence[_Piece],
    written: Returned,
    rulings: Rulings,
    *,
    objects: Objects,
) -> Changeset:
    """Returns the report that the synthesizer wrote from all of them; review saw to what is in it."""
    base = _newest_base([piece.returned for piece in pieces], objects=objects)
    names = [piece.name for piece in pieces]
    reports = united.written(synthesizing.text_of(written), names, by=written.spec.profile)
    made = _Whole(base=base, result=objects.tree_of(base), reports=reports)
    last = _Piece(name=written.spec.profile, task=pieces[-1].task, returned=written)
    return _changeset(sighting, (*pieces, last), made, rulings, objects=objects)


def _pieces(sighting: Sighting, until: int | None = None) -> tuple[_Piece, ...]:
    """Returns the last accepted output of each task, of those up to attempt `until`."""
    plan, brief = sighting.filed.plan, sighting.filed.brief
    assert plan is not None, "nothing is dispatched without a plan"
    latest: dict[TaskId, Returned] = {
        attempt.spec.task: attempt
        for attempt in sighting.attempts
        if isinstance(attempt, Returned)
        and attempt.spec.role == "author"
        and isinstance(evaluating.effective(attempt, sighting), Accept)
        and (until is None or attempt.spec.id.number <= until)
    }
    done = tasks.kept(plan, sighting) if plan.several else plan
    wanted = tasks.in_order(tasks.contributing(done, brief))
    kept = [(task, latest[task.id]) for task in wanted if task.id in latest]
    profiles = Counter(returned.spec.profile for _, returned in kept)
    return tuple(
        _Piece(name=r.spec.profile if profiles[r.spec.profile] == 1 else t.id, task=t, returned=r)
        for t, r in kept
    )


def _rulings(sighting: Sighting, pieces: Sequence[_Piece], *, objects: Objects) -> Rulings:
    """Returns what people decided: each answer by the sides and the places there were when it was asked."""
    plan = sighting.filed.plan
    rulings: list[ruling.Ruling] = []
    for answered in ruling.answers(plan) if plan is not None else ():
        then = _pieces(sighting, answered.since)
        if not then:
            continue  # it was about outputs of an earlier round
        by_then = Rulings(rulings=tuple(rulings), parties=_parties(then), used={})
        found = _together(sighting, then, by_then.choose, objects=objects)
        places = found.places if isinstance(found, Contradiction) else ()
        decided = ruling.ruling(answered, _parties(then), [place.where for place in places])
        rulings += [decided] if decided is not None else []
    return Rulings(rulings=tuple(rulings), parties=_parties(pieces), used={})


def _parties(pieces: Sequence[_Piece]) -> tuple[Party, ...]:
    return tuple(
        Party(name=piece.name, task=piece.task.id, number=piece.returned.spec.id.number)
        for piece in pieces
    )


def _together(
    sighting: Sighting, pieces: Sequence[_Piece], choose: Choose, *, objects: Objects
) -> _Whole | Contradiction:
    sides = tuple(_contribution(piece) for piece in pieces)
    kind = sighting.filed.brief.output_format.kind or Kind.REPORT
    if kind is Kind.CHANGES:
        return _changes(pieces, sides, choose, objects=objects)
    schema = sighting.filed.brief.output_format.json_schema
    base = _newest_base([piece.returned for piece in pieces], objects=objects)
    found = united.reports(sides, kind, schema=schema, choose=choose)
    if isinstance(found, Reports) and found.sources:
        # Each output met what was asked; what was made of all of them is looked at again.
        tree, text = objects.tree_of(base), found.text or ""
        fault = outcome.broken(text, tree, sighting.filed.brief, objects=objects)
        if fault is not None:
            found = united.as_a_whole(sides, kind, fault=fault, choose=choose)
    if isinstance(found, Contradiction):
        return found
    return _Whole(base=base, result=objects.tree_of(base), reports=found)


def _contribution(piece: _Piece) -> Contribution:
    body, task = piece.returned.output.body, piece.task
    # Tasks that come one after the other, or have parts of their own, were not asked the same.
    part = "" if task.part is None else f"{task.objective}\n{task.part.model_dump_json()}"
    asked = task.id if task.after else part
    match body:
        case Report(text=text) | Changes(summary=text):
            return Contribution(name=piece.name, text=text, empty=False, asked=asked)
        case CouldNot(text=text):
            return Contribution(name=piece.name, text=text, empty=True, asked=asked)


def _changes(
    pieces: Sequence[_Piece],
    sides: Sequence[Contribution],
    choose: Choose,
    *,
    objects: Objects,
) -> _Whole | Contradiction:
    kept, opposite = united.heard(sides, choose)
    names = {side.name for side in kept}
    layers = {
        piece.name: layer
        for piece in pieces
        if piece.name in names
        and (layer := earlier.layer_of(piece.returned, piece.name, objects=objects)) is not None
    }
    working = [piece.returned for piece in pieces if piece.name in layers]
    base = _newest_base(working or [piece.returned for piece in pieces], objects=objects)
    tree = objects.tree_of(base)
    if not layers and not opposite:
        return _Whole(base=base, result=tree, reports=united.nothing(kept, of=len(sides)))
    stacked = stacking.stack(tree, tuple(layers.values()), objects=objects, choose=choose)
    places = (*opposite, *stacked.places)
    if places:
        changed = [change.path for change in objects.diff(tree, stacked.tree)]
        return Contradiction(agreed=united.agreed_paths(changed, places), places=places)
    equal = len({layer.result for layer in layers.values()}) == 1
    changing = [side for side in kept if side.name in layers]
    reports = united.changes(changing, equal=equal, of=len(sides))
    return _Whole(base=base, result=stacked.tree, reports=reports)


def _newest_base(outputs: Sequence[Returned], *, objects: Objects) -> Oid:
    """Returns the base that all others are in the history of: a retry may stand on a later tip."""
    newest = outputs[0].spec.base
    for returned in outputs[1:]:
        if objects.is_ancestor(newest, returned.spec.base):
            newest = returned.spec.base
    return newest


def _disagreement(
    sighting: Sighting, pieces: Sequence[_Piece], found: Contradiction, rulings: Rulings
) -> Disagreement:
    plan = sighting.filed.plan
    assert plan is not None
    by_name = {piece.name: piece for piece in pieces}
    conflicts = tuple(_conflict(place, by_name) for place in found.places)
    told = "; ".join(_asked(conflict) for conflict in conflicts[:_ASKED_MAX])
    more = f"; and {len(conflicts) - _ASKED_MAX} more" if len(conflicts) > _ASKED_MAX else ""
    named_places = {place.where for place in found.places}
    named = {side.name for conflict in conflicts for side in conflict.sides}
    order = [name for name in (*by_name, BRANCH) if name in named]
    return Disagreement(
        brief=sighting.filed.id,
        agreed=found.agreed,
        conflicts=conflicts,
        question=f"The outputs say different things: {told}{more}. Which shall stand?",
        options=(*order, *(() if named_places <= WHOLE else (NEITHER,))),
        id=ruling.question_id(plan, max(p.returned.spec.id.number for p in pieces)),
        again=_again(found.places, by_name, rulings),
    )


def _conflict(place: Place, by_name: dict[str, _Piece]) -> Conflict:
    sides = tuple(
        Side(
            name=name,
            attempt=by_name[name].returned.spec.id if name in by_name else None,
            text=text,
        )
        for name, text in place.sides
    )
    return Conflict(where=place.where, lines=place.lines, sides=sides)


def _asked(conflict: Conflict) -> str:
    where = f"{conflict.where} {conflict.lines}".strip()
    return f"{where} ({', '.join(f'{side.name}: {side.text}' for side in conflict.sides)})"


def _again(places: Sequence[Place], by_name: dict[str, _Piece], rulings: Rulings) -> TaskId | None:
    """Returns the task that is tried again because a person said in words what shall stand."""
    for place in places:
        unheard = rulings.unheard(place.where)
        names = [name for name, _ in place.sides if name in by_name]
        if unheard is not None and names:
            return by_name[ruling.told(unheard.answered, names)].task.id
    return None


def _changeset(
    sighting: Sighting,
    pieces: Sequence[_Piece],
    made: _Whole,
    rulings: Rulings,
    *,
    objects: Objects,
) -> Changeset:
    brief, reports = sighting.filed.brief, made.reports
    base_tree = objects.tree_of(made.base)
    changes = objects.diff(base_tree, made.result)
    outputs = [piece.returned for piece in pieces]
    report = None if reports.text is None else reports.text.encode("utf-8", "replace")
    path = brief.output_format.path if report is not None else None
    if brief.output_format.kind is Kind.CHANGES:
        path = None
    return Changeset(
        brief=sighting.filed.id,
        base=made.base,
        base_tree=base_tree,
        result=made.result,
        touched=tuple(sorted({*(change.path for change in changes), *([path] if path else [])})),
        report=report,
        report_extension=_EXTENSIONS.get(brief.output_format.kind or Kind.REPORT, "md"),
        report_path=path,
        digest=united.content_digest(changes, report=report, path=path),
        attempts=tuple(returned.spec.id for returned in outputs),
        trust=min((_trust(returned, sighting) for returned in outputs), key=_TRUST.index),
        summary=reports.summary,
        compared=_compared(reports, rulings),
        sources=united.told_sources(reports.sources),
        answered=tuple((one.question, one.by) for one in rulings.used.values()),
    )


def _compared(reports: Reports, rulings: Rulings) -> str:
    if not rulings.used:
        return reports.compared
    return f"{reports.compared}; where they contradict each other, a person said what stands"


def _trust(returned: Returned, sighting: Sighting) -> Trust:
    verdict = evaluating.effective(returned, sighting)
    return verdict.trust if isinstance(verdict, Accept) else Trust.UNVERIFIED
