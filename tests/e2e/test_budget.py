"""A paid worker by the command line alone: what it may spend, what it spent, and what happens without money."""

import json
import os
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Answered, in_a_process
from tests.support.one_day import on_one_day
from tests.support.patience import COMMAND_S_MAX, UNTIL_IDLE
from tests.support.repos import Site, git, make_site, push_files
from tests.support.upstream_server import Answer, Asked, event, serving, stream
from tests.support.walk import Walk, until

pytestmark = pytest.mark.slow

KEY = "sk-real-77c1f0e2-key"
BRIEF = """\
---
worker: thinker
retries: 0
---
## TASK

Say in one paragraph what the guide is about, for a person who has never seen it.

## INPUTS

- docs/guide.md

## SCOPE

- in: docs/**

## OUTPUT FORMAT

report
"""
# 1,000 tokens in and 200 out come to 0.003 USD.
WORKER = """\
---
name: thinker
kind: openai-compatible
endpoint: here
model: home-made-1
price: {input: 1, output: 10}
returns: [report]
output_tokens: 1000
limits: {cost_usd: 0.5, tokens: 50000}
---
You are brief.
"""


def thinks(_: Asked) -> Answer:
    said = json.dumps({"kind": "report", "text": "It leads back to the start.", "why": ""})

    def pieces() -> Iterator[bytes]:
        choice = {"index": 0, "delta": {"role": "assistant", "content": said}}
        yield event({"choices": [choice], "usage": None})
        yield event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 1_000, "completion_tokens": 200}
        yield event({"choices": [], "usage": usage})
        yield b"data: [DONE]\n\n"

    return stream(pieces())


def site_with(folder: Path, url: str, budget: str) -> Site:
    site = make_site(folder / "site")
    assert in_a_process(site.repo, "init").code == 0
    git(site.repo, "pull", "--quiet")
    push_files(
        site,
        {
            ".orchestrator/config.toml": config(url, budget),
            ".orchestrator/workers/thinker.md": WORKER,
        },
    )
    return site


def config(url: str, budget: str) -> str:
    return (
        f'schema = 1\n[landing]\nunverified = "land"\n[budget]\n{budget}\n[endpoints.here]\n'
        f'api = "openai"\nbase_url = "{url}/v1"\nkey_env = "HERE_KEY"\n'
    )


def run(site: Site, brief: str = BRIEF) -> tuple[Answered, list[dict[str, Any]], dict[str, Any]]:
    """Drops a brief and runs until idle; returns how that ended, its events, and the brief's status."""
    file = site.repo.parent / "about.md"
    file.write_text(brief)
    dropped = in_a_process(site.repo, "brief", "drop", str(file), "--json")
    assert dropped.code == 0, dropped.said
    ran = in_a_process(site.repo, "run", *UNTIL_IDLE, "--json", environment={"HERE_KEY": KEY})
    (found,) = in_a_process(site.repo, "status", "--json").json["briefs"]
    return ran, [json.loads(line) for line in ran.out.splitlines()], found


def test_a_paid_report_lands_with_its_cost_and_without_the_key_anywhere(tmp_path: Path) -> None:
    with serving(thinks) as server:
        site = site_with(tmp_path, server.url, "usd_per_brief = 0.25")
        ran, events, brief = run(site)
        assert (ran.code, brief["state"]) == (0, "completed"), ran.out + ran.said
        assert brief["cost_usd"] == pytest.approx(0.003)
        started = next(e for e in events if e["event"] == "started")
        assert started["cost_usd_max"] == 0.25  # the brief leaves less than the worker's own limit
        assert next(e for e in events if e["event"] == "returned")["cost_usd"] == 0.003
        assert [asked.path for asked in server.asked] == ["/v1/chat/completions"]
        assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
        what_it_cost(site, brief["id"])
    assert KEY not in ran.out + ran.said
    for top, _, names in os.walk(tmp_path):
        for name in names:
            assert KEY.encode() not in (Path(top) / name).read_bytes(), name
    objects = git(site.hub, "cat-file", "--batch-all-objects", "--batch", "--buffer")
    assert KEY not in objects


def what_it_cost(site: Site, brief: str) -> None:
    """Looks at the money, the effort and the package in another clone."""
    plain = site.repo.parent / "plain"
    git(site.repo.parent, "clone", "--quiet", f"file://{site.hub}", str(plain))
    for clone in (site.repo, plain):
        (row,) = in_a_process(clone, "cost", "--by", "model", "--json").json["rows"]
        assert (row["key"], row["tokens_in"], row["tokens_out"]) == ("home-made-1", 1_000, 200)
        assert (row["usd"], row["unknown"]) == (pytest.approx(0.003), 0)
        effort = in_a_process(clone, "show", brief, "--json").json["effort"]
        assert (effort["tokens"], effort["usd"]) == (1_200, pytest.approx(0.003))
        assert (effort["multiplier_tokens"], effort["multiplier_usd"]) == (1.0, 1.0)
        assert effort["lift"]["landed"] == effort["lift"]["first"]
        told = in_a_process(clone, "show", brief, "--package", "1", "--json").json
        assert "input 1: path docs/guide.md" in {one["source"] for one in told["tokens"]}
    (known,) = in_a_process(site.repo, "status", "--json").json["briefs"]
    assert known["effort"] == effort


def test_a_brief_without_money_fails_and_says_so(tmp_path: Path) -> None:
    with serving(thinks) as server:
        site = site_with(tmp_path, server.url, "usd_per_brief = 0.0")
        ran, _, brief = run(site)
        assert (ran.code, brief["state"]) == (0, "failed"), ran.out + ran.said
        assert brief["reasons"] == [
            "the brief has used its budget: 0.00 of 0.00 USD; [budget] usd_per_brief says how much it may"
        ]
        assert server.asked == []


@on_one_day
def test_a_brief_lies_until_the_day_has_money_and_nobody_waits_for_it(tmp_path: Path) -> None:
    with serving(thinks) as server:
        site = site_with(tmp_path, server.url, "usd_per_day = 0.0")
        ran, _, brief = run(site)
        assert (ran.code, brief["state"]) == (0, "working"), ran.out + ran.said
        assert server.asked == []
        assert "the money of this day is used up: 0.00 of 0.00 USD" in ran.out + ran.said
        assert brief["phase"] == "waiting"
        (why,) = brief["reasons"]
        assert why.startswith(
            "the money of this day is used up: 0.00 of 0.00 USD; it goes on after"
        )
        assert "[budget] usd_per_day" in why
        assert git(site.hub, "for-each-ref", "refs/orchestrator/held") == ""
        raised = (site.repo / ".orchestrator/config.toml").read_text().replace("= 0.0", "= 1.0")
        git(site.repo, "pull", "--quiet", "--rebase")
        push_files(site, {".orchestrator/config.toml": raised})
        assert in_a_process(site.repo, "run", *UNTIL_IDLE, environment={"HERE_KEY": KEY}).code == 0
        (brief,) = in_a_process(site.repo, "status", "--json").json["briefs"]
        assert brief["state"] == "completed"


def test_a_budget_too_small_for_one_call_ends_the_attempt_before_it_is_made(tmp_path: Path) -> None:
    with serving(thinks) as server:
        site = site_with(tmp_path, server.url, "usd_per_brief = 5.0")
        ran, _, brief = run(site, BRIEF.replace("retries: 0", "retries: 0\nbudget: 0.001"))
        assert (ran.code, brief["state"]) == (0, "failed"), ran.out + ran.said
        assert "over the budget" in " ".join(brief["reasons"])
        assert server.asked == []


@on_one_day
def test_what_a_killed_daemon_had_set_aside_is_neither_forgotten_nor_spent_twice(
    tmp_path: Path,
) -> None:
    """The first attempt takes all the money of the day with it; the second brief waits before and after."""
    held = threading.Event()

    def thinks_when_it_may(asked: Asked) -> Answer:
        assert held.wait(2 * COMMAND_S_MAX)
        return thinks(asked)

    with serving(thinks_when_it_may) as server:
        walk = Walk(site_with(tmp_path, server.url, "usd_per_day = 0.5"), {"HERE_KEY": KEY})
        lies = "the money of this day is used up: 0.50 of 0.50 USD"
        with walk.daemon() as daemon:
            walk.drop("first.md", BRIEF)
            assert daemon.until("started")["cost_usd_max"] == 0.5
            until(lambda: server.asked)
            walk.drop("second.md", BRIEF.replace("one paragraph", "one sentence"))
            until(lambda: any(lies in e.get("reason", "") for e in daemon.events()))
            os.killpg(daemon.process.pid, signal.SIGKILL)
            daemon.process.wait(COMMAND_S_MAX)
        held.set()
        assert [e["event"] for e in daemon.events()].count("started") == 1
        assert ended(walk) == []
        walk.work()
        for name in ("first", "second"):
            found = walk.brief(name)
            assert (found["state"], found["reasons"][0][: len(lies)]) == ("working", lies)
        assert ended(walk) == [(0.5, "the daemon was restarted")]
        assert len(server.asked) == 1
        walk.commit({".orchestrator/config.toml": config(server.url, "usd_per_day = 2.0")})
        walk.work()
        assert (walk.state("first"), walk.state("second")) == ("completed", "completed")
        assert sorted(usd for usd, _ in ended(walk)) == [0.003, 0.003, 0.5]
    said = git(walk.hub, "log", "-1", "--format=%B", "--grep=^land first", "main")
    assert "Attempt: thinker/1 lost for 0.5000 USD and 0+0 tokens: the daemon was restarted" in said
    assert "Cost-USD: 0.5030" in said


def ended(walk: Walk) -> list[tuple[float, str]]:
    """Returns what the journal says that attempts cost, and how they ended."""
    with closing(sqlite3.connect(walk.run_folder / "journal.sqlite3")) as journal:
        rows = journal.execute("SELECT said, reason FROM spend ORDER BY number").fetchall()
    return [(json.loads(said)["cost_usd"], reason) for said, reason in rows]
