"""Plants what a worker must not reach: files, a repository with a remote, secrets, a process, servers."""

import contextlib
import ctypes
import hashlib
import os
import secrets
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from coordinator.adapters.escapes.inside.calls import call, library
from coordinator.adapters.escapes.servers import Servers
from coordinator.adapters.git_command import hermetic_environment, run

ENVIRONMENT = "PLANTED_API_KEY"
_WHO = ("-c", "user.name=Planted", "-c", "user.email=planted@example.invalid")
_FILES = {
    "ssh": "home/.ssh/id_ed25519",
    "token": "home/.config/tool/token",
    "netrc": "home/.netrc",
    "journal": "repository/.orchestrator/run/journal.sqlite3",
}
_TIME_S = 1_600_000_000
_PRIVATE_KEY = 0  # an IPC key that finds nothing


def secret() -> str:
    """Returns text that is found wherever it comes out."""
    return f"canary-{secrets.token_hex(12)}"


class Planted:
    """A scene below `top`: what is where, and whether it was touched."""

    def __init__(self, top: Path, stack: ExitStack) -> None:
        self.top = top
        self.marker = f"planted-{secrets.token_hex(8)}"
        names = ("argument", "memory", "deleted", "shm", "shared", "queue", *_FILES)
        self.secrets = {name: secret() for name in names}
        self.secrets["environment"] = os.environ[ENVIRONMENT]
        self._files()
        self.servers = Servers(top, self.marker)
        stack.callback(self.servers.close)
        self.bystander = Bystander(self)
        stack.callback(self.bystander.close)
        self.shared_key = _shared_memory(self.secrets["shared"], stack)
        self.queue = f"/{self.marker}"
        _message(self.queue, self.secrets["queue"], stack)
        memory = Path("/dev/shm", self.marker)  # noqa: S108 - that is the place
        with contextlib.suppress(OSError):
            memory.write_text(self.secrets["shm"])
            stack.callback(memory.unlink, missing_ok=True)
        self._before = self._look()

    @property
    def snapshot(self) -> Path:
        """Returns the folder that stands for a checkout of the base."""
        return self.top / "snapshot"

    def touched(self) -> set[str]:
        """Returns the escapes whose traces are seen here; asked when all of them are over."""
        now = self._look()
        found = {name for name, state in now.items() if state != self._before[name]}
        return found | self.servers.heard() | self.bystander.noted()

    def _files(self) -> None:
        top = self.top
        for folder in ("outside", "home", "snapshot"):
            (top / folder).mkdir()
        (top / "snapshot" / "a.txt").write_text("a\n")
        (top / "home" / ".profile").write_text("# mine\n")
        git("init", "-q", "--bare", "-b", "main", str(top / "remote.git"))
        git("init", "-q", "-b", "main", str(top / "repository"))
        repository = top / "repository"
        (repository / "a.txt").write_text("a\n")
        git("-C", str(repository), "add", "a.txt")
        git(*_WHO, "-C", str(repository), "commit", "-qm", "planted")
        git("-C", str(repository), "remote", "add", "origin", str(top / "remote.git"))
        git("-C", str(repository), "push", "-q", "origin", "main")
        (repository / "briefs" / "inbox").mkdir(parents=True)
        for name, place in _FILES.items():
            path = top / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.secrets[name] + "\n")
            path.chmod(0o600)
        os.utime(repository / "a.txt", (_TIME_S, _TIME_S))

    def _look(self) -> dict[str, object]:
        """Returns the state of whatever an escape would change, by its name."""
        repository, remote, home = (
            self.top / "repository",
            self.top / "remote.git",
            self.top / "home",
        )
        return {
            "write-outside": _state(self.top / "outside" / "written"),
            "link-write": _state(self.top / "outside" / "written-by-link"),
            "repository-config": _state(repository / ".git" / "config"),
            "repository-hook": _state(repository / ".git" / "hooks" / "post-rewrite"),
            "repository-commit": _state(repository / ".git" / "refs" / "heads" / "main"),
            "repository-push": _state(remote / "refs" / "heads" / "pushed"),
            "repository-ref": _state(remote / "refs" / "heads" / "by-hand"),
            "inbox": _state(repository / "briefs" / "inbox" / "mine.md"),
            "coordinator-lock": _state(repository / ".orchestrator" / "run" / "daemon.lock"),
            "home-start-file": _state(home / ".profile"),
            "mode-outside": (home / ".ssh" / "id_ed25519").stat().st_mode,
            "time-outside": (repository / "a.txt").stat().st_mtime,
            "snapshot": sorted((p.name, _state(p)) for p in self.snapshot.iterdir()),
            "priority": os.getpriority(os.PRIO_PROCESS, self.bystander.pid),
            "proc-oom": _state(Path(f"/proc/{self.bystander.pid}/oom_score_adj")),
        }


class Bystander:
    """The process that stands for the daemon, seen from here."""

    def __init__(self, planted: Planted) -> None:
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", str(Path(__file__).with_name("bystander.py"))),
                *(planted.marker, planted.secrets["argument"]),
            ],
            cwd=planted.top / "home",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self.pid = self._process.pid
        told, heard = self._process.stdin, self._process.stdout
        assert told is not None
        assert heard is not None
        told.write(f"{planted.secrets['memory']}\n{planted.secrets['deleted']}\n".encode())
        self.address, self.file = (int(word) for word in heard.readline().split())
        self._noted: set[str] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def noted(self) -> set[str]:
        """Ends it once it has looked at all the signals that it got, and returns the escapes that they were."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        return self._noted

    def close(self) -> None:
        """Ends it."""
        with self._process:
            self._process.kill()
            self._reader.join()

    def _read(self) -> None:
        heard = self._process.stdout
        assert heard is not None
        while words := heard.readline().split():
            number, whose = int(words[0]), words[1]
            if number == signal.SIGUSR1:
                self._noted.add("signal-one")
            elif whose == b"ours":
                self._noted.add("signal-all")


@contextmanager
def planted(top: Path) -> Iterator[Planted]:
    """Yields a scene below `top`, and takes away what of it is elsewhere."""
    with ExitStack() as stack:
        yield Planted(top, stack)


def _state(path: Path) -> object:
    """Returns something that is another thing when the file is; a pipe there is not waited for."""
    try:
        kind = path.lstat().st_mode
        return hashlib.sha256(path.read_bytes()).hexdigest() if stat.S_ISREG(kind) else kind
    except OSError:
        return None


def git(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Runs git with no settings but those of the repository, and returns what it printed."""
    done = run(arguments, environment=hermetic_environment(environment))
    if done.code != 0:
        raise OSError(f"git {arguments[0]}: {done.last_line}")
    return done.out.decode()


def _shared_memory(content: str, stack: ExitStack) -> int:
    key = secrets.randbits(30) | 1
    try:
        number = call("shmget", key, 64, 0o1600)
    except OSError:
        return _PRIVATE_KEY
    libc = library()
    stack.callback(libc.shmctl, number, 0, None)
    libc.shmat.restype = ctypes.c_void_p
    address = libc.shmat(number, None, 0)
    ctypes.memmove(address, content.encode(), len(content))
    libc.shmdt(ctypes.c_void_p(address))
    return key


def _message(name: str, content: str, stack: ExitStack) -> None:
    libc = library()
    attributes = (ctypes.c_long * 8)(0, 2, 8_192, 0)
    try:
        queue = call(
            "mq_open", name[1:].encode(), os.O_CREAT | os.O_WRONLY, 0o600, ctypes.byref(attributes)
        )
        stack.callback(os.close, queue)
        call("mq_timedsend", queue, content.encode(), len(content), 0, None)
    except OSError:
        return
    stack.callback(libc.mq_unlink, name.encode())
