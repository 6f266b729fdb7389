"""A real model whose answers are poor: what must hold is what the coordinator does with them, not its wisdom."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.ended import costs, endings
from tests.real.small_model import small_model
from tests.support.command_line import in_a_process
from tests.support.worked import Worked, worked

pytestmark = [
    pytest.mark.real,
    pytest.mark.slow,
    pytest.mark.xdist_group("small model"),  # one such model at a time is enough for a machine
]

BRIEF = """\
---
task_type: summary
retries: 1
---

## TASK

Say in one sentence what docs/guide.md is about.

## INPUTS

- docs/guide.md

## SCOPE

in: docs/

## OUTPUT FORMAT

report

## DO NOT

- change anything

## ACCEPTANCE

- matches: /^[0-9]{4} words of [a-z]+ and [a-z]+, in [A-Z]{7}$/
"""
# A model of this size repeats a pattern and does not meet it; a program does.
STAND_IN = """\
---
kind: command
description: says the same every time
capabilities: [summary]
command: [echo, "1024 words of links and pages, in CAPITAL"]
returns: [report]
---
"""
MODEL = """\
---
kind: {kind}
description: a small model
capabilities: [summary]
endpoint: small
model: smollm2
output_tokens: {output_tokens}
maxTurns: 4
tools: [read]
returns: [report]
price: {{input: 0.1, output: 0.1}}
limits: {{wall_clock_s: 1800, idle_s: 1800, tokens: 20000}}
---
Answer in one short sentence.
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yields the address of one server for all tests: it remembers the beginnings of what it was asked."""
    with small_model(tmp_path_factory.mktemp("model")) as url:
        yield url


def ran(made: Worked, brief: str = BRIEF) -> dict[str, Any]:
    """Drops the brief, runs until nothing is left to do, and returns the brief as `show` has it."""
    file = made.site.repo.parent / "guide.md"
    file.write_text(brief)
    dropped = made.run("brief", "drop", str(file), "--json")
    assert dropped.code == 0, dropped.out + dropped.said
    until_idle = ("run", "--until-idle", "--timeout", "5400", "--json")
    done = in_a_process(made.site.repo, *until_idle, timeout_s_max=5460)
    assert done.code == 0, done.out + done.said
    return made.run("show", str(dropped.json["id"]), "--json").json


@pytest.mark.parametrize(
    # The server enforces the schema of chat completions, and ignores that of the Messages API.
    ("kind", "output_tokens"),
    [("openai-compatible", 60), ("claude", 40)],
)
def test_poor_answers_are_judged_tried_again_and_then_another_worker_does_it(
    tmp_path: Path, served: str, kind: str, output_tokens: int
) -> None:
    api, path = ("anthropic", "") if kind == "claude" else ("openai", "/v1")
    made = worked(
        tmp_path,
        # Workers of one capability are tried in the order of their names.
        {"a-model": MODEL.format(kind=kind, output_tokens=output_tokens), "stand-in": STAND_IN},
        config=f'[endpoints.small]\napi = "{api}"\nbase_url = "{served}{path}"\n',
    )
    shown = ran(made)
    how = endings(made)
    assert sorted(how) == [1, 2, 3], how
    assert "accept" not in (how[1], how[2]), "the model was tried, and once more"
    assert all(how.values())
    first, second, stand_in = costs(made)
    assert first, "an attempt that came to nothing is not free"
    assert second
    assert stand_in == 0.0
    assert how[3] == "accept"
    last = shown["attempts"][-1]
    assert (last["n"], last["worker"]) == (3, "stand-in")
    assert shown["state"] == "completed", json.dumps(shown, indent=1)
    result = made.run("show", shown["id"], "--result").out
    assert result == "1024 words of links and pages, in CAPITAL\n"


def test_a_model_that_alone_has_the_capability_fails_with_reasons(
    tmp_path: Path, served: str
) -> None:
    made = worked(
        tmp_path,
        {"a-model": MODEL.format(kind="openai-compatible", output_tokens=12)},
        config=f'[endpoints.small]\napi = "openai"\nbase_url = "{served}/v1"\n',
    )
    shown = ran(made, BRIEF.replace("retries: 1", "retries: 0"))
    assert shown["state"] == "failed", shown
    how = endings(made)
    assert sorted(how) == [1]
    assert how[1].startswith("the worker failed: its answer was cut at 12 tokens")
    assert "its answer was cut at 12 tokens" in shown["reasons"][0]
    assert all(costs(made))
