"""Every recipe with recorded models, programs and built-in workers, on a repository that is given."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.worked import Worked

HERE = Path(__file__).parent
COMMIT = "0e322af87745eff34caffe4df68456ebc20d9068"
"""The release v2.32.3 of psf/requests, which the briefs of the scene `requests` are about."""

_MODEL = """\
---
kind: {kind}
description: {description}
capabilities: [{capabilities}]
endpoint: {api}
model: recorded
price: {{input: 1, output: 5}}
limits: {{idle_s: 900, wall_clock_s: 3600}}
---
{system}
"""


def _model(api: str, description: str, capabilities: str, system: str) -> str:
    kind = {"messages": "claude", "chat": "openai-compatible"}[api]
    return _MODEL.format(
        kind=kind, api=api, description=description, capabilities=capabilities, system=system
    )


WORKERS: Mapping[str, str] = {
    "author": _model("chat", "writes", "writing", "You write plain English for busy people."),
    "clerk": _model("messages", "writes", "letters", "You write plain English for busy people."),
    "drafter": _model("chat", "drafts", "drafting", "You write short texts, and change little."),
    "scout": _model("chat", "reads", "research", "You read closely, and name your sources."),
    "critic": _model("chat", "finds faults", "review", "You look for what is wrong."),
    "mind": _model(
        "chat",
        "says which tasks a brief is made of",
        "plans",
        "You divide work among people who know only what you tell them. "
        "You split it where the parts stand alone, and you leave nothing of it out.",
    ),
    "headings": """\
---
kind: command
description: lists the headings of Markdown files
capabilities: [planning]
command: [sed, -n, "s/^##* /- /p", "{inputs}"]
returns: [list]
---
""",
}

CONFIG = """\
[brain]
planner = "mind"
[endpoints.messages]
api = "anthropic"
base_url = "{url}"
[endpoints.chat]
api = "openai"
base_url = "{url}/v1"
"""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Briefs in their order, and what a person answers when one of them asks.

    `together` are worked at once: none of them reads what another one changes.
    """

    name: str
    answers: Mapping[str, str]
    together: frozenset[str] = frozenset()

    @property
    def recording(self) -> Path:
        """Returns the file of what the models answered."""
        return HERE / "answers" / f"{self.name}.jsonl"

    def briefs(self) -> Iterator[tuple[str, str]]:
        """Yields names and texts."""
        for file in sorted((HERE / "scenes" / self.name).glob("*.md")):
            yield file.stem.partition("-")[2], file.read_text("utf-8")


REQUESTS = Scene(name="requests", answers={"contacts": "part-2", "purpose": "drafter"})
SITE = Scene(
    name="site",
    answers={"names": "part-1"},
    together=frozenset({"guide", "readme", "letter", "about"}),
)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of one brief: as `show` has it, and what a person was asked."""

    name: str
    shown: dict[str, Any]
    asked: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Run:
    """A scene as it goes: each brief is worked to its end before the next one is dropped."""

    made: Worked
    scene: Scene
    timeout_s: float = 600

    def go(self) -> Iterator[Told]:
        """Yields what became of each brief: those that go together in one run, then one after the other."""
        done = self._together()
        for name, text in self.scene.briefs():
            if name in done:
                yield Told(name=name, shown=done[name])
                continue
            shown = self.made.done(text, name=name, timeout_s=self.timeout_s)
            asked = tuple(shown["questions"])
            if asked and name in self.scene.answers:
                shown = self._answered(str(shown["id"]), asked[-1], self.scene.answers[name])
            yield Told(name=name, shown=shown, asked=asked)

    def _together(self) -> dict[str, dict[str, Any]]:
        briefs = {n: t for n, t in self.scene.briefs() if n in self.scene.together}
        ids = {name: self.made.dropped(text, name=name) for name, text in briefs.items()}
        if ids:
            self.made.worked_on(next(iter(ids.values())), timeout_s=self.timeout_s)
        return {name: self.made.shown(brief) for name, brief in ids.items()}

    def _answered(self, brief: str, question: Mapping[str, Any], text: str) -> dict[str, Any]:
        said = self.made.run("answer", brief, str(question["id"]), text)
        assert said.code == 0, said.said
        return self.made.worked_on(brief, timeout_s=self.timeout_s)
