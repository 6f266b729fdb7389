"""What only a real git has: processes that hang, people's settings, locks, odd names, servers that say no."""

import base64
import errno
import http.server
import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.git_command import kill_group
from coordinator.adapters.git_process import GitProcess, create_private_clone, sweep_locks
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import EMPTY_TREE, Oid, RepoPath
from coordinator.domain.proof import Unreachable
from coordinator.domain.tree import Entry, decode, encode
from tests.support.patience import PATIENCE_S, until, with_enough
from tests.support.repos import Site, commit_files, git, make_site, push_files

WHO = Signature(name="A Person", email="person@example.invalid", timestamp=0)
BRANCH = "+refs/heads/main:refs/mirror/branch"

Open = Callable[..., GitProcess]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Open]:
    """Returns what opens private clones, and closes them."""
    made: list[GitProcess] = []

    def make(url: str, user: Path | None = None, silence_s: float = PATIENCE_S) -> GitProcess:
        folder = create_private_clone(tmp_path / f"private-{len(made)}.git", remote_url=url)
        made.append(
            GitProcess(folder, remote_url=url, user_directory=user, fetch_silence_s_max=silence_s)
        )
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def private(site: Site, opened: Open) -> GitProcess:
    one = opened(str(site.hub))
    assert one.fetch([BRANCH], prune=True) is None
    return one


def tip(private: GitProcess) -> Oid:
    return private.refs("refs/mirror/branch")["refs/mirror/branch"]


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def create(ref: str, oid: Oid) -> RefUpdate:
    return RefUpdate(ref=ref, expected=None, new=oid)


def is_gone(pid: int) -> bool:
    """Tells whether a process ended (a zombie whose parent is not us has ended too)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # no such file, or it ended while we read it
        return True
    return state in "ZX"


# Remotes that hang or refuse


HANGING_SSH = 'echo $$ >> "{pids}"; sleep 3000 & echo $! >> "{pids}"; wait'


@pytest.mark.parametrize("call", ["fetch", "push"])
def test_a_remote_that_never_answers_ends_with_a_timeout_and_leaves_no_process(
    call: str, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    ssh = script(tmp_path / "ssh", HANGING_SSH.format(pids=pids))
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")

    def times_out(limit_s: float) -> list[int]:
        private = opened("ssh://nobody@host.example/x.git", silence_s=limit_s)
        if call == "fetch":
            failed = private.fetch([BRANCH], prune=True)
            assert isinstance(failed, Unreachable)
            assert failed.reason.startswith("timeout")
        else:
            blob = private.write("blob", b"1")
            reply = private.push([create("refs/o/a", blob)], timeout_s_max=limit_s)
            assert (reply.kind, reply.lines) == ("timeout", {})
            assert reply.hint
        return [int(pid) for pid in pids.read_text().split()] if pids.exists() else []

    _, started = with_enough(times_out, lambda started: len(started) >= 2, limits_s=(1, 10, 60))
    assert len(started) >= 2
    until(lambda: all(is_gone(pid) for pid in started))  # a kill takes the kernel a moment


def test_what_git_started_puts_its_locks_away_before_it_is_killed(tmp_path: Path) -> None:
    ready, tidied = tmp_path / "ready", tmp_path / "tidied"
    tidies = f"trap 'touch {tidied}; exit' TERM; touch {ready}; while :; do sleep 0.05; done"
    with subprocess.Popen(["sh", "-c", f"({tidies}) & wait"], start_new_session=True) as leader:
        until(ready.exists)
        kill_group(leader)
    assert tidied.exists()


def test_a_process_that_keeps_the_output_open_is_not_waited_for(
    tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids = tmp_path / "pids"
    # Like an ssh master: it leaves the process group and keeps the stderr that git was given.
    master = f"setsid sh -c 'echo $$ >> {pids}; exec sleep 1000' </dev/null >/dev/null & exit 255"
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script(tmp_path / "ssh", master)))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    private = opened("ssh://host.example/x.git")
    failed = private.fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert not failed.reason.startswith("timeout")
    pid = until(lambda: pids.exists() and pids.read_text())  # the shell may still be starting
    os.kill(int(pid), signal.SIGKILL)


def test_a_loopback_server_that_accepts_and_says_nothing_times_out(opened: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        private = opened(f"git://127.0.0.1:{port}/x.git", silence_s=0.5)
        failed = private.fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert failed.reason.startswith("timeout")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("git@host.example: Permission denied (publickey).", "permission denied"),
        ("Host key verification failed.", "unknown host key"),
        (
            "ssh: Could not resolve hostname host.example: Name or service not known",
            "could not resolve the host",
        ),
        ("ssh: connect to host host.example port 22: Connection refused", "no connection"),
        ("ERROR: Repository not found.", "repository not found"),
    ],
)
def test_what_ssh_says_becomes_a_named_reason_with_a_hint(
    said: str, reason: str, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = script(tmp_path / "ssh", f"echo '{said}' >&2; exit 255")
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    private = opened("git@host.example:x.git")
    failed = private.fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert failed.reason.startswith(reason)
    assert said.strip() in failed.reason
    assert failed.hint
    reply = private.push(
        [create("refs/o/a", private.write("blob", b"1"))], timeout_s_max=PATIENCE_S
    )
    assert reply.kind == "unreachable"
    assert reply.message.startswith(reason)


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path, opened: Open) -> None:
    failed = opened(str(tmp_path / "none.git")).fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert failed.reason.startswith("repository not found")


def test_a_server_without_atomic_pushes_is_named(site: Site, private: GitProcess) -> None:
    git(site.hub, "config", "receive.advertiseAtomic", "false")
    reply = private.push([create("refs/o/a", tip(private))], timeout_s_max=PATIENCE_S)
    assert reply.kind == "rejected"
    assert reply.message == "the remote does not support atomic pushes"
    assert reply.hint


def test_what_a_hook_of_the_server_says_is_passed_on(site: Site, private: GitProcess) -> None:
    hooks = site.hub / "hooks"
    hooks.mkdir(exist_ok=True)
    script(hooks / "pre-receive", "echo 'main is protected here' >&2; exit 1")
    reply = private.push([create("refs/o/a", tip(private))], timeout_s_max=PATIENCE_S)
    assert reply.kind == "rejected"
    assert reply.lines == {"refs/o/a": "! [remote rejected] (pre-receive hook declined)"}
    assert "main is protected here" in reply.message


def test_an_orphan_lock_on_the_server_refuses_deletes_only(site: Site, private: GitProcess) -> None:
    assert private.push([create("refs/o/a", tip(private))], timeout_s_max=PATIENCE_S).kind == "ok"
    (site.hub / "packed-refs.lock").touch()
    delete = RefUpdate(ref="refs/o/a", expected=tip(private), new=None)
    assert private.push([delete], timeout_s_max=PATIENCE_S).kind == "rejected"
    assert private.push([create("refs/o/b", tip(private))], timeout_s_max=PATIENCE_S).kind == "ok"


# HTTP, credentials, prompts


class Guarded(http.server.BaseHTTPRequestHandler):
    """Wants a password, and then has no repository."""

    seen: list[str | None]

    def do_GET(self) -> None:
        given = self.headers.get("Authorization")
        self.seen.append(given)
        self.send_response(401 if given is None else 404)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is inherited
        """Says nothing."""


@pytest.fixture
def guarded() -> Iterator[tuple[str, list[str | None]]]:
    handler = type("Handler", (Guarded,), {"seen": []})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/x.git", handler.seen  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_remote_that_wants_a_password_is_told_of_and_nobody_is_asked(
    guarded: tuple[str, list[str | None]],
    tmp_path: Path,
    opened: Open,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = tmp_path / "asked"
    window = script(tmp_path / "askpass", f"touch '{asked}'; echo secret")
    for name in ("GIT_ASKPASS", "SSH_ASKPASS"):
        monkeypatch.setenv(name, str(window))
    failed = opened(guarded[0]).fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert failed.reason.startswith("authentication required")
    assert not asked.exists()


def test_a_credential_helper_of_the_users_repository_is_used(
    guarded: tuple[str, list[str | None]], site: Site, opened: Open
) -> None:
    url, seen = guarded
    helper = "!f() { echo username=me; echo 'password=a \"b\"'; }; f"
    git(site.repo, "config", "credential.helper", helper)
    failed = opened(url, site.repo).fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert failed.reason.startswith("repository not found")
    assert seen[-1] == "Basic " + base64.b64encode(b'me:a "b"').decode()


def test_a_password_in_the_url_is_not_repeated(
    guarded: tuple[str, list[str | None]], opened: Open
) -> None:
    url = guarded[0].replace("http://", "http://me:hunter2@")
    failed = opened(url).fetch([BRANCH], prune=True)
    assert isinstance(failed, Unreachable)
    assert "hunter2" not in f"{failed.reason} {failed.hint}"


@pytest.mark.parametrize("where", ["--global", "--local"])
def test_a_short_form_of_a_url_is_the_users_own(where: str, site: Site, opened: Open) -> None:
    key = f"url.{site.hub.parent}/.insteadOf"
    git(site.repo, "config", where, key, "here:")
    try:
        private = opened("here:hub.git", site.repo)
        assert private.fetch([BRANCH], prune=True) is None
        assert tip(private) == site.tip
    finally:
        git(site.repo, "config", where, "--unset", key)


def test_a_remote_relative_to_the_users_repository_is_found(site: Site, opened: Open) -> None:
    private = opened("../hub.git", site.repo)
    assert private.fetch([BRANCH], prune=True) is None
    assert tip(private) == site.tip


def test_the_users_ssh_command_is_kept_and_made_not_to_ask(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    given = tmp_path / "given"
    ssh = script(tmp_path / "ssh", f"echo \"$@\" > '{given}'; exit 255")
    git(site.repo, "config", "core.sshCommand", f"{ssh} -i my-key")
    git(site.repo, "config", "ssh.variant", "ssh")
    assert opened("git@host.example:x.git", site.repo).fetch([BRANCH], prune=True)
    assert given.read_text().startswith("-i my-key -oBatchMode=yes -oConnectTimeout=8 ")


def test_without_an_ssh_command_of_the_user_plain_ssh_does_not_ask(
    site: Site, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tmp_path / "given"
    (tmp_path / "bin").mkdir()
    script(tmp_path / "bin" / "ssh", f"echo \"$@\" > '{given}'; exit 255")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert opened("git@host.example:x.git", site.repo).fetch([BRANCH], prune=True)
    assert given.read_text().startswith("-oBatchMode=yes -oConnectTimeout=8 ")


def test_secret_settings_are_not_on_the_command_line(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    seen = tmp_path / "seen"
    git(site.repo, "config", "http.extraHeader", "Authorization: bearer sesame-opens")
    ssh = script(tmp_path / "ssh", f"cat /proc/[0-9]*/cmdline >> '{seen}' 2>/dev/null; exit 255")
    git(site.repo, "config", "core.sshCommand", str(ssh))
    git(site.repo, "config", "ssh.variant", "ssh")
    assert opened("git@host.example:x.git", site.repo).fetch([BRANCH], prune=True)
    assert b"--no-write-fetch-head" in seen.read_bytes()
    assert b"sesame-opens" not in seen.read_bytes()


# Sealed off from the user's machine


def test_variables_that_redirect_git_change_nothing(
    site: Site, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'remote.coordinator.url=/nowhere'")
    private = opened(str(site.hub), site.repo)
    assert private.fetch([BRANCH], prune=True) is None
    blob = private.write("blob", b"1")
    assert private.read(blob) == ("blob", b"1")
    assert private.push([create("refs/o/a", blob)], timeout_s_max=PATIENCE_S).kind == "ok"
    assert not (tmp_path / "elsewhere").exists()


def test_hooks_of_the_user_do_not_run(
    site: Site, tmp_path: Path, opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks, ran = tmp_path / "hooks", tmp_path / "ran"
    hooks.mkdir()
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        script(hooks / name, f"echo {name} >> '{ran}'")
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n\thooksPath = {hooks}\n[commit]\n\tgpgSign = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    private = opened(str(site.hub))
    assert private.fetch([BRANCH], prune=True) is None
    made = private.commit(
        tree=EMPTY_TREE, parents=[], message="m\n", author=WHO, committer=WHO, sign=False
    )
    assert private.set_refs([create("refs/local/a", made)])
    assert private.push([create("refs/o/a", made)], timeout_s_max=PATIENCE_S).kind == "ok"
    said = ran.read_text() if ran.exists() else ""
    # Only the server's side of the push, which is not ours, may have seen the user's settings.
    assert "pre-push" not in said
    assert b"gpgsig" not in private.read(made)[1]


def test_a_fetch_brings_no_tags_and_leaves_no_fetch_head(site: Site, opened: Open) -> None:
    git(site.repo, "tag", "v1")
    git(site.repo, "push", "--quiet", "origin", "v1")
    private = opened(str(site.hub))
    assert private.fetch([BRANCH], prune=True) is None
    assert set(private.refs("refs/")) == {"refs/mirror/branch"}
    assert not (private.directory / "FETCH_HEAD").exists()
    assert not (private.directory / "logs").exists()


def test_a_private_clone_of_a_shallow_checkout_is_full(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    for i in range(3):
        push_files(site, {"a": str(i)})
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{site.hub}", str(shallow))
    private = opened(git(shallow, "remote", "get-url", "origin"), shallow)
    assert private.fetch([BRANCH], prune=True) is None
    assert len(private.log(None, tip(private))) == 4
    assert not (private.directory / "shallow").exists()


def test_a_commit_is_signed_with_the_settings_of_the_users_repository(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    program = script(
        tmp_path / "sign", 'cat > /dev/null; echo "[GNUPG:] SIG_CREATED x" >&2; echo "signed by $2"'
    )
    git(site.repo, "config", "gpg.program", str(program))
    git(site.repo, "config", "user.signingKey", "key")
    private = opened(str(site.hub), site.repo)
    made = private.commit(
        tree=EMPTY_TREE, parents=[], message="m\n", author=WHO, committer=WHO, sign=True
    )
    assert b"gpgsig signed by " in private.read(made)[1]


def test_a_signature_that_fails_is_an_error_with_a_hint(
    site: Site, tmp_path: Path, opened: Open
) -> None:
    git(site.repo, "config", "gpg.program", str(script(tmp_path / "sign", "exit 2")))
    private = opened(str(site.hub), site.repo)
    with pytest.raises(RepositoryError, match="could not be signed") as raised:
        private.commit(
            tree=EMPTY_TREE, parents=[], message="m\n", author=WHO, committer=WHO, sign=True
        )
    assert "signingKey" in str(raised.value.hint)


# Objects and refs on disk


def test_names_that_are_no_text_survive(site: Site, opened: Open) -> None:
    names = [b"caf\xe9", b"new\nline", b'tab\tquote"', " spaced é".encode(), b"-dash"]
    folder = os.fsencode(site.repo)
    for name in names:
        Path(os.fsdecode(folder + b"/" + name)).write_bytes(name)
    git(site.repo, "add", "--all")
    git(site.repo, "commit", "--quiet", "--message", "odd names")
    git(site.repo, "push", "--quiet", "origin", "main")
    private = opened(str(site.hub))
    assert private.fetch([BRANCH], prune=True) is None
    (_, first), (new, _) = private.log(None, tip(private))
    assert first == "start\n"
    before = _tree(private, private.log(None, tip(private))[0][0])
    changes = private.diff(before, _tree(private, new))
    found = {os.fsencode(change.path): change.after for change in changes}
    assert set(found) == set(names)
    for name, entry in found.items():
        assert entry is not None
        assert private.read(entry.oid) == ("blob", name)
    content = private.read(_tree(private, new))[1]
    assert encode(decode(content)) == content


def test_lines_that_both_sides_changed_are_merged(private: GitProcess) -> None:
    def folder(first: str, last: str) -> Oid:
        lines = [first, *[f"line {i}" for i in range(9)], last]
        blob = private.write("blob", "\n".join(lines).encode())
        inside = private.write("tree", encode({"caf\udce9": Entry("100644", blob)}))
        return private.write("tree", encode({"d": Entry("040000", inside)}))

    base = folder("a", "b")
    assert private.merge_trees(base, folder("x", "b"), folder("a", "y")) == folder("x", "y")
    assert private.merge_trees(base, folder("x", "b"), folder("y", "b")) == ("d/caf\udce9",)


def test_a_mode_and_a_content_changed_on_two_sides_merge(private: GitProcess) -> None:
    one, two = private.write("blob", b"1\n"), private.write("blob", b"2\n")
    base, ours, theirs, wanted = (
        private.write("tree", encode({"a": entry}))
        for entry in (
            Entry("100644", one),
            Entry("100755", one),
            Entry("100644", two),
            Entry("100755", two),
        )
    )
    assert private.merge_trees(base, ours, theirs) == wanted


def test_reading_goes_on_after_the_reader_was_killed(private: GitProcess) -> None:
    blob = private.write("blob", b"1")
    private.read(blob)
    reader = private._store._reader.process
    assert reader is not None
    os.kill(reader.pid, signal.SIGKILL)
    reader.wait()
    assert private.read(blob) == ("blob", b"1")
    again = private._store._reader.process
    assert again is not None
    private.close()
    assert again.returncode is not None
    assert private.read(blob) == ("blob", b"1")


def test_a_reader_that_stands_still_is_given_up_and_another_one_asked(private: GitProcess) -> None:
    blob = private.write("blob", b"1")
    private.read(blob)
    store, reader = private._store, private._store._reader.process
    assert reader is not None

    def kill() -> None:
        until(lambda: store._reader.process is not reader)
        store._silence_s_max = PATIENCE_S
        os.kill(reader.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    store._silence_s_max = 0.1
    os.kill(reader.pid, signal.SIGSTOP)
    assert private.read(blob) == ("blob", b"1")
    killer.join()


def test_refs_are_moved_on_after_a_refusal_and_after_what_moves_them_was_killed(
    private: GitProcess,
) -> None:
    one, two = private.write("blob", b"1"), private.write("blob", b"2")
    assert private.set_refs([create("refs/local/a", one)])
    mover = private._refs._mover.process
    assert mover is not None
    assert private.set_refs([create("refs/local/b", one)])
    assert private._refs._mover.process is mover
    assert not private.set_refs([create("refs/local/a", two)])
    assert mover.returncode is not None
    assert private.set_refs([RefUpdate(ref="refs/local/a", expected=one, new=two)])
    mover = private._refs._mover.process
    assert mover is not None
    os.kill(mover.pid, signal.SIGKILL)
    mover.wait()
    assert private.set_refs([RefUpdate(ref="refs/local/b", expected=one, new=None)])
    assert private.refs("refs/local/") == {"refs/local/a": two}
    mover = private._refs._mover.process
    private.close()
    assert mover is not None
    assert mover.returncode is not None


def test_a_move_that_what_moves_refs_does_not_survive_is_an_error_and_the_next_one_works(
    private: GitProcess,
) -> None:
    blob = private.write("blob", b"1")
    assert private.set_refs([create("refs/local/a", blob)])
    refs, mover = private._refs, private._refs._mover.process
    assert mover is not None

    def kill() -> None:
        until(lambda: refs._mover.process is not mover)  # it is given up: else it has time to end
        os.kill(mover.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    refs._silence_s_max = 0.1
    os.kill(mover.pid, signal.SIGSTOP)
    many = [create(f"refs/local/b/{i}", blob) for i in range(1_000)]  # more than a pipe takes
    with pytest.raises(RepositoryError, match="git did not finish"):
        private.set_refs(many)
    killer.join()
    refs._silence_s_max = PATIENCE_S
    assert private.refs("refs/local/") == {"refs/local/a": blob}
    assert private.set_refs(many[:2])


def test_a_repository_that_was_deleted_is_not_made_anew_by_moving_its_refs(
    private: GitProcess,
) -> None:
    made = tip(private)
    assert private.set_refs([create("refs/local/a", made)])
    shutil.rmtree(private.directory)
    with pytest.raises(RepositoryError):
        private.set_refs([create("refs/local/b", made)])
    assert not private.directory.exists()


def test_a_ref_that_cannot_be_written_is_not_taken_for_one_that_moved(private: GitProcess) -> None:
    blob = private.write("blob", b"1")
    with pytest.raises(RepositoryError, match="File name too long"):
        private.set_refs([create(f"refs/local/{'a' * 255}", blob)])


def test_a_move_of_refs_sees_what_another_git_did_meanwhile(private: GitProcess) -> None:
    one, two = private.write("blob", b"1"), private.write("blob", b"2")
    assert private.set_refs([create("refs/local/a/b", one), create("refs/local/c", one)])
    for arguments in (
        ("pack-refs", "--all"),
        ("update-ref", "-d", "refs/local/a/b"),
        ("update-ref", "refs/local/c", two),
    ):
        assert private.plumbing(*arguments).code == 0
    assert private.set_refs([create("refs/local/a", one)])
    assert private.set_refs([RefUpdate(ref="refs/local/c", expected=two, new=one)])
    assert private.plumbing("update-ref", "refs/local/d/e", one).code == 0
    assert not private.set_refs([create("refs/local/d", one)])
    blob = git(private.directory, "hash-object", "-w", "--stdin", stdin=b"of another git")
    assert private.set_refs([create("refs/local/h", Oid(blob))])


def test_objects_that_came_in_a_pack_or_went_into_one_are_read(
    site: Site, private: GitProcess
) -> None:
    blob = private.write("blob", b"before")
    private.read(blob)
    push_files(site, {f"f{i}": str(i) for i in range(150)})  # enough for git to keep the pack
    assert private.fetch([BRANCH], prune=True) is None
    assert list((private.directory / "objects" / "pack").glob("*.pack"))
    assert private.read(tip(private))[0] == "commit"
    assert private.set_refs([create("refs/local/keep", blob)])
    assert private.plumbing("repack", "-a", "-d", "-q").code == 0
    assert private.read(blob) == ("blob", b"before")
    loose = private.directory / "objects" / blob[:2] / blob[2:]
    assert not loose.exists()
    assert private.write("blob", b"before") == blob
    assert not loose.exists()


def test_an_object_is_synced_before_it_has_its_name(
    private: GitProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bool] = []
    oid = Oid("3b18e512dba79e4c8300dd08aeb37f8e728b8dad")  # of "hello world\n"
    path = private.directory / "objects" / oid[:2] / oid[2:]
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(path.exists())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert private.write("blob", b"hello world\n") == oid
    assert synced == [False]
    assert path.exists()
    assert private.write("blob", b"hello world\n") == oid
    assert synced == [False]
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_full_disk_is_an_error_with_a_hint_and_leaves_nothing(
    private: GitProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        with pytest.raises(RepositoryError, match="No space left") as raised:
            private.write("blob", b"hello world\n")
    assert "disk" in str(raised.value.hint)
    assert not list((private.directory / "objects").rglob("tmp_obj_*"))
    assert private.read(private.write("blob", b"hello world\n"))[1] == b"hello world\n"


def test_packed_and_loose_refs_are_read_together(private: GitProcess) -> None:
    one, two = private.write("blob", b"1"), private.write("blob", b"2")
    assert private.set_refs([create("refs/x/a", one), create("refs/x/b/c", one)])
    assert private.plumbing("pack-refs", "--all").code == 0
    assert private.set_refs(
        [RefUpdate(ref="refs/x/a", expected=one, new=two), create("refs/x/d", two)]
    )
    assert private.refs("refs/x/") == {"refs/x/a": two, "refs/x/b/c": one, "refs/x/d": two}
    assert private.refs("refs/x/b/c") == {"refs/x/b/c": one}
    assert private.set_refs([RefUpdate(ref="refs/x/b/c", expected=one, new=None)])
    assert private.refs("refs/x/") == {"refs/x/a": two, "refs/x/d": two}


def test_a_lock_that_was_left_behind_refuses_and_is_swept(private: GitProcess) -> None:
    blob = private.write("blob", b"1")
    for name in ("refs/local/a.lock", "packed-refs.lock", "config.lock"):
        path = private.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert not private.set_refs([create("refs/local/a", blob)])
    assert sweep_locks(private.directory) == (
        "config.lock",
        "packed-refs.lock",
        "refs/local/a.lock",
    )
    assert private.set_refs([create("refs/local/a", blob)])


def test_making_the_private_clone_again_changes_nothing(site: Site, private: GitProcess) -> None:
    config = private.directory / "config"
    before = (config.read_bytes(), config.stat().st_mtime_ns, private.refs("refs/"))
    create_private_clone(private.directory, remote_url=str(site.hub))
    assert (config.read_bytes(), config.stat().st_mtime_ns, private.refs("refs/")) == before
    assert private.plumbing("config", "core.fsync").out == b"all\n"
    assert git(private.directory, "remote", "get-url", "origin") == str(site.hub)


def test_a_private_clone_that_was_half_made_is_finished(tmp_path: Path) -> None:
    (tmp_path / "half.git" / "refs").mkdir(parents=True)
    folder = create_private_clone(tmp_path / "half.git", remote_url='a "b"\\c')
    assert git(folder, "rev-parse", "--is-bare-repository") == "true"
    assert git(folder, "config", "remote.origin.url") == 'a "b"\\c'


def test_a_checkout_has_the_bytes_of_the_repository(
    site: Site, tmp_path: Path, private: GitProcess
) -> None:
    git(site.repo, "config", "core.autocrlf", "false")
    commit_files(site.repo, {"a.txt": b"$Id$\none\r\ntwo\n"})
    push_files(site, {".gitattributes": "* text eol=crlf ident\n"})
    assert private.fetch([BRANCH], prune=True) is None
    work = tmp_path / "work"
    work.mkdir()
    for arguments in (("read-tree", tip(private)), ("checkout-index", "--all", "--force")):
        finished = private.plumbing(
            *arguments,
            environment={"GIT_INDEX_FILE": str(tmp_path / "index"), "GIT_WORK_TREE": str(work)},
        )
        assert finished.code == 0, finished.said
    assert (work / "a.txt").read_bytes() == b"$Id$\none\r\ntwo\n"
    assert (work / ".gitattributes").read_bytes() == b"* text eol=crlf ident\n"


def test_threads_read_write_and_move_refs_at_once(private: GitProcess) -> None:
    faults: list[Exception] = []

    def work(number: int) -> None:
        try:
            for i in range(20):
                content = f"{number}-{i}".encode()
                blob = private.write("blob", content)
                assert private.read(blob) == ("blob", content)
            assert private.set_refs([create(f"refs/local/{number}", blob)])
        except Exception as error:  # noqa: BLE001  a thread's fault has to reach the test
            faults.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(private.refs("refs/local/")) == 4


def _tree(private: GitProcess, commit: Oid) -> Oid:
    return Oid(private.read(commit)[1][5:45].decode())


def test_paths_of_a_clash_are_repository_paths(private: GitProcess) -> None:
    def folder(text: bytes) -> Oid:
        return private.write("tree", encode({"a\nb": Entry("100644", private.write("blob", text))}))

    clash = private.merge_trees(folder(b"1\n"), folder(b"2\n"), folder(b"3\n"))
    assert clash == (RepoPath("a\nb"),)
