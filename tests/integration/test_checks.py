import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.processes import TAIL_BYTES_MAX, Finished, run
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.setups import KEPT_MAX, Setups
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.names import Oid
from coordinator.domain.policy import Command, Confinement
from tests.support.cells import WAYS, mark, need_bubblewrap, running
from tests.support.patience import PATIENCE_S, with_enough
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
    def __init__(self, git: GitProcess, folder: Path, way: str) -> None:
        confinement, isolation = WAYS[way]
        if confinement == "strict":
            need_bubblewrap()
        self.git = git
        self.confinement = confinement
        self.folder = folder
        self.tree = store(git, plain(a="text\n", folder__b="b\n"))
        self.checks = CommandChecks(
            Checkouts(git, folder / "checkouts"),
            Sandbox(folder / "cells", isolation=isolation),
            Setups(git, folder / "setups"),
            environment=SECRETS,
        )

    def run(
        self,
        line: str,
        *,
        setup: str | None = None,
        setup_inputs: tuple[str, ...] = (),
        timeout_s_max: float = PATIENCE_S,
        tree: Oid | None = None,
        read: tuple[str, ...] = (),
    ) -> CheckResult:
        command = Command(
            name="gate",
            run=line,
            setup=setup,
            setup_inputs=setup_inputs,
            timeout_s_max=timeout_s_max,
        )
        confinement = Confinement(checks=self.confinement, read=read)
        return self.checks.run(Check(tree or self.tree, command, confinement))


@pytest.fixture(params=list(WAYS))
def gate(request: pytest.FixtureRequest, git: GitProcess, tmp_path: Path) -> Gate:
    return Gate(git, tmp_path, request.param)


@pytest.fixture
def strict(git: GitProcess, tmp_path: Path) -> Gate:
    return Gate(git, tmp_path, "strict")


def test_a_command_that_exits_0_passes_and_its_output_is_kept(gate: Gate) -> None:
    result = gate.run("cat a folder/b; echo to stderr >&2")
    assert (result.passed, result.ran, result.confinement, result.name) == (
        True,
        True,
        gate.confinement,
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


def test_the_deadline_kills_the_command_and_all_that_it_started(gate: Gate) -> None:
    long = mark()
    line = f"echo begun; (sleep {long} & setsid sleep {long} & sleep {long}) & sleep {long}"
    limit_s, result = with_enough(
        lambda limit_s: gate.run(line, timeout_s_max=limit_s),
        lambda result: result.tail.startswith("begun"),
    )
    assert result.tail == f"begun\n[run: killed: longer than {limit_s:g} s]"
    assert not result.passed
    assert running(long) == []


def test_what_a_command_leaves_in_the_background_is_killed_when_it_ends(gate: Gate) -> None:
    long = mark()
    result = gate.run(f"sleep {long} & setsid sleep {long} & echo done")
    assert (result.passed, result.tail) == (True, "done\n")
    assert running(long) == []


def test_a_process_that_leaves_the_group_and_keeps_the_pipe_open_is_not_waited_for(
    tmp_path: Path,
) -> None:
    finished = run(
        [
            "sh",
            "-c",
            "setsid sh -c 'echo $$ >pid; exec sleep 1000' & while [ ! -s pid ]; do :; done; echo out",
        ],
        folder=tmp_path,
        environment={"PATH": os.environ["PATH"]},
        timeout_s_max=PATIENCE_S,
    )
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert (finished.code, finished.tail) == (0, "out\n")


def test_a_command_that_closes_its_output_is_still_waited_for_and_killed(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"]}
    slow = run(
        ["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 5"],
        folder=tmp_path,
        environment=environment,
        timeout_s_max=PATIENCE_S,
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
    line = "trap 'echo unlocked; exit 0' TERM; echo begun; while :; do sleep 0.05; done"

    def at_its_deadline(limit_s: float) -> Finished:
        return run(
            ["sh", "-c", line],
            folder=tmp_path,
            environment={"PATH": os.environ["PATH"]},
            timeout_s_max=limit_s,
            grace_s=PATIENCE_S,
        )

    _, finished = with_enough(at_its_deadline, lambda finished: finished.tail)
    assert finished.code is None
    assert finished.tail.startswith("begun\n")
    assert finished.tail.endswith("unlocked\n")
    assert finished.wall_s < PATIENCE_S


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
    gate = Gate(git, tmp_path / "there", "none")
    (tmp_path / "there").mkdir()
    (tmp_path / "there/cells").write_text("in the way")
    result = gate.run("true")
    assert (result.passed, result.ran) == (False, False)
    assert "could not run: " in result.tail


def test_without_bubblewrap_a_strict_check_says_what_to_do(git: GitProcess, tmp_path: Path) -> None:
    tree = store(git, plain(a="text\n"))
    checks = CommandChecks(
        Checkouts(git, tmp_path / "checkouts"),
        Sandbox(tmp_path / "cells", bwrap="no-such-program"),
        Setups(git, tmp_path / "setups"),
        environment=SECRETS,
    )
    result = checks.run(Check(tree, Command(name="gate", run="true")))
    assert (result.passed, result.ran) == (False, False)
    assert result.tail.startswith("could not run: there is no no-such-program here\n")
    assert "apt-get install bubblewrap" in result.tail
    assert '`[confinement] checks = "none"`' in result.tail


def test_a_folder_of_the_config_that_is_not_there_is_said(strict: Gate) -> None:
    result = strict.run("true", read=("/no/such/folder",))
    assert not result.ran
    assert "/no/such/folder is not there" in result.tail


def test_the_same_line_under_another_confinement_is_another_check() -> None:
    command = Command(name="gate", run="true")
    tree = Oid("a" * 40)
    confined, bare = Confinement(), Confinement(checks="none")
    assert Check(tree, command, confined).key != Check(tree, command, bare).key


def test_a_gate_cannot_read_the_disk_of_the_daemon(strict: Gate, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("the secret")
    line = f"cat {tmp_path}/secret; true"
    assert "the secret" not in strict.run(line).tail
    strict.confinement = "none"
    assert "the secret" in strict.run(line).tail


def test_what_a_setup_adds_is_made_once_and_seen_by_every_tree(gate: Gate) -> None:
    setup = "mkdir -p made && date +%N >made/stamp && ln -s stamp made/link"
    line = "cat made/link; cat a"
    first = gate.run(line, setup=setup, setup_inputs=("folder",))
    again = gate.run(line + " ", setup=setup, setup_inputs=("folder",))
    other = store(gate.git, plain(a="other\n", folder__b="b\n"))
    third = gate.run(line, setup=setup, setup_inputs=("folder",), tree=other)
    assert first.passed
    assert first.tail == again.tail
    assert third.tail == first.tail.replace("text\n", "other\n")


def test_a_setup_is_done_again_when_what_it_depends_on_has_changed(gate: Gate) -> None:
    setup = "cat folder/b >made"
    assert gate.run("cat made", setup=setup, setup_inputs=("folder",)).tail == "b\n"
    tree = store(gate.git, plain(a="text\n", folder__b="changed\n"))
    changed = gate.run("cat made", setup=setup, setup_inputs=("folder",), tree=tree)
    assert changed.tail == "changed\n"


def test_a_setup_whose_inputs_nobody_knows_is_done_for_every_tree(gate: Gate) -> None:
    assert gate.run("cat made", setup="cat a >made").tail == "text\n"
    tree = store(gate.git, plain(a="changed\n", folder__b="b\n"))
    assert gate.run("cat made", setup="cat a >made", tree=tree).tail == "changed\n"


def test_lock_files_and_the_files_that_the_line_names_decide_without_setup_inputs(
    gate: Gate,
) -> None:
    def stamp(**files: str) -> str:
        tree = store(gate.git, plain(**files))
        return gate.run("cat made", setup="sh ./prepare || date +%N >made", tree=tree).tail

    files = {"prepare": "exit 1", "sub__uv.lock": "1", "a": "a"}
    first = stamp(**files)
    assert stamp(**{**files, "a": "changed"}) == first
    assert stamp(**{**files, "sub__uv.lock": "2"}) != first
    assert stamp(**{**files, "prepare": "exit 2"}) != first


def test_a_setup_that_changes_files_of_the_tree_holds_for_that_tree_alone(gate: Gate) -> None:
    setup = "echo set-up >>a; rm folder/b; echo new >new"
    line = "cat a new; ls folder"
    assert gate.run(line, setup=setup, setup_inputs=("folder",)).tail == "text\nset-up\nnew\n"
    tree = store(gate.git, plain(a="other\n", folder__b="b\n"))
    other = gate.run(line, setup=setup, setup_inputs=("folder",), tree=tree)
    assert other.tail == "other\nset-up\nnew\n"
    assert gate.run("cat a folder/b").tail == "text\nb\n"


def test_a_check_cannot_change_what_a_setup_made(gate: Gate) -> None:
    setup = "mkdir made && echo good >made/tool"
    assert gate.run("echo bad >made/tool; rm -r a", setup=setup, setup_inputs=("a",)).passed
    assert gate.run("cat made/tool", setup=setup, setup_inputs=("a",)).tail == "good\n"


def test_setups_that_nobody_used_for_long_make_room(git: GitProcess, tmp_path: Path) -> None:
    gate = Gate(git, tmp_path, "none")
    for number in range(KEPT_MAX + 3):
        assert gate.run("cat made", setup=f"echo {number} >made").passed
    assert len(list((tmp_path / "setups").iterdir())) == KEPT_MAX


class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"fetched")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_setup_reaches_the_granted_hosts_and_the_check_never_does(
    strict: Gate, web: str, tmp_path: Path
) -> None:
    if not Path("/usr/bin/curl").exists():
        pytest.skip("there is no curl here")
    desks = AttemptDesks(tmp_path / "ways", environment={}, tools=lambda *_: {})

    def gate(*hosts: str) -> CommandChecks:
        return CommandChecks(
            Checkouts(strict.git, tmp_path / f"checkouts-{len(hosts)}"),
            Sandbox(tmp_path / "cells"),
            Setups(strict.git, tmp_path / f"setups-{len(hosts)}"),
            environment=SECRETS,
            way_out=lambda: desks.open_network(hosts) if hosts else nullcontext(),
        )

    fetch = f"curl -sf --max-time 250 http://{web}/"
    strict.checks = gate(web)
    result = strict.run(f"cat got; {fetch} || echo; echo none", setup=f"{fetch} >got")
    assert result.tail == "fetched\nnone\n"
    assert strict.run("cat other", setup="curl -sf http://127.0.0.1:9/ >other").passed is False
    strict.checks = gate()
    assert strict.run("cat got", setup=f"{fetch} >got").tail == "[setup: exit 7]"
