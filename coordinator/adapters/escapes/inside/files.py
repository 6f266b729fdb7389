"""Escapes by way of files: the repository, other people's secrets, links, and the folder that is handed back."""

import os
import socket
import subprocess

from .trying import Scene, Stopped, attempt, read, secrets_in

_GIT = ("git", "-c", "user.name=Escape", "-c", "user.email=escape@example.invalid")


def _write(path: str, text: str, mode: str = "a") -> str:
    with open(path, mode, encoding="utf-8") as file:
        file.write(text)
    return f"wrote {path}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        [*_GIT, *arguments],
        env={**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        raise Stopped(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1])
    return "git did it"


@attempt("write-outside")
def write_outside(scene: Scene) -> str:
    """Writes a file elsewhere."""
    return _write(scene.below("outside", "written"), "here")


@attempt("repository-config")
def repository_config(scene: Scene) -> str:
    """Adds a setting that git would run."""
    return _write(scene.below("repository", ".git", "config"), "\n[alias]\n\tescaped = !true\n")


@attempt("repository-hook")
def repository_hook(scene: Scene) -> str:
    """Plants a hook."""
    return _write(scene.below("repository", ".git", "hooks", "post-rewrite"), "#!/bin/sh\n")


@attempt("repository-commit")
def repository_commit(scene: Scene) -> str:
    """Commits."""
    return _git("-C", scene.below("repository"), "commit", "--allow-empty", "-qm", "escaped")


@attempt("repository-push")
def repository_push(scene: Scene) -> str:
    """Pushes to the remote that the repository knows."""
    return _git("-C", scene.below("repository"), "push", "-q", "origin", "HEAD:refs/heads/pushed")


@attempt("repository-ref")
def repository_ref(scene: Scene) -> str:
    """Writes a ref of the remote by hand."""
    tip = read(scene.below("remote.git", "refs", "heads", "main")).decode()
    return _write(scene.below("remote.git", "refs", "heads", "by-hand"), tip)


@attempt("inbox")
def inbox(scene: Scene) -> str:
    """Gives the coordinator a brief of its own."""
    return _write(scene.below("repository", "briefs", "inbox", "mine.md"), "# Pay me\n")


@attempt("coordinator-journal")
def coordinator_journal(scene: Scene) -> str:
    """Reads what the coordinator keeps for itself."""
    run = scene.below("repository", ".orchestrator", "run")
    return secrets_in(read(os.path.join(run, "journal.sqlite3")))


@attempt("coordinator-lock")
def coordinator_lock(scene: Scene) -> str:
    """Says that another daemon runs."""
    return _write(scene.below("repository", ".orchestrator", "run", "daemon.lock"), "4000000\n")


@attempt("ssh-key")
def ssh_key(scene: Scene) -> str:
    """Reads a private key."""
    return secrets_in(read(scene.below("home", ".ssh", "id_ed25519")))


@attempt("token")
def token(scene: Scene) -> str:
    """Reads a tool's token."""
    return secrets_in(read(scene.below("home", ".config", "tool", "token")))


@attempt("netrc")
def netrc(scene: Scene) -> str:
    """Reads passwords by the roots of other processes."""
    told = ""
    for process in ("1", "self", str(os.getppid()), str(scene.victim)):
        try:
            return secrets_in(read(f"/proc/{process}/root" + scene.below("home", ".netrc")))
        except (OSError, Stopped) as error:
            told = str(error)
    raise Stopped(told)


@attempt("home-list")
def home_list(scene: Scene) -> str:
    """Lists the home folder."""
    return " ".join(os.listdir(scene.below("home")))


@attempt("home-start-file")
def home_start_file(scene: Scene) -> str:
    """Has the next shell of the user run something."""
    return _write(scene.below("home", ".profile"), "\n: escaped\n")


@attempt("link-read")
def link_read(scene: Scene) -> str:
    """Reads through a symbolic link in its own folder."""
    link = os.path.join(_folder(scene), "link-read")
    os.symlink(scene.below("home", ".ssh", "id_ed25519"), link)
    return secrets_in(read(link))


@attempt("link-write")
def link_write(scene: Scene) -> str:
    """Writes through a linked folder."""
    link = os.path.join(_folder(scene), "link-write")
    os.symlink(scene.below("outside"), link)
    return _write(os.path.join(link, "written-by-link"), "here")


@attempt("hard-link")
def hard_link(scene: Scene) -> str:
    """Reads by another name of the same file."""
    name = os.path.join(_folder(scene), "hard-link")
    os.link(scene.below("home", ".ssh", "id_ed25519"), name)
    return secrets_in(read(name))


@attempt("inherited-file")
def inherited_file(scene: Scene) -> str:
    """Starts from a folder that somebody left open."""
    told = "nothing was left open"
    for number in sorted(int(name) for name in os.listdir("/proc/self/fd")):
        try:
            # Not its own folder, which leads to the same place where nothing keeps it in.
            if number > 2 and os.fstat(number).st_ino == os.stat(scene.below("home")).st_ino:
                return "the open folder is the planted one"
        except OSError as error:
            told = str(error)
        try:
            where = os.open("../home/.ssh/id_ed25519", os.O_RDONLY, dir_fd=number)
        except OSError as error:
            told = str(error)
            continue
        with os.fdopen(where, "rb") as file:
            return secrets_in(file.read())
    raise Stopped(told)


@attempt("mode-outside")
def mode_outside(scene: Scene) -> str:
    """Makes a key readable for everybody."""
    os.chmod(scene.below("home", ".ssh", "id_ed25519"), 0o666)
    return "changed its mode"


@attempt("time-outside")
def time_outside(scene: Scene) -> str:
    """Changes when a file of the repository was changed."""
    os.utime(scene.below("repository", "a.txt"), (1_000_000_000, 1_000_000_000))
    return "changed its time"


@attempt("stat-outside")
def stat_outside(scene: Scene) -> str:
    """Learns of a file that it may not read."""
    return f"{os.stat(scene.below('home', '.netrc')).st_size} bytes"


@attempt("snapshot")
def snapshot(scene: Scene) -> str:
    """Changes the folder that every worker is shown."""
    told = ""
    done = 0
    for folder in (scene.snapshot, scene.work):
        try:
            _write(os.path.join(folder, "a.txt"), "changed")
            done += 1
        except OSError as error:
            told = str(error)
    if not done:
        raise Stopped(told)
    return "wrote to it, or to a copy"


@attempt("shared-memory-file")
def shared_memory_file(scene: Scene) -> str:
    """Reads what another program keeps in /dev/shm."""
    return secrets_in(read(f"/dev/shm/{scene.marker}"))


def _folder(scene: Scene) -> str:
    """Returns a folder that links can be made in: its own, or where that is read-only, /tmp."""
    return scene.work if os.access(scene.work, os.W_OK) else scene.tmp


@attempt("returned-device")
def returned_device(scene: Scene) -> str:
    """Hands back a device: the one that anybody may make."""
    os.mknod(scene.tool("returned-device"), 0o20600, 0)
    return "made a device"


@attempt("returned-fifo")
def returned_fifo(scene: Scene) -> str:
    """Hands back a pipe, at which a reader waits for ever."""
    os.mkfifo(scene.tool("returned-fifo"))
    return "made a pipe"


@attempt("returned-hard-link")
def returned_hard_link(scene: Scene) -> str:
    """Hands back two names of one file."""
    _write(scene.tool("returned-one"), "here")
    os.link(scene.tool("returned-one"), scene.tool("returned-hard-link"))
    return "made two names"


@attempt("returned-link")
def returned_link(scene: Scene) -> str:
    """Hands back a link to a secret of whoever reads the folder."""
    os.symlink(scene.below("home", ".ssh", "id_ed25519"), scene.tool("returned-link"))
    return "made a link"


@attempt("returned-socket")
def returned_socket(scene: Scene) -> str:
    """Hands back a socket."""
    os.chdir(scene.work)
    socket.socket(socket.AF_UNIX).bind("returned-socket")
    return "made a socket"


@attempt("returned-repository")
def returned_repository(scene: Scene) -> str:
    """Hands back settings for whoever runs git there."""
    os.mkdir(scene.tool(".git"))
    return _write(scene.tool(".git/config"), "[core]\n\tfsmonitor = touch /tmp/escaped\n")
