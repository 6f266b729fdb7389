"""What fails or lags, the whole way: a straggler is overtaken, and a worker that only fails is left alone."""

import re
import signal
import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from tests.support.repos import SITE, git
from tests.support.walk import Walk, until
from tests.support.worked import CAPITALS, CHANGE, worked

COOL_DOWN_S = 3
NAP = "31557"  # seconds that nothing else here sleeps
SLOW = f"""\
---
kind: command
description: writes files in capitals, but hangs over some
capabilities: [capitals]
command: [sh, -c, 'if grep -q HANG "$@"; then sleep {NAP}; fi; sed -i "s/.*/\\U&/" "$@"', sh, "{{scope}}"]
returns: [changes]
---
"""
FLAKY = """\
---
kind: command
description: writes files in capitals, but cannot for some
capabilities: [capitals]
command: [sh, -c, 'if grep -q HANG "$@"; then echo no way >&2; exit 7; fi; sed -i "s/.*/\\U&/" "$@"', sh, "{scope}"]
returns: [changes]
---
"""
SPECULATION = "[speculation]\nenabled = true\nfactor = 1.0\nsamples_min = 1\n"
HANGS = {name: f"A guide that hangs.\nHANG {name}\n" for name in ("docs/h1.md", "docs/h2.md")}


def over(path: str, *front: str) -> str:
    """Returns a brief that wants a file in capitals."""
    text = CHANGE.format(capability="capitals").replace("docs/guide.md", path)
    return text.replace("---\n", "---\n" + "".join(f"{line}\n" for line in front), 1)


def napping() -> list[str]:
    """Returns the processes that hang."""
    found = []
    for said in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = said.read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if NAP.encode() in words:
            found.append(said.parent.name)
    return found


def test_a_brief_whose_worker_hangs_lands_by_a_second_attempt_and_the_first_is_stopped(
    tmp_path: Path,
) -> None:
    made = worked(
        tmp_path,
        {"a-slow": SLOW, "b-quick": CAPITALS},
        files={**SITE, **HANGS},
        config=SPECULATION,
    )
    first = made.done(over("docs/guide.md"))
    assert [(a["worker"], a["verdict"]) for a in first["attempts"]] == [("a-slow", "accept")]
    shown = made.done(over("docs/h1.md"), name="hanging")
    assert shown["state"] == "completed", shown
    tried = [(a["n"], a["worker"], a["verdict"]) for a in shown["attempts"]]
    assert tried == [(1, "a-slow", "lost"), (2, "b-quick", "accept")]
    assert until(lambda: not napping())
    assert made.at_tip("docs/h1.md") == HANGS["docs/h1.md"].strip().upper()
    said = git(made.site.hub, "log", "-1", "--format=%B", str(shown["commit"]))
    lost = "a-slow/1 lost for 0.0000 USD and 0+0 tokens: cancelled: another attempt at it was accepted first"
    assert f"Attempt: {lost}" in said.splitlines(), said
    assert "Cost-USD: 0.0000" in said


def test_a_worker_that_only_fails_is_left_alone_and_another_stands_in(tmp_path: Path) -> None:
    made = worked(
        tmp_path,
        {"a-flaky": FLAKY, "b-quick": CAPITALS},
        files={**SITE, **HANGS},
        config="[breaker]\nfailures = 2\ncool_down_s = 3600\n",
    )
    workers = []
    for name, path in (("one", "docs/h1.md"), ("two", "docs/h2.md"), ("three", "docs/guide.md")):
        shown = made.done(over(path, "retries: 0"), name=name)
        assert shown["state"] == "completed", shown
        workers.append([e["worker"] for e in shown["events"] if e["event"] == "started"])
    assert workers == [["a-flaky", "b-quick"], ["a-flaky", "b-quick"], ["b-quick"]]
    why = "a-flaky failed 2 times in a row"
    troubles = [e["reason"] for e in shown["events"] if e["event"] == "trouble"]
    assert len(troubles) == 1
    assert troubles[0].startswith(f"worker {why}")
    listed = {
        one["name"]: one["failing"] for one in made.run("workers", "list", "--json").json["workers"]
    }
    assert listed["a-flaky"].startswith(why)
    assert listed["b-quick"] is None
    assert f"  failing: {why}" in made.run("workers", "list").out


def test_where_nobody_stands_in_the_brief_waits_and_one_attempt_tries_again(
    tmp_path: Path,
) -> None:
    made = worked(
        tmp_path,
        {"a-flaky": FLAKY},
        files={**SITE, **HANGS},
        config=f"[breaker]\nfailures = 1\ncool_down_s = {COOL_DOWN_S}\n",
    )
    failed = made.done(over("docs/h1.md", "retries: 0"), name="one")
    assert failed["state"] == "failed"
    shown = made.done(over("docs/guide.md", "retries: 0"), name="two")
    assert shown["state"] == "completed", shown
    assert [a["verdict"] for a in shown["attempts"]] == ["accept"]
    with closing(sqlite3.connect(made.site.repo / ".orchestrator/run/journal.sqlite3")) as journal:
        (_, lost_s), (begun_s, _) = journal.execute("SELECT began, done FROM spend ORDER BY number")
    assert begun_s - lost_s >= COOL_DOWN_S
    (listed,) = [
        w for w in made.run("workers", "list", "--json").json["workers"] if w["name"] == "a-flaky"
    ]
    assert listed["failing"] is None


def test_an_attempt_past_the_limit_of_a_minute_waits_and_status_says_until_when(
    tmp_path: Path,
) -> None:
    made = worked(
        tmp_path,
        {"quick": CAPITALS},
        files={**SITE, **HANGS},
        config="[limits.quick]\nrequests_per_minute = 2\n",
    )
    walk = Walk(made.site)
    for name, path in (("one", "docs/h1.md"), ("two", "docs/h2.md")):
        walk.drop(f"{name}.md", over(path))
    walk.work()
    assert (walk.state("one"), walk.state("two")) == ("completed", "completed")
    begun(walk, time.time() + 3600)  # the minute is not over however long this takes
    walk.drop("three.md", over("docs/guide.md"))
    with walk.daemon() as daemon:
        until(lambda: known(walk, "three"))
        from_s = int(time.time())
        (why,) = walk.brief("three")["reasons"]
        until_s = int(time.time())
        daemon.end(signal.SIGTERM)
    said = re.fullmatch(
        r"\[limits\.quick\] requests_per_minute: 2 of 2; again at (\d\d:\d\d:\d\d) UTC, or sooner",
        why,
    )
    assert said is not None, why
    assert why.partition("; ")[0] in walk("status").out
    ends = (datetime.fromtimestamp(at + 60, UTC) for at in range(from_s, until_s + 3))
    assert said[1] in {f"{end:%H:%M:%S}" for end in ends}
    begun(walk, time.time() - 61)
    walk.work()
    assert walk.state("three") == "completed"
    assert walk.brief("three")["reasons"] == []


def begun(walk: Walk, at_s: float) -> None:
    """Has the journal say that all attempts until now began at that time."""
    with closing(sqlite3.connect(walk.run_folder / "journal.sqlite3")) as journal, journal:
        journal.execute("UPDATE spend SET began = ?, done = ?", (at_s, at_s))


def known(walk: Walk, name: str) -> bool:
    """Tells whether a brief is on the branch, and nobody works on it yet."""
    briefs = {b["name"]: b for b in walk("status", "--json").json["briefs"]}
    return name in briefs and briefs[name]["state"] == "working" and bool(briefs[name]["reasons"])
