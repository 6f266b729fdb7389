"""docs/briefs.md: its examples mean what it says, and it lists every code and setting there is."""

import itertools
import re
from pathlib import Path

import pytest

from coordinator.domain import brief_front, brief_tasks, intake_questions
from tests.support.inbox_world import House

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "briefs.md").read_text()
FENCES = re.compile(r"^```(brief|unclear|rejected)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EXAMPLES = FENCES.findall(DOCS)
OTHERS = [FENCES.findall((ROOT / "docs" / page).read_text()) for page in ("tasks.md",)]
VERDICTS = {"brief": "accepted", "unclear": "needs_clarification", "rejected": "rejected"}


@pytest.mark.parametrize(("kind", "text"), [*EXAMPLES, *itertools.chain(*OTHERS)])
def test_an_example_gets_the_verdict_it_stands_for(kind: str, text: str) -> None:
    assert House().check("example", text).verdict == VERDICTS[kind]


def test_the_examples_are_there() -> None:
    assert [kind for kind, _ in EXAMPLES] == ["brief", "brief", "unclear", "rejected"]


def test_the_other_pages_have_examples() -> None:
    assert all(OTHERS)


def test_the_last_example_has_five_reasons() -> None:
    assert len(House().check("example", EXAMPLES[-1][1]).faults) == 5


def test_every_code_of_intake_is_listed() -> None:
    domain = ROOT / "coordinator" / "domain"
    sources = [*domain.glob("brief_*.py"), *domain.glob("intake_*.py")]
    sources.append(ROOT / "coordinator" / "services" / "intake" / "assessing.py")
    calls = r"(?:_fault|_add|\.add|add|code=)\(?\s*\"([a-z0-9]+(?:-[a-z0-9]+)*)\""
    codes = {code for path in sources for code in re.findall(calls, path.read_text())}
    assert {"secret", "bad-path", "circular", "empty", "bad-name"} <= codes
    assert not {code for code in codes if f"`{code}`" not in DOCS}


def test_every_setting_and_question_is_listed() -> None:
    tasks = (ROOT / "docs" / "tasks.md").read_text()
    assert not {key for key in brief_tasks.KEYS if f"`{key}`" not in tasks}
    ids = (*brief_front.KEYS, *intake_questions.SECTIONS, intake_questions.WORKER)
    assert not {word for word in ids if f"| `{word}` |" not in DOCS}
