"""Programs as workers: linters, formatters, codemods, test runners; anything with an argv and an exit status."""

import json
from typing import Any, cast

from coordinator.adapters.sandbox import CellEnded
from coordinator.domain.output import Changes, CouldNot, NoOutput, Output, Report, Usage
from coordinator.domain.record import one_line
from coordinator.domain.worker import UnusableAnswer

from .assignment import PACKAGE_FILE, Assignment, Run, exited, last_words
from .json_pointer import Missing, resolve
from .placeholders import NoPaths, filled

COULD_NOT_FILE = "could-not.json"
_KINDS = frozenset(("report", "changes", "could_not"))
_SAID_CHARS_MAX = 1_000


def work(assignment: Assignment, run: Run) -> Output | NoOutput:
    """Runs the command of the profile once, and returns what it came to."""
    try:
        argv = filled(assignment.profile.command.argv, assignment.package, assignment.tree)
    except NoPaths as error:
        return _answered(_no_paths(assignment, error), Usage(), assignment.profile.confinement)
    package = assignment.package.model_dump_json(indent=2).encode()
    environment = {}
    if assignment.connection is not None:
        environment = {"COORDINATOR_TOKEN": assignment.connection.token}
    ended: CellEnded = run(
        assignment.cell(argv, stdin=package, files={PACKAGE_FILE: package}, environment=environment)
    )
    return outcome(assignment, ended)


def outcome(assignment: Assignment, ended: CellEnded) -> Output | NoOutput:
    """Returns what a command that has ended came to."""
    if ended.stopped is not None:
        return NoOutput(reason=ended.stopped)
    try:
        said = _could_not_file(assignment, ended)
        if said is None and ended.code not in assignment.profile.command.ok_codes:
            return exited(ended)
        usage = Usage(wall_s=ended.wall_s)
        body: Report | Changes | CouldNot | None = said
        if body is None:
            text, data = _answer(assignment, ended)
            usage = _usage(assignment, data, ended)
            body = _body(assignment, ended, *_pointed(assignment, text, data))
    except UnusableAnswer as error:
        told = last_words(ended.stderr)
        return NoOutput(reason=f"the worker failed: {error}" + (f": {told}" if told else ""))
    return _answered(body, usage, ended.confinement)


def _answered(body: Report | Changes | CouldNot, usage: Usage, confinement: str) -> Output:
    return Output(body=body, usage=usage, confinement=confinement)


def _no_paths(assignment: Assignment, error: NoPaths) -> CouldNot:
    if error.too_many:
        return CouldNot(why="missing_data", text=f"{error}: a narrower SCOPE would do")
    why = "noop" if assignment.wants_changes else "missing_data"
    return CouldNot(why=cast("Any", why), text=str(error))


def _could_not_file(assignment: Assignment, ended: CellEnded) -> CouldNot | None:
    """Returns what the program says in `could-not.json`: typed, so it counts whatever its exit status."""
    content = ended.out.get(COULD_NOT_FILE)
    if content is None:
        return None
    said = _json(content)
    if not isinstance(said, dict):
        raise UnusableAnswer(f"{COULD_NOT_FILE} is not a JSON object", fault="not-json")
    body = assignment.words.parse_answer(
        assignment.package, {**said, "kind": "could_not"}, "", changes="folder"
    )
    assert isinstance(body, CouldNot)
    return body


def _answer(assignment: Assignment, ended: CellEnded) -> tuple[str, Any]:
    """Returns the answer as text, and as JSON where it is that."""
    where = assignment.profile.command.answer
    content = ended.stdout if where == "stdout" else ended.out.get(where)
    if content is None and not assignment.wants_changes:
        raise UnusableAnswer(f"it left no file {where}", fault="fields")
    return (content or b"").decode("utf-8", "replace"), _json(content or b"")


def _pointed(assignment: Assignment, text: str, data: Any) -> tuple[str, Any]:
    pointer = assignment.profile.command.answer_pointer
    if pointer is None:
        return text, data
    if data is None:
        raise UnusableAnswer("its answer is not JSON", fault="not-json")
    try:
        found = resolve(data, pointer)
    except Missing as error:
        raise UnusableAnswer(f"its answer has no {pointer}: {error}", fault="fields") from error
    if isinstance(found, str):
        return found, _json(found.encode("utf-8", "replace"))
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n", found


def _usage(assignment: Assignment, data: Any, ended: CellEnded) -> Usage:
    found: dict[str, Any] = {"wall_s": ended.wall_s}
    for name, pointer in assignment.profile.command.usage_pointers:
        try:
            value = resolve(data, pointer)
        except Missing:
            continue  # it says nothing of it; then it is not known
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            found[name] = float(value) if name == "cost_usd" else int(value)
    return Usage(**found)


def _body(
    assignment: Assignment, ended: CellEnded, text: str, data: Any
) -> Report | Changes | CouldNot:
    typed = isinstance(data, dict) and data.get("kind") in _KINDS
    if not assignment.wants_changes:
        if typed:
            return assignment.words.parse_answer(assignment.package, data, text, changes="answer")
        wants_json = assignment.package.constraints.output_format.kind == "json"
        return Report(text=text, data=data if wants_json else None)
    if typed and data["kind"] == "could_not":
        return assignment.words.parse_answer(assignment.package, data, text, changes="folder")
    if assignment.profile.command.changes == "patch":
        if not text.strip():
            return _nothing(assignment, ended)
        return Changes(edits=(), patch=text, summary=f"{assignment.profile.name} made a patch.")
    if typed and "edits" in data and not ended.edits:
        return assignment.words.parse_answer(assignment.package, data, text, changes="answer")
    if not ended.edits and not ended.refused:
        return _nothing(assignment, ended)
    return Changes(
        edits=ended.edits, refused=ended.refused, summary=_summary(assignment, ended, data)
    )


def _nothing(assignment: Assignment, ended: CellEnded) -> CouldNot:
    said = one_line(last_words(ended.stdout) or last_words(ended.stderr))[:_SAID_CHARS_MAX]
    told = f"{assignment.profile.name} changed nothing" + (f": {said}" if said else "")
    return CouldNot(why="noop", text=told)


def _summary(assignment: Assignment, ended: CellEnded, data: Any) -> str:
    said = data.get("summary") if isinstance(data, dict) else None
    if isinstance(said, str) and said.strip():
        return one_line(said)[:_SAID_CHARS_MAX]
    count = len(ended.edits)
    return f"{assignment.profile.name} changed {count} file{'' if count == 1 else 's'}."


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
