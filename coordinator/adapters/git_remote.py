"""Fetch and push: the user's own credentials and settings, no prompts, our own timeouts, named reasons."""

import re
import threading
from collections.abc import Sequence
from pathlib import Path

from coordinator.adapters.git import PushReply, RefUpdate
from coordinator.adapters.git_command import Finished, run, user_environment, with_settings
from coordinator.adapters.git_reasons import reason_of
from coordinator.adapters.git_refs import RefStore
from coordinator.adapters.git_settings import UserSettings
from coordinator.domain.errors import RepositoryError
from coordinator.domain.proof import Unreachable

FETCH_SILENCE_S_MAX = 30.0
_FETCH_S_MAX = 3600.0  # a first fetch of a large repository may take long, as long as it moves
_REMOTE = "coordinator"  # exists in our environment only, so no settings file can add a url to it
_NO_SOURCE = re.compile(r"couldn't find remote ref (\S+)")
_LOCAL_FAULT = re.compile(
    r"cannot lock ref|unable to (write|create)|No space left|Read-only file system|unpacker error"
    r"|shallow update not allowed|non-fast-forward|local refs could not be updated|Disk quota"
    r"|unable to update local ref|refusing to fetch|invalid refspec|src refspec|unpack-objects"
)
_SETTINGS = (
    ("push.followTags", "false"),
    ("push.gpgSign", "false"),
    ("push.recurseSubmodules", "no"),
    ("submodule.recurse", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.parallel", "1"),
    ("credential.interactive", "never"),
    ("core.askPass", ""),
)


class RemoteGit:
    """The remote of one bare repository."""

    def __init__(
        self,
        directory: Path,
        *,
        url: str,
        settings: UserSettings,
        refs: RefStore,
        fetch_silence_s_max: float,
    ) -> None:
        self._directory = directory
        self._url = url
        self._settings = settings
        self._refs = refs
        self._fetch_silence_s_max = fetch_silence_s_max
        self._stop = threading.Event()

    def interrupt(self) -> None:
        """Ends the fetch or push that runs, and every later one at once."""
        self._stop.set()

    def fetch(self, refspecs: Sequence[str], *, prune: bool) -> Unreachable | None:
        """Fetches; refspecs whose source is not there are dropped (pruning: with what they brought)."""
        wanted, gone = list(refspecs), []
        while wanted:
            finished = self._fetch(wanted, prune=prune)
            if finished.code == 0:
                break
            missing = _NO_SOURCE.search(finished.said)
            dropped = [one for one in wanted if missing and _source(one) == missing[1]]
            if not dropped:
                if finished.code is None and self._stop.is_set():
                    return Unreachable("interrupted: the coordinator ends", "start it again")
                return _unreachable(finished, seconds=self._fetch_silence_s_max)
            wanted = [one for one in wanted if one not in dropped]
            gone += dropped
        if prune:
            self._prune([one.rpartition(":")[2] for one in gone if ":" in one])
        return None

    def push(self, updates: Sequence[RefUpdate], *, timeout_s_max: float) -> PushReply:
        """Pushes atomically, each ref leased; the reply is a hint, the remote has to be read."""
        if not updates:
            return PushReply(kind="ok", lines={}, message="")
        leases = [f"--force-with-lease={one.ref}:{one.expected or ''}" for one in updates]
        finished = run(
            [
                *("push", "--porcelain", "--atomic", "--no-verify", "--no-follow-tags"),
                *leases,
                _REMOTE,
                *[f"{one.new or ''}:{one.ref}" for one in updates],
            ],
            repository=self._directory,
            environment=self._environment(),
            timeout_s_max=timeout_s_max,
            stop=self._stop,
        )
        if finished.code is None:
            return PushReply(
                kind="timeout",
                lines={},
                message=f"the push did not end within {timeout_s_max:g} s",
                hint="look at the remote: it may still take the push",
            )
        return _reply(finished)

    def _fetch(self, refspecs: Sequence[str], *, prune: bool) -> Finished:
        return run(
            [
                *("fetch", "--progress", "--no-tags", "--no-write-fetch-head"),
                *("--no-auto-maintenance", "--recurse-submodules=no", "--refmap="),
                "--prune" if prune else "--no-prune",
                _REMOTE,
                *refspecs,
            ],
            repository=self._directory,
            environment=self._environment(),
            timeout_s_max=_FETCH_S_MAX,
            silence_s_max=self._fetch_silence_s_max,
            stop=self._stop,
        )

    def _environment(self) -> dict[str, str]:
        own = user_environment({"GIT_SSH_COMMAND": self._settings.ssh_command()})
        remote = ((f"remote.{_REMOTE}.url", self._url),)
        return with_settings(own, [*self._settings.for_remote(), *_SETTINGS, *remote])

    def _prune(self, refs: Sequence[str]) -> None:
        for ref in refs:
            oid = self._refs.read(ref).get(ref)
            if oid:
                self._refs.move([RefUpdate(ref=ref, expected=oid, new=None)])


def _source(refspec: str) -> str:
    return refspec.removeprefix("+").partition(":")[0]


def _unreachable(finished: Finished, *, seconds: float) -> Unreachable:
    if finished.code is None:
        return Unreachable(
            f"timeout: the remote said nothing for {seconds:g} s",
            "check the network and that the host answers",
        )
    if _LOCAL_FAULT.search(finished.said):
        raise RepositoryError(
            f"what was fetched could not be stored: {finished.last_line}",
            hint="check that the disk is not full; is another git at work in the private clone?",
        )
    return reason_of(finished)


def _reply(finished: Finished) -> PushReply:
    """Returns what --porcelain said: a flag, from:to and a summary on each line, tabs between."""
    lines = {}
    for line in finished.out.decode("utf-8", "surrogateescape").splitlines():
        flag, *fields = line.split("\t")
        if len(flag) == 1 and len(fields) == 2:
            lines[fields[0].rpartition(":")[2]] = f"{flag} {fields[1]}".strip()
    if finished.code == 0:
        return PushReply(kind="ok", lines=lines, message="")
    if any(said.startswith("!") for said in lines.values()):
        return PushReply(
            kind="rejected", lines=lines, message=_remote_said(finished) or finished.last_line
        )
    if "does not support --atomic" in finished.said:
        return PushReply(
            kind="rejected",
            lines=lines,
            message="the remote does not support atomic pushes",
            hint="use a host or a git server that offers the `atomic` capability (git 2.4 or newer)",
        )
    if "invalid refspec" in finished.said or "not valid" in finished.said:
        raise RepositoryError(f"cannot push: {finished.last_line}", hint="use another name")
    why = reason_of(finished)
    return PushReply(kind="unreachable", lines=lines, message=why.reason, hint=why.hint)


def _remote_said(finished: Finished) -> str:
    """Returns what hooks and the server said: a person needs it, a program must not rely on it."""
    said = re.findall(r"^remote: (.*?)\s*$", finished.said, re.MULTILINE)
    return " ".join(line for line in said if line)[:1000]
