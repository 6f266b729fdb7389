"""What a model answered once, by the digest of what it was asked: one JSON object on each line of a file.

Only what is asked is in the digest: the model's name, its system text, and every message. Left out is
what frames each prompt alike (who the worker is, limits, the form of the answer) and what changes from
run to run, so that a reworded frame does not make a recording useless.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coordinator.domain import token_estimate
from coordinator.domain.names import digest
from tests.support.model_server import Says
from workers.prompt import COULD_NOT

NOT_RECORDED = "no answer to this was recorded"
_ABOUT_CHARS = 100
_LOOK_S = 0.5
# Attempts side by side are numbered as they begin, entries of memory have days, and ids of commits and records.
_CHANGING = re.compile(
    r"(?<=[a-z])/\d+(?=[:\s])|\b20\d\d-\d\d-\d\d(T[\d:.]+Z?)?\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{12}\b"
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A request that no recording answers: what was asked, as `said` by whom, in order."""

    digest: str
    model: str
    said: tuple[tuple[str, str], ...]

    @property
    def about(self) -> str:
        """Returns the first words of the task."""
        task = next((text for who, text in self.said if who == "user"), "")
        return " ".join(task.split())[:_ABOUT_CHARS]


def wanted(body: Mapping[str, Any]) -> Wanted:
    """Returns what a request of either API asks."""
    said = tuple(_said(body))
    whole = json.dumps([body["model"], [(who, _CHANGING.sub("·", text)) for who, text in said]])
    return Wanted(
        digest=digest(whole.encode()).removeprefix("sha256:")[:16], model=body["model"], said=said
    )


@dataclass
class Recording:
    """The answers of one file, and the requests that it could not answer."""

    files: tuple[Path, ...]
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    missed: dict[str, Wanted] = field(default_factory=dict)
    asked: list[Wanted] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, *files: Path) -> "Recording":
        """Returns the answers of all the files that are there."""
        made = cls(files)
        made.read()
        return made

    def read(self) -> None:
        """Reads the files again."""
        lines = [line for file in self.files if file.exists() for line in _lines(file)]
        self.answers = {entry["digest"]: entry for entry in lines}

    def answer(self, body: Mapping[str, Any]) -> Says | Wanted:
        """Returns what the model answered to this, or what it would have to be asked."""
        one = wanted(body)
        self.asked.append(one)
        entry = self.answers.get(one.digest)
        if entry is None:
            # What a worker is asked because an answer was missing is nothing to answer.
            if not any(NOT_RECORDED in text for _, text in one.said):
                self.missed[one.digest] = one
            return one
        calls = [(call["name"], call["arguments"]) for call in entry.get("calls", ())]
        text = entry.get("text", "")
        said = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
        tokens = (_tokens(text for _, text in one.said), _tokens((said, json.dumps(calls))))
        return Says(text=said, calls=calls, tokens=tokens)

    def awaited(self, body: Mapping[str, Any], *, wanted_file: Path) -> Says:
        """Returns what the model answered to this, once somebody has put it into the recording."""
        while True:
            with self._lock:
                self.read()
                found = self.answer(body)
                if isinstance(found, Says):
                    self.missed.pop(wanted(body).digest, None)
                    return found
                write_wanted(wanted_file, tuple(self.missed.values()))
            time.sleep(_LOOK_S)

    def unused(self) -> set[str]:
        """Returns the answers that nobody asked for."""
        return set(self.answers) - {one.digest for one in self.asked}


def write_wanted(file: Path, missed: Sequence[Wanted]) -> None:
    """Writes down what was asked and not answered, a line each."""
    rows = [{"digest": w.digest, "model": w.model, "said": w.said} for w in missed]
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_wanted(file: Path) -> list[Wanted]:
    """Returns what `write_wanted` wrote."""
    return [
        Wanted(digest=row["digest"], model=row["model"], said=tuple((a, b) for a, b in row["said"]))
        for row in _lines(file)
    ]


def _lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def _said(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields who said what, in the same words for both APIs; the frame of the prompt is left out."""
    system = body.get("system") or ()
    yield from (("system", part["text"]) for part in system)
    for message in body["messages"]:
        content = message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            yield from _part(message["role"], part)
        for call in message.get("tool_calls") or ():
            function = call["function"]
            yield "called", f"{function['name']} {_arguments(json.loads(function['arguments']))}"


def _part(role: str, part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    match part["type"]:
        case "text" if part["text"]:
            yield role, unframed(part["text"]) if role == "user" else part["text"]
        case "tool_use":
            yield "called", f"{part['name']} {_arguments(part['input'])}"
        case "tool_result":
            told = part["content"]
            text = told if isinstance(told, str) else "".join(one["text"] for one in told)
            # Chat completions know no failed result: the worker puts this word before its text.
            yield "tool", f"error: {text}" if part.get("is_error") else text


def unframed(prompt: str) -> str:
    """Returns what a prompt asks, without what all prompts say."""
    _, begins, rest = prompt.partition("\n\n## Task\n\n")
    asked, ends, frame = rest.rpartition("\n\n## Limits\n\n")
    _, closes, since = frame.partition(COULD_NOT)
    return asked + (since.rstrip("\n") if closes else "") if begins and ends else prompt


def _arguments(given: Any) -> str:
    return json.dumps(given, sort_keys=True, ensure_ascii=False)


def _tokens(texts: Any) -> int:
    return token_estimate.expected(sum(len(text) for text in texts))
