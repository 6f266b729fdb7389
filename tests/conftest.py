"""Seals every test off from the machine: own HOME, no foreign git settings, no credentials, loopback only."""

import contextlib
import gc
import os
import socket
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support import collecting

settings.register_profile(
    "house",
    # How long drawing an example takes says more of the machine than of the test.
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
    print_blob=True,
)
settings.load_profile("house")

GIT_CONFIG = """\
[user]
\tname = A Person
\temail = person@example.invalid
[init]
\tdefaultBranch = main
[advice]
\tdetachedHead = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[receive]
\tautogc = false
[core]
\tfsync = none
"""

_FOREIGN = ("GIT_", "COORDINATOR_", "ANTHROPIC_", "XDG_")
_FOREIGN_NAMES = (
    *("SSH_AUTH_SOCK", "SSH_ASKPASS", "EMAIL", "NO_COLOR"),
    "PYTHONDONTWRITEBYTECODE",  # hundreds of starts: each would compile the program anew
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


_MEMORY = Path("/dev/shm")
_COLLECTED = Path(__file__).with_name("__pycache__") / "collected"


def pytest_configure() -> None:
    """Lets temporary folders lie in memory where there is room: tests write 200,000 small files."""
    if collecting.has_room(_MEMORY):
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, None, None]:
    """Has one process read the tests first where no one has: what it compiles, all others use."""
    shared = collecting.is_one_of_several(os.environ) and not sys.dont_write_bytecode
    with collecting.one_first(_COLLECTED) if shared else contextlib.nullcontext():
        yield


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts what takes long first, so that in the end no processor waits for one test; else the order stays random."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish() -> None:
    """Has garbage collections pass over what the collected tests are: it stays until the end."""
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Gives the whole run a home, an identity and dates of its own, and takes the network away."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(GIT_CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            foreign = name.startswith(_FOREIGN) or name in _FOREIGN_NAMES
            if foreign or name.lower() in _PROXIES:
                patch.delenv(name)
        for name, value in environment(home).items():
            patch.setenv(name, value)
        patch.setattr(socket.socket, "connect", _connect, raising=False)
        patch.setattr(socket.socket, "connect_ex", _connect_ex, raising=False)
        yield


def environment(home: Path) -> dict[str, str]:
    """Returns what every test and every process that a test starts finds."""
    return {
        "HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(home / ".gitconfig"),
        "GIT_EDITOR": "false",
        "GIT_AUTHOR_DATE": "2024-01-02T03:04:05+0000",
        "GIT_COMMITTER_DATE": "2024-01-02T03:04:05+0000",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }


_real_connect = socket.socket.connect
_real_connect_ex = socket.socket.connect_ex


def _connect(self: socket.socket, address: Any) -> None:
    _only_loopback(self, address)
    _real_connect(self, address)


def _connect_ex(self: socket.socket, address: Any) -> int:
    _only_loopback(self, address)
    return _real_connect_ex(self, address)


def _only_loopback(of: socket.socket, address: Any) -> None:
    """Raises for every address that is not on this machine."""
    if of.family not in (socket.AF_INET, socket.AF_INET6):
        return
    host = str(address[0])
    if not (host.startswith("127.") or host in ("localhost", "::1", "0.0.0.0")):
        message = f"a test reached for {host}: tests use the loopback addresses only"
        raise ConnectionRefusedError(message)
