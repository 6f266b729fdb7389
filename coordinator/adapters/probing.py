"""Finds out what a remote lets us do, by doing it to scratch refs; a table of hosts would be a guess."""

import re
from dataclasses import dataclass
from pathlib import Path

from coordinator.adapters import ref_values
from coordinator.adapters.git_command import Finished, run, user_environment, with_settings
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.git_settings import UserSettings
from coordinator.domain.errors import UnreachableError
from coordinator.domain.names import Oid

_TIMEOUT_S = 30.0
_REFUSED = re.compile(r"^!\t[^\t]*\t(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the remote allows; None is not tried. `said` is what it answered to what it refused."""

    atomic: bool | None = None
    custom_refs: bool | None = None
    deletion: bool | None = None
    branch_push: bool | None = None
    said: tuple[str, ...] = ()

    def hints(self, branch: str) -> tuple[str, ...]:
        """Returns what to set on the host for each thing that it refuses."""
        found = []
        if self.atomic is False:
            found.append(
                "the remote has no atomic push: use a git server of version 2.4 or newer "
                "(`receive.advertiseAtomic` must not be false)"
            )
        if self.custom_refs is False:
            found.append(
                "the remote refuses refs/orchestrator/*: allow them "
                "(`receive.hideRefs`, an update or pre-receive hook, the host's rules for refs), or "
                'set `refs = "refs/heads/orchestrator"` in [repository] of .orchestrator/config.toml'
            )
        if self.deletion is False:
            found.append(
                "the remote refuses to delete refs: allow it for refs/orchestrator/* "
                "(an update or pre-receive hook, the host's rules for refs)"
            )
        if self.branch_push is False:
            found.append(
                f"the remote refuses pushes to {branch}: it is protected, or a hook declines; "
                "allow the account that the coordinator pushes with"
            )
        return tuple(found)


class Prober:
    """Tries things on one remote from the private clone, as the user."""

    def __init__(self, private: Path, *, url: str, user_directory: Path) -> None:
        self._private = private
        self._settings = UserSettings(user_directory)
        self._url = self._settings.absolute_url(url)

    def probe(self, *, root: str, nonce: str) -> Probe:
        """Returns what the remote allows below `root`, tried with what claims are there."""
        one, two = f"{root}/probe/{nonce}-a", f"{root}/probe/{nonce}-b"
        blob, other = (self._value(f"{nonce} {which}", root=root) for which in "ab")
        said: list[str] = []
        created = self._push(f"{blob}:{one}", said=said)
        custom_refs = created and self._has(one, blob)
        if not custom_refs:
            return Probe(atomic=self._offers_atomic(blob, one), custom_refs=False, said=_once(said))
        atomic = self._is_atomic(other, one, two, said=said)
        self._push(f":{one}", said=said)
        deletion = not self._has(one, blob)
        if self._has(two, other):
            self._push(f":{two}", said=said)
        return Probe(atomic=atomic, custom_refs=True, deletion=deletion, said=_once(said))

    def takes_branches(self, known: Oid, *, nonce: str) -> Probe:
        """Returns whether a scratch branch can be pushed; the real one may be protected all the same."""
        branch = f"refs/heads/orchestrator-probe-{nonce}"
        said: list[str] = []
        pushed = self._push(f"{known}:{branch}", said=said) and self._has(branch, known)
        if pushed:
            self._push(f":{branch}", said=said)
        return Probe(branch_push=pushed, said=tuple(said))

    def tip(self, branch: str) -> Oid | None:
        """Returns the tip of a branch on the remote. Raises UnreachableError."""
        finished = self._git("ls-remote", self._url, f"refs/heads/{branch}")
        if finished.code != 0:
            raise self._unreachable(finished)
        found = finished.out.decode().split()
        return Oid(found[0]) if found else None

    def _is_atomic(self, oid: Oid, one: str, two: str, *, said: list[str]) -> bool:
        """Pushes two creations of which the first must fail: an honest atomic push makes neither."""
        finished = self._git(
            *("push", "--porcelain", "--no-verify", "--atomic"),
            *(f"--force-with-lease={one}:", f"--force-with-lease={two}:"),
            *(self._url, f"{oid}:{one}", f"{oid}:{two}"),
        )
        if "does not support --atomic" in finished.said:
            said.append(finished.last_line)
            return False
        return not self._has(two, oid)

    def _offers_atomic(self, oid: Oid, ref: str) -> bool:
        """Asks without changing anything: the capability is checked before any ref is sent."""
        finished = self._git(
            *("push", "--porcelain", "--no-verify", "--atomic", "--dry-run"),
            *(self._url, f"{oid}:{ref}"),
        )
        return "does not support --atomic" not in finished.said

    def _value(self, text: str, *, root: str) -> Oid:
        with GitProcess(self._private, remote_url=self._url) as git:
            return ref_values.store(git, text.encode(), root=root)

    def _push(self, refspec: str, *, said: list[str]) -> bool:
        finished = self._git("push", "--porcelain", "--no-verify", self._url, refspec)
        if finished.code == 0:
            return True
        refusals = _REFUSED.findall(finished.out.decode("utf-8", "replace"))
        remote = re.findall(r"^remote: (.*?)\s*$", finished.said, re.MULTILINE)
        said.extend([*refusals, *remote] or [finished.last_line])
        return False

    def _has(self, ref: str, oid: Oid) -> bool:
        """What counts is what the remote shows, never what it answered to a push."""
        finished = self._git("ls-remote", self._url, ref)
        if finished.code != 0:
            raise self._unreachable(finished)
        return finished.out.decode("utf-8", "replace").startswith(oid)

    def _git(self, *arguments: str) -> Finished:
        own = user_environment({"GIT_SSH_COMMAND": self._settings.ssh_command()})
        return run(
            arguments,
            repository=self._private,
            environment=with_settings(own, self._settings.for_remote()),
            timeout_s_max=_TIMEOUT_S,
        )

    def _unreachable(self, finished: Finished) -> UnreachableError:
        if finished.code is None:
            return UnreachableError(
                f"the remote did not answer within {_TIMEOUT_S:g} s",
                hint="check the network and that the host answers",
            )
        return UnreachableError(
            f"the remote could not be read: {finished.last_line}",
            hint="check its URL (`git remote -v`) and that `git fetch` works without a password prompt",
        )


def _once(said: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said))
