"""Recordings of models: what is in a digest, what is wanted, and how answers are taken in."""

from pathlib import Path
from typing import Any

from tests.recorded import asking
from tests.recorded.recording import Recording, read_wanted, wanted, write_wanted
from tests.recorded.replay import by
from tests.support.model_server import Fails, Says
from workers.prompt import COULD_NOT

PROMPT = (
    "{frame}\n\n## Task\n\nSay it.\n\n## Limits\n\n- {limit} seconds\n\n## Answer\n\n"
    f"JSON.\n\n{COULD_NOT}{{since}}\n"
)
CALL = {"name": "read", "arguments": '{"path": "a"}'}


def chat(
    frame: str = "You are a worker.", limit: int = 10, tool: str = "text of a", since: str = ""
) -> Any:
    """Returns a request of chat completions."""
    return {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be short."},
            {"role": "user", "content": PROMPT.format(frame=frame, limit=limit, since=since)},
            {"role": "assistant", "content": "", "tool_calls": [{"id": "x", "function": CALL}]},
            {"role": "tool", "tool_call_id": "x", "content": tool},
        ],
    }


MESSAGES = {
    "model": "m",
    "system": [{"type": "text", "text": "Be short."}],
    "messages": [
        {
            "role": "user",
            "content": [{"type": "text", "text": PROMPT.format(frame="", limit=1, since="")}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "y", "name": "read", "input": {"path": "a"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "content": "text of a"}]},
    ],
}


def test_what_is_asked_is_in_the_digest_and_its_frame_is_not() -> None:
    one = wanted(chat())
    assert one.said == (
        ("system", "Be short."),
        ("user", "Say it."),
        ("called", 'read {"path": "a"}'),
        ("tool", "text of a"),
    )
    assert one.digest == wanted(chat(frame="You work.", limit=99)).digest
    assert one.digest != wanted(chat(tool="another text")).digest
    assert one.digest != wanted({**chat(), "model": "another"}).digest
    again = wanted(chat(since="\n\n## Findings\n\nToo long."))
    assert again.said[1] == ("user", "Say it.\n\n## Findings\n\nToo long.")


def test_the_same_conversation_is_one_in_either_api() -> None:
    assert wanted(MESSAGES) == wanted(chat())


def test_what_was_not_recorded_is_an_error_until_its_answer_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "answers" / "one.jsonl"
    recording = Recording.of(file)
    said = by(recording)(chat())
    digest = wanted(chat()).digest
    assert isinstance(said, Fails)
    assert digest in said.message
    by(recording)(chat(tool=f"error: {said.message}"))
    assert list(recording.missed) == [digest], "what follows from a missing answer is not wanted"

    write_wanted(tmp_path / "wanted", tuple(recording.missed.values()))
    shown = "".join(asking.shown(read_wanted(tmp_path / "wanted"), seed=1))
    assert "text of a" in shown
    answers: list[dict[str, Any]] = [
        {"digest": digest, "text": {"kind": "report"}},
        {"digest": "another", "text": ""},
    ]
    assert asking.taken(answers, read_wanted(tmp_path / "wanted"), file) == []
    again = Recording.of(file)
    assert by(again)(chat()) == Says(text='{"kind": "report"}', calls=[], tokens=(11, 5))
    assert (again.missed, again.unused()) == ({}, set())
    assert Recording.of(file).unused() == {digest}
