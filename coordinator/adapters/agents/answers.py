"""What an agent that works in a folder came to: its structured answer, and what the folder holds."""

from dataclasses import replace
from typing import Any

from coordinator.adapters.sandbox import CellEnded
from coordinator.domain.output import Changes, CouldNot, NoOutput, Output, Usage
from coordinator.domain.record import one_line
from coordinator.domain.worker import UnusableAnswer

from .assignment import Assignment

_ANSWER_CHARS_MAX = 500


def outcome(
    assignment: Assignment, ended: CellEnded, data: Any, text: str, usage: Usage
) -> Output | NoOutput:
    """Returns the output of an agent that has answered; what counts of changes is the folder."""
    try:
        body = assignment.words.parse_answer(assignment.package, data, text, changes="folder")
    except UnusableAnswer as error:
        told = one_line(text)[:_ANSWER_CHARS_MAX]
        said = f": it said {told!r}" if told and data is None else ""
        return NoOutput(reason=f"the worker failed: {error}{said}", usage=usage)
    if isinstance(body, Changes):
        if not ended.edits and not ended.refused:
            said = one_line(body.summary)[:_ANSWER_CHARS_MAX]
            body = CouldNot(why="noop", text=f"nothing in the folder changed: {said}")
        else:
            body = body.model_copy(update={"edits": ended.edits, "refused": ended.refused})
    return Output(body=body, usage=usage, confinement=ended.confinement)


def delivered(ended: CellEnded) -> CellEnded:
    """Returns an ending of which it does not matter that we brought it about: the answer was there."""
    return replace(ended, code=0, stopped=None)
