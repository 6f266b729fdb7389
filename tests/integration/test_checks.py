import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.processes import TAIL_BYTES_MAX, run
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import Oid
from coordinator.domain.policy import Command
from tests.support.product_trees import bare_repository, plain, store

SECRETS = {
    "PATH": os.environ["PATH"],
    "GIT_DIR": "/somewhere",
    "ANTHROPIC_API_KEY": "a-secret-key",
    "HOME": "/home/of/a/person",
    "SSH_AUTH_SOCK": "/agent",
}


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as repository:
        yield repository


class Gate:
    def __init__(self, git: GitProcess, folder: Path, isolation: Literal["auto", "copy"]) -> None:
        self.tree = store(git, plain(a="text\n", folder__b="b\n"))
        checkouts = Checkouts(git, folder / "checkouts", isolation=isolation)
        self.checks = CommandChecks(checkouts, environment=SECRETS)

    def run(
        self,
        line: str,
        *,
        setup: str | None = None,
        timeout_s_max: float = 20,
        tree: Oid | None = None,
    ) -> CheckResult:
        command = Command(name="gate", run=line, setup=setup, timeout_s_max=timeout_s_max)
        return self.checks.run(Check(tree or self.tree, command))


@pytest.fixture(params=["auto", "copy"])
def gate(request: pytest.FixtureRequest, git: GitProcess, tmp_path: Path) -> Gate:
    return Gate(git, tmp_path, request.param)


def test_a_command_that_exits_0_passes_and_its_output_is_kept(gate: Gate) -> None:
    result = gate.run("cat a folder/b; echo to stderr >&2")
    assert (result.passed, result.ran, result.confinement, result.name) == (
        True,
        True,
        "none",
        "gate",
    )
    assert result.tail == "text\nb\nto stderr\n"
    assert result.log == "sha256:" + hashlib.sha256(b"text\nb\nto stderr\n").hexdigest()


def test_a_command_that_fails_says_how(gate: Gate) -> None:
    assert gate.run("echo no; exit 7").tail == "no\n[run: exit 7]"
    assert not gate.run("exit 7").passed
    assert gate.run("no-such-program-here").tail.endswith("[run: exit 127]")


def test_setup_goes_first_in_the_same_view(gate: Gate) -> None:
    assert gate.run("cat made", setup="echo made >made").tail == "made\n"
    failed = gate.run("echo never", setup="echo broken; exit 3")
    assert (failed.passed, failed.tail) == (False, "broken\n[setup: exit 3]")


def test_a_command_sees_no_secret_of_ours_and_no_home(gate: Gate) -> None:
    result = gate.run('env | sort; ls -A "$HOME" "$TMPDIR"; touch "$HOME/x" "$TMPDIR/y"')
    assert result.passed
    names = {line.partition("=")[0] for line in result.tail.splitlines() if "=" in line}
    assert names - {"_", "PWD", "OLDPWD", "SHLVL"} == {"PATH", "LANG", "HOME", "TMPDIR", "CI"}
    assert "a-secret-key" not in result.tail
    assert "/home/of/a/person" not in result.tail


def test_there_is_no_git_folder_and_no_input(gate: Gate) -> None:
    assert gate.run("ls -A; wc -c </dev/stdin").tail == "a\nfolder\n0\n"


def test_the_deadline_kills_the_command_and_all_that_it_started(gate: Gate, tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    result = gate.run(
        f"exec 7>'{fifo}'; echo begun; (sleep 300 & sleep 300) & sleep 300", timeout_s_max=0.5
    )
    assert result.tail == "begun\n[run: killed after 0.5 s]"
    assert not result.passed
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # the last process that held the other end is dead
    os.close(reader)


def test_what_a_command_leaves_in_the_background_is_killed_when_it_ends(
    gate: Gate, tmp_path: Path
) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    result = gate.run(f"exec 7>'{fifo}'; sleep 300 & echo done")
    assert (result.passed, result.tail) == (True, "done\n")
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_process_that_leaves_the_group_and_keeps_the_pipe_open_is_not_waited_for(
    tmp_path: Path,
) -> None:
    finished = run(
        [
            "sh",
            "-c",
            "setsid sh -c 'echo $$ >pid; exec sleep 300' & while [ ! -s pid ]; do :; done; echo out",
        ],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        timeout_s_max=20,
    )
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert (finished.code, finished.tail) == (0, "out\n")
    assert finished.wall_s < 10


def test_a_command_that_closes_its_output_is_still_waited_for_and_killed(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    slow = run(
        ["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 5"],
        folder=tmp_path,
        environment=environment,
        timeout_s_max=20,
    )
    assert slow.code == 5
    endless = run(
        ["sh", "-c", "exec >&- 2>&-; sleep 300"],
        folder=tmp_path,
        environment=environment,
        timeout_s_max=0.2,
    )
    assert endless.code is None


def test_a_command_may_end_well_when_asked_at_its_deadline(tmp_path: Path) -> None:
    finished = run(
        ["sh", "-c", "trap 'echo unlocked; exit 0' TERM; echo begun; while :; do sleep 0.05; done"],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        timeout_s_max=0.5,
        grace_s=10,
    )
    assert finished.code is None
    assert finished.tail.startswith("begun\n")
    assert finished.tail.endswith("unlocked\n")
    assert finished.wall_s < 8


def test_a_flood_of_output_is_cut_to_its_end_and_digested_whole(gate: Gate) -> None:
    result = gate.run("yes a line of output | head -200000; echo the end")
    assert result.passed
    assert len(result.tail.encode()) <= TAIL_BYTES_MAX
    assert result.tail.startswith("a line of output\n")
    assert result.tail.endswith("the end\n")
    whole = b"a line of output\n" * 200_000 + b"the end\n"
    assert result.log == "sha256:" + hashlib.sha256(whole).hexdigest()


def test_escapes_and_controls_do_not_reach_the_reader(gate: Gate) -> None:
    result = gate.run(r"printf '\033[31mred\033[0m \007bell \342\200\256bidi \377bytes\n'")
    assert result.tail == "red bell bidi \ufffdbytes\n"


def test_a_tree_that_is_not_there_has_not_passed_and_says_nothing_of_the_tree(gate: Gate) -> None:
    result = gate.run("true", tree=Oid("f" * 40))
    assert (result.passed, result.ran) == (False, False)
    assert result.tail.startswith("could not run: ")


def test_a_check_that_cannot_start_has_not_passed(git: GitProcess, tmp_path: Path) -> None:
    gate = Gate(git, tmp_path, "copy")
    gate.checks = CommandChecks(
        Checkouts(git, tmp_path / "a-file" / "checkouts"), environment=SECRETS
    )
    (tmp_path / "a-file").write_text("in the way")
    result = gate.run("true")
    assert (result.passed, result.ran) == (False, False)
    assert "could not run: " in result.tail
