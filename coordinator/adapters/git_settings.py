"""The user's own git settings, as far as they say how to reach a remote or how to sign.

Global and system settings reach git by themselves where we let them; those of the user's repository do
not, because our git works in another one, so the relevant ones are read there and handed over.
"""

import os
import re
import shlex
import time
from pathlib import Path

from coordinator.adapters.git_command import run, user_environment
from coordinator.domain.errors import RepositoryError

_FRESH_S = 10.0
_FOR_REMOTE = re.compile(
    r"(credential|http|url)\..*|core\.(sshcommand|gitproxy)|ssh\.variant", re.DOTALL
)
_FOR_SIGNING = re.compile(r"gpg\..*|user\.(signingkey|name|email)", re.DOTALL)
_NO_OPTIONS = ("plink", "putty", "tortoiseplink", "simple")


class UserSettings:
    """Reads the settings of the user's repository (none: only the global ones count)."""

    def __init__(self, user_directory: Path | None) -> None:
        self._directory = user_directory
        self._read_at = float("-inf")
        self._all: tuple[tuple[str, str, str], ...] = ()

    def for_remote(self) -> list[tuple[str, str]]:
        """Returns what the user's repository says of urls, credentials, http and ssh."""
        return self._local(_FOR_REMOTE)

    def for_signing(self) -> list[tuple[str, str]]:
        """Returns what the user's repository says of signing."""
        return self._local(_FOR_SIGNING)

    def absolute_url(self, url: str) -> str:
        """Returns `url`, made absolute when it is a path relative to the user's repository."""
        local = "://" not in url and ":" not in url.partition("/")[0]
        if not local or url.startswith("/"):
            return url
        if url.startswith("~"):
            return str(Path(url).expanduser())
        folder = self._directory or Path.cwd()
        return os.path.normpath(folder.absolute() / url)

    def ssh_command(self) -> str:
        """Returns the ssh command that never asks: the user's own with an option added, else plain ssh."""
        # git's own order: the environment, then the settings, then the older variable
        own = os.environ.get("GIT_SSH_COMMAND") or self._last("core.sshcommand")
        if not own and (program := os.environ.get("GIT_SSH")):
            own = shlex.quote(program)
        if not own:
            return "ssh -oBatchMode=yes -oConnectTimeout=8"
        variant = os.environ.get("GIT_SSH_VARIANT") or self._last("ssh.variant") or _program(own)
        if variant in _NO_OPTIONS:
            return own if variant == "simple" else f"{own} -batch"
        return f"{own} -oBatchMode=yes -oConnectTimeout=8"

    def _local(self, wanted: re.Pattern[str]) -> list[tuple[str, str]]:
        return [
            (key, value)
            for scope, key, value in self._settings()
            if scope in ("local", "worktree") and self._directory and wanted.fullmatch(key)
        ]

    def _last(self, wanted: str) -> str | None:
        usable = {"system", "global", "command"} | (
            {"local", "worktree"} if self._directory else set()
        )
        found = [v for scope, key, v in self._settings() if key == wanted and scope in usable]
        return found[-1] if found else None

    def _settings(self) -> tuple[tuple[str, str, str], ...]:
        """Reads them again at most every few seconds: a process for each push would be felt."""
        now = time.monotonic()
        if now - self._read_at > _FRESH_S:
            self._all = _read(self._directory)
            self._read_at = now
        return self._all


def _program(ssh_command: str) -> str:
    try:
        words = shlex.split(ssh_command)
    except ValueError:
        return ""
    return Path(words[0]).stem.lower() if words else ""


def _read(directory: Path | None) -> tuple[tuple[str, str, str], ...]:
    """Returns (scope, key, value) of all settings that git sees in `directory`."""
    finished = run(
        ["config", "--list", "--includes", "--show-scope", "-z"],
        environment=user_environment(),
        directory=directory or Path("/"),
    )
    if finished.code != 0:
        raise RepositoryError(
            f"the git settings of {directory or 'this user'} cannot be read: {finished.last_line}",
            hint="`git config --list` should work there",
        )
    fields = finished.out.decode("utf-8", "surrogateescape").split("\0")
    found = []
    for scope, pair in zip(fields[::2], fields[1::2], strict=False):
        key, given, value = pair.partition("\n")
        found.append((scope, key, value if given else "true"))
    return tuple(found)
