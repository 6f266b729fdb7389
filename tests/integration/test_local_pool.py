"""The local pool: real children, the ways in which they end, and what survives the daemon."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.pool_local import LocalPool
from coordinator.adapters.rooms import Room
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import BriefId, Epoch, Oid, ProfileName, TaskId
from coordinator.domain.output import NoOutput, Output, Report, Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Limits, Profile
from tests.support.memory_tools import OutputKind, package
from tests.support.patience import PATIENCE_S, until
from tests.support.repos import git, make_site

CHILD = "tests.support.worker_child"
ROOT = Path(__file__).parents[2]


class Bench:
    """A pool over a small site, and the bell that it rings."""

    def __init__(self, folder: Path) -> None:
        self.site = make_site(folder)
        self.git_dir = folder / "run" / "repo.git"
        shutil.copytree(self.site.hub, self.git_dir)
        self.base = Oid(self.site.tip)
        self.rung = threading.Semaphore(0)
        self.pool = self.open()

    def open(self, **settings: Any) -> LocalPool:
        wanted: dict[str, Any] = {"parallel_max": 2, "child_module": CHILD, **settings}
        return LocalPool(git_dir=self.git_dir, wake=self.rung.release, **wanted)

    def submit(
        self,
        worker: str,
        *,
        number: int = 1,
        wall_s: float = PATIENCE_S,
        task: str = "List /a/.",
        inputs: tuple[str, ...] = (),
        kind: OutputKind = "json",
        tools: frozenset[str] = frozenset({"list", "read"}),
        **limits: Any,
    ) -> Spec:
        spec = Spec(
            id=AttemptId(brief=BriefId("brief-00000000"), epoch=Epoch("e1"), number=number),
            round=1,
            task=TaskId("only"),
            profile=ProfileName(worker),
            base=self.base,
            package=Oid("0" * 40),
            wall_clock_s_max=wall_s,
        )
        asked = package(task, kind=kind, tools=tools, base=self.base, inputs=inputs)
        profile = Profile(name=ProfileName(worker), limits=Limits(**limits))
        self.pool.submit(spec, asked, profile)
        return spec

    def reason(self) -> str:
        """Waits for the bell and returns why the one attempt that ended has no output."""
        outcome = self.outcome()
        assert isinstance(outcome, NoOutput)
        assert outcome.usage.cost_usd == 0.0, "a tool calls no model"
        return outcome.reason

    def outcome(self) -> Output | NoOutput:
        """Waits for the bell and returns what came of the one attempt that ended."""
        assert self.rung.acquire(timeout=PATIENCE_S), "nothing finished"
        finished = self.pool.finished()
        assert len(finished) == 1
        self.pool.acknowledge(finished[0][0].id)
        return finished[0][1]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    before = set(_children(os.getpid()))  # another test of this process may still hold a git open
    bench = Bench(tmp_path)
    yield bench
    bench.pool.close()
    until(lambda: not [pid for pid in _children(os.getpid()) if pid not in before and _works(pid)])


def test_an_attempt_reads_the_base_and_returns_an_output(bench: Bench) -> None:
    bench.submit("search", task='List "index".')
    output = bench.outcome()
    assert isinstance(output, Output)
    assert isinstance(output.body, Report)
    printed = git(bench.git_dir, "grep", "-n", "--column", "-F", "index", bench.base)
    found = [f"{r['path']}:{r['line']}:{r['column']}:{r['text']}" for r in output.body.data]
    assert found == [line.removeprefix(f"{bench.base}:") for line in printed.splitlines()]
    assert found
    assert output.usage.wall_s > 0


def test_a_regular_expression_that_takes_for_ever_is_killed_by_the_clock(bench: Bench) -> None:
    bench.submit("regex", wall_s=0.5)
    assert bench.reason() == "killed: longer than 0.5 s"


def test_a_silent_attempt_is_killed(bench: Bench) -> None:
    bench.submit("regex", idle_s_max=0.4)
    assert bench.reason() == "killed: silent for 0.4 s"


@pytest.mark.parametrize("worker", ["babbler", "giant"])
def test_too_much_output_is_killed(bench: Bench, worker: str) -> None:
    bench.submit(worker, output_bytes_max=2_000_000)
    assert bench.reason() == "killed: more output than 2000000 bytes"


@pytest.mark.parametrize(
    ("worker", "reason"),
    [
        ("raiser", "the worker failed: RuntimeError: out of ideas"),
        ("crasher", "the worker's process died: SIGABRT"),
        ("quitter", "worker broke its contract: it returned 0 outputs"),
        ("stranger", "the worker failed: WorkerError: it returned dict, not an Output"),
        ("nobody", "the worker failed: WorkerError: there is no worker 'nobody' here"),
    ],
)
def test_a_worker_that_fails_says_how(bench: Bench, worker: str, reason: str) -> None:
    bench.submit(worker)
    assert bench.reason() == reason


def test_a_tool_that_is_not_granted_ends_the_attempt(bench: Bench) -> None:
    bench.submit("search", tools=frozenset({"list"}))
    assert bench.reason() == (
        "the worker failed: WorkerError: it used the tool 'read', which was not granted"
    )


def test_a_child_sees_nothing_of_ours(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "not a real one")
    bench.submit("environment")
    output = bench.outcome()
    assert isinstance(output, Output)
    assert isinstance(output.body, Report)
    assert set(output.body.data["environ"]) <= {"HOME", "LANG", "LC_CTYPE", "PATH", "PYTHONPATH"}
    opened = output.body.data["open"]
    assert all(aim.startswith(("pipe:", str(bench.git_dir), "/dev/null")) for aim in opened)


def test_what_an_attempt_started_dies_with_it(bench: Bench, tmp_path: Path) -> None:
    spec = bench.submit("sleeper", inputs=(str(tmp_path / "pids"),))
    pids = _pids(tmp_path / "pids")
    assert spec.id in bench.pool.running()
    bench.pool.cancel(spec.id, reason="no longer wanted")
    assert bench.reason() == "cancelled: no longer wanted"
    until(lambda: not any(_alive(pid) for pid in pids))
    assert not bench.pool.running()


def test_cancelling_what_waits_or_is_unknown(bench: Bench, tmp_path: Path) -> None:
    for number in (1, 2):
        bench.submit("sleeper", number=number, inputs=(str(tmp_path / f"pids{number}"),))
    waiting = bench.submit("search", number=3)
    assert bench.pool.running()[waiting.id] == 0.0
    bench.pool.cancel(waiting.id, reason="first")
    assert bench.reason() == "cancelled: first"
    bench.pool.cancel(waiting.id, reason="again")
    assert bench.pool.finished() == ()


def test_an_attempt_is_started_once(bench: Bench) -> None:
    for _ in range(3):
        bench.submit("search")
    assert isinstance(bench.outcome(), Output)
    assert not bench.pool.running()
    assert bench.pool.finished() == ()


def test_more_attempts_than_places_take_turns(bench: Bench, tmp_path: Path) -> None:
    sleeping = bench.submit("sleeper", number=1, inputs=(str(tmp_path / "pids1"),))
    also = bench.submit("sleeper", number=2, inputs=(str(tmp_path / "pids2"),))
    for number in range(3, 7):
        bench.submit("search", number=number)
    assert len(bench.pool.running()) == 6
    assert bench.pool.finished() == ()
    bench.pool.cancel(sleeping.id, reason="to make room")
    for _ in range(5):
        assert bench.rung.acquire(timeout=PATIENCE_S)
    assert list(bench.pool.running()) == [also.id]
    came = {spec.id.number: what for spec, what in bench.pool.finished()}
    assert sorted(came) == [1, 3, 4, 5, 6]
    assert all(isinstance(what, Output) for number, what in came.items() if number > 1)


def test_an_outcome_comes_again_until_it_is_acknowledged_also_after_a_restart(bench: Bench) -> None:
    spec = bench.submit("search")
    assert bench.rung.acquire(timeout=PATIENCE_S)
    before = bench.pool.finished()
    assert bench.pool.finished() == before
    bench.pool.close()
    bench.pool = bench.open()
    assert bench.pool.finished() == before
    bench.submit("search")
    assert not bench.pool.running()
    bench.pool.acknowledge(spec.id)
    assert bench.pool.finished() == ()
    assert not [p for p in (bench.git_dir.parent / "spool").rglob("*") if p.is_file()]
    bench.pool.close()
    bench.pool = bench.open()
    assert bench.pool.finished() == ()


def test_a_spool_file_that_cannot_be_read_is_set_aside(bench: Bench) -> None:
    bench.submit("raiser")
    assert bench.rung.acquire(timeout=PATIENCE_S)
    bench.pool.close()
    (file,) = (bench.git_dir.parent / "spool").rglob("*.json")
    file.write_bytes(file.read_bytes()[:-7])
    bench.pool = bench.open()
    assert bench.pool.finished() == ()
    assert file.with_suffix(".broken").exists()


def test_an_old_spool_file_says_nothing_of_what_was_used(bench: Bench) -> None:
    spec = bench.submit("raiser")
    assert bench.rung.acquire(timeout=PATIENCE_S)
    bench.pool.close()
    (file,) = (bench.git_dir.parent / "spool").rglob("*.json")
    old = {"format": 1, "spec": spec.model_dump(mode="json"), "output": None, "reason": "it broke"}
    file.write_text(json.dumps(old))
    bench.pool = bench.open()
    assert bench.pool.finished() == ((spec, NoOutput(reason="it broke", usage=Usage())),)


class _Metered:
    """Rooms that say what was used, whatever the worker says."""

    def __init__(self) -> None:
        self.events: list[str] = []

    @contextmanager
    def room(self, spec: Spec, package: ContextPackage, profile: Profile) -> Iterator[Room]:
        self.events.append("opened")
        yield Room(usage=lambda: Usage(tokens_in=7, tokens_out=5, cost_usd=0.25))
        self.events.append("closed")


@pytest.mark.parametrize(
    ("worker", "wall_s"), [("search", PATIENCE_S), ("raiser", PATIENCE_S), ("regex", 0.5)]
)
def test_what_was_metered_is_what_counts_however_it_ended(
    bench: Bench, worker: str, wall_s: float
) -> None:
    bench.pool.close()
    rooms = _Metered()
    bench.pool = bench.open(rooms=rooms)
    bench.submit(worker, task='List "index".', wall_s=wall_s)
    usage = bench.outcome().usage
    assert (usage.tokens_in, usage.tokens_out, usage.cost_usd) == (7, 5, 0.25)
    assert usage.wall_s > 0
    assert rooms.events == ["opened", "closed"]


class _Shut:
    """Rooms that cannot be opened."""

    @contextmanager
    def room(self, spec: Spec, package: ContextPackage, profile: Profile) -> Iterator[Room]:
        raise RepositoryError("the tree is gone", hint="fetch it")
        yield Room()


def test_a_room_that_cannot_be_opened_is_an_outcome(bench: Bench) -> None:
    bench.pool.close()
    bench.pool = bench.open(rooms=_Shut())
    bench.submit("search")
    assert bench.reason() == "it could not start: the tree is gone (fetch it)"


def test_a_python_that_is_not_there_is_an_outcome(bench: Bench) -> None:
    bench.pool.close()
    bench.pool = bench.open(python="/nonexistent/python")
    bench.submit("search")
    assert bench.reason().startswith("it could not start: ")


def test_closing_kills_what_runs_and_tells_no_outcome(bench: Bench, tmp_path: Path) -> None:
    bench.submit("sleeper", inputs=(str(tmp_path / "pids"),))
    pids = _pids(tmp_path / "pids")
    bench.pool.close()
    until(lambda: not any(_alive(pid) for pid in pids))
    bench.pool = bench.open()
    assert bench.pool.finished() == ()


def test_a_killed_daemon_leaves_no_child_and_loses_no_outcome(bench: Bench, tmp_path: Path) -> None:
    daemon = subprocess.Popen(
        [sys.executable, "-c", _DAEMON, str(bench.git_dir), bench.base, str(tmp_path / "pids")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert daemon.stdout is not None
    with daemon.stdout as said:
        assert said.readline() == b"finished\n"
        pids = [*_pids(tmp_path / "pids"), *_descendants(daemon.pid)]
        assert len(pids) >= 5
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    until(lambda: not any(_alive(pid) for pid in pids))
    bench.pool.close()
    bench.pool = bench.open()
    ((spec, output),) = bench.pool.finished()
    assert (spec.id.number, type(output)) == (1, Output)


_DAEMON = textwrap.dedent(
    """
    import sys, threading
    from pathlib import Path
    from tests.integration.test_local_pool import Bench
    from tests.support.patience import PATIENCE_S
    git_dir, base, pids = sys.argv[1:]
    bench = Bench.__new__(Bench)
    bench.git_dir, bench.base = Path(git_dir), base
    bench.rung = threading.Semaphore(0)
    bench.pool = bench.open()
    bench.submit("search")
    assert bench.rung.acquire(timeout=PATIENCE_S)
    bench.submit("sleeper", number=2, inputs=(pids,))
    print("finished", flush=True)
    threading.Event().wait()
    """
)


def _pids(file: Path) -> list[int]:
    """Returns the numbers that a sleeper tells, once it has."""
    until(file.exists)
    return [int(word) for word in file.read_text().split()]


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task")
    found: list[int] = []
    for task in tasks.iterdir() if tasks.exists() else ():
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has just ended
            found += [int(word) for word in (task / "children").read_text().split()]
    return found


def _works(pid: int) -> bool:
    try:
        return "worker_child" in Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _descendants(pid: int) -> list[int]:
    return [below for child in _children(pid) for below in (child, *_descendants(child))]


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
