"""Workers that do not end, say too much or start too much: failed attempts within their limits, nothing left."""

import re

import pytest

from tests.support.orphans import adopting
from tests.support.patience import PATIENCE_S
from tests.support.repos import git
from tests.support.walk import Walk, make_walk

WORKER = """\
---
kind: command
command: {command}
returns: [report]
limits: {{wall_clock_s: 800, idle_s: {idle_s}, output_bytes: 1000000, processes: 40, memory_mb: 400}}
---
"""
# By whoever counts first, the kernel or the supervisor: a busy machine has either look late.
WORKERS = {
    "silent": ("sleep 900", "silent for longer than 3 s"),
    "loud": ("head -c 1000000000 /dev/zero", "more output than 1000000 bytes"),
    "forking": ("bomb() { bomb | bomb & sleep 900; }; bomb; wait; sleep 900", "processes|[Ff]ork"),
    "leaving": ("setsid sleep 900 & echo started; exit 1", "exit 1"),
    "eating": ("head -c 2000000000 /dev/zero | tail", "exit 1|more memory than 400000000 bytes"),
}
BRIEF = """\
---
worker: {name}
retries: 0
---
TASK: Write a report on the notes of this site.
INPUTS: notes/one.txt
SCOPE: notes/; everything else is out of bounds
OUTPUT FORMAT: a report
DO NOT: change files
"""

pytestmark = pytest.mark.xdist_group("limits")  # one day for all of them


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    """One day on which every worker goes wrong; nothing that they started is left."""
    with adopting() as orphans:
        walk = make_walk(tmp_path_factory.mktemp("limits"))
        walk.commit(
            {
                f".orchestrator/workers/{name}.md": WORKER.format(
                    command=f'"{command}"',
                    # Only the silent one is to meet this limit: on a busy machine the others are silent for seconds.
                    idle_s=3 if name == "silent" else 800,
                )
                for name, (command, _) in WORKERS.items()
            }
        )
        for name in WORKERS:
            walk.drop(f"{name}.md", BRIEF.format(name=name))
        walk.work(timeout_s=900)
        assert orphans.left(PATIENCE_S) == {}
    return walk


@pytest.mark.slow
@pytest.mark.parametrize(("name", "why"), [(n, why) for n, (_, why) in WORKERS.items()])
def test_a_worker_without_measure_ends_as_a_failed_attempt_that_is_told(
    walk: Walk, name: str, why: str
) -> None:
    brief = walk.brief(name)
    assert brief["state"] == "failed"
    assert re.search(why, " ".join(brief["reasons"])), brief["reasons"]
    (attempt,) = walk("show", brief["id"], "--json").json["attempts"]
    assert (attempt["n"], attempt["worker"], attempt["verdict"]) == (1, name, "lost")
    assert re.search(why, attempt["reasons"][0])
    assert (attempt["cost_usd"], brief["cost_usd"]) == (0.0, 0.0)
    message = git(walk.hub, "log", "-1", "--format=%B", f"--grep=^fail {name}", "main")
    assert f"Attempt: {name}/1 lost for 0.0000 USD and 0+0 tokens: " in message
    assert "Cost-USD: 0.0000" in message
