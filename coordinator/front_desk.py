"""Builds the desk and the shipper: the half of the composition root that commands need, and loads fast.

It is a module of its own beside bootstrap because `status` must not load workers, detectors and lanes.
"""

import os
import socket
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator import config
from coordinator.adapters import repository
from coordinator.adapters.clock import SystemClock
from coordinator.adapters.faults import around
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.inbox_reading import FolderDropped
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.reading import FileMemo, GitReading
from coordinator.adapters.repository import Checkout
from coordinator.config import Wiring
from coordinator.desk import Desk, Parts, Put
from coordinator.domain.errors import ConfigError, RepositoryError
from coordinator.domain.names import Epoch, Oid, RepoPath
from coordinator.domain.policy import Policy

if TYPE_CHECKING:
    from coordinator.adapters.doctor import Checked
    from coordinator.desk.shipping import Shipper
    from coordinator.ports import Claims, Inbox, Journal

_MIRROR = "refs/mirror/branch"
_MIRROR_REFS = "refs/mirror/orchestrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The repository as a command sees it: which git directory is read, at which tip."""

    checkout: Checkout
    git: GitProcess
    objects: GitObjects
    wiring: Wiring | None  # None without a remote
    private: bool
    tip: Oid | None
    text: bytes | None  # config.toml at the tip
    text_from: str


def desk(path: Path) -> Desk:
    """Returns the desk of the repository that `path` is in; needs no daemon, no init and no network."""
    seen = look(path)
    clock = SystemClock()
    policy, faults = _policy(seen.text)
    reading = GitReading(seen.git.directory, remote=_remote_name(seen))
    wiring = seen.wiring if seen.text is not None else None
    coordinated = wiring is not None and (seen.checkout.private / "HEAD").is_file()
    journal = seen.checkout.run / "journal.sqlite3"
    return Desk(
        parts=Parts(
            objects=seen.objects,
            history=reading,
            archive=reading,
            memo=FileMemo(seen.checkout.run / "memo" if seen.private else None),
            clock=clock,
            mirror=_MIRROR_REFS if seen.private else "",
            dropped=FolderDropped(wiring.inbox) if wiring else None,
            inbox=partial(_inbox, wiring, seen.checkout, clock) if wiring else None,
            claims=partial(_claims, wiring, clock) if wiring and coordinated else None,
            journal=partial(_journal, journal) if journal.exists() else None,
        ),
        policy=policy,
        policy_faults=faults,
        tip=seen.tip,
        refs_root=wiring.refs_root if wiring else "refs/orchestrator",
        daemon=repository.daemon_of(seen.checkout),
        who=seen.checkout.identity,
    )


def shipper(path: Path) -> "Shipper":
    """Returns what ships by hand. Raises RepositoryError without a private clone."""
    from coordinator.adapters.deploys import GitDeployRefs  # noqa: PLC0415  only deploys need it
    from coordinator.adapters.remote import GitRemote  # noqa: PLC0415
    from coordinator.adapters.targets import EnvironmentTargets  # noqa: PLC0415
    from coordinator.desk.shipping import Shipper  # noqa: PLC0415

    seen = look(path)
    wiring = _required(seen)
    clock = SystemClock()
    policy, faults = _policy(seen.text)
    if faults:
        raise ConfigError("; ".join(faults), hint="`coordinator config` shows what is in force")
    git = GitProcess(
        seen.checkout.private, remote_url=wiring.remote_url, user_directory=wiring.repository
    )
    return Shipper(
        objects=GitObjects(git, paths=lambda: wiring.paths),
        remote=GitRemote(
            git,
            branch=wiring.branch,
            clock=clock,
            paths=lambda: wiring.paths,
            root=wiring.refs_root,
        ),
        refs=GitDeployRefs(
            git,
            clock=clock,
            holder=f"{socket.gethostname()}:{wiring.repository}",
            root=wiring.refs_root,
        ),
        targets=EnvironmentTargets(
            git,
            repository=wiring.repository,
            scratch=wiring.run / "scratch",
            environment=dict(os.environ),
        ),
        clock=clock,
        policy=policy,
        holder=f"{socket.gethostname()}:{wiring.repository}",
    )


def settings(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Returns every setting in force, and where the text was read. Raises ConfigError."""
    seen = look(path)
    return config.effective(seen.text), seen.text_from


def examine(path: Path) -> "tuple[Checked, ...]":
    """Returns what the doctor found."""
    from coordinator.adapters import doctor  # noqa: PLC0415  only the doctor needs it

    seen = look(path)
    branch = seen.wiring.branch if seen.wiring else seen.checkout.branch or "main"
    return doctor.examine(seen.checkout, branch=branch, text=seen.text)


def drop_remote(path: Path, name: str, text: bytes) -> Put:
    """Pushes a brief as a branch inbox/<id>, so that a daemon elsewhere takes it in."""
    from coordinator.adapters.inbox_branch import push_brief  # noqa: PLC0415  only --remote needs it

    seen = look(path)
    if seen.wiring is None:
        seen.checkout.remote(_named(seen.text)[0])  # raises, and says what to do
    assert seen.wiring is not None
    assert seen.tip is not None
    put = desk(path).would_drop(name, text)
    if put.duplicate:
        return put
    branch = push_brief(
        seen.git,
        seen.objects,
        tip=seen.tip,
        folder=RepoPath(f"{seen.wiring.paths.briefs}/inbox"),
        brief=put.id,
        name=f"{name}.md",
        text=text,
        who=(seen.checkout.name, seen.checkout.email),
        clock=SystemClock(),
    )
    return replace(put, file=branch)


def look(path: Path) -> Seen:
    """Finds the repository, and the newest tip that this machine knows of."""
    checkout = repository.find(path)
    on_disk = repository.work_tree_config(checkout)
    name, branch = _named(on_disk)
    branch = branch or repository.default_branch(checkout, name)
    own = _tip_of_clone(checkout, name, branch)
    if (checkout.private / "HEAD").is_file():
        git = GitProcess(
            checkout.private,
            remote_url=checkout.remotes.get(name, ""),
            user_directory=checkout.top,
        )
        mirror = git.refs(_MIRROR).get(_MIRROR)
        if mirror is not None and not _is_newer(checkout, own, mirror):
            return _seen(checkout, git, mirror, on_disk, branch, private=True)
        git.close()
    git = GitProcess(
        checkout.git_dir, remote_url=checkout.remotes.get(name, ""), user_directory=checkout.top
    )
    return _seen(checkout, git, own, on_disk, branch, private=False)


def _seen(
    checkout: Checkout,
    git: GitProcess,
    tip: Oid | None,
    on_disk: bytes | None,
    branch: str,
    *,
    private: bool,
) -> Seen:
    objects = GitObjects(git, paths=lambda: _record_paths(text))
    text = objects.read(objects.tree_of(tip), config.CONFIG_FILE) if tip else None
    text_from = f"{config.CONFIG_FILE} at {tip[:12]}" if tip and text is not None else "defaults"
    if text is None and on_disk is not None:
        text, text_from = on_disk, f"{config.CONFIG_FILE}, not committed yet"
    return Seen(
        checkout=checkout,
        git=git,
        objects=objects,
        wiring=_wiring(checkout, text, branch),
        private=private,
        tip=tip,
        text=text,
        text_from=text_from,
    )


def _inbox(wiring: Wiring, checkout: Checkout, clock: SystemClock) -> "Inbox":
    from coordinator.adapters.inbox import FolderInbox  # noqa: PLC0415  only requests need it

    inbox: Inbox = around("inbox", FolderInbox(wiring.inbox, by=checkout.identity, clock=clock))
    return inbox


def _claims(wiring: Wiring, clock: SystemClock) -> "Claims":
    from coordinator.adapters.claims import RefClaims  # noqa: PLC0415  only claims of people need it
    from coordinator.adapters.remote import GitRemote  # noqa: PLC0415

    git = GitProcess(
        wiring.run / "repo.git", remote_url=wiring.remote_url, user_directory=wiring.repository
    )
    remote = GitRemote(
        git, branch=wiring.branch, clock=clock, paths=lambda: wiring.paths, root=wiring.refs_root
    )
    claims: Claims = around(
        "claims",
        RefClaims(
            git,
            remote,
            epoch=Epoch(clock.nonce()),
            clock=clock,
            lease_s=lambda: config.read_policy(None).lease_s,
            root=wiring.refs_root,
        ),
    )
    return claims


def _journal(file: Path) -> "Journal":
    from coordinator.adapters.journal import SqliteJournal  # noqa: PLC0415  only work under way needs it

    return SqliteJournal(file)


def _required(seen: Seen) -> Wiring:
    if seen.wiring is None:
        seen.checkout.remote("origin")  # raises, and says what to do
    if seen.wiring is None or not (seen.checkout.private / "HEAD").is_file():
        raise RepositoryError(
            f"{seen.checkout.top}: nothing is coordinated from here",
            hint="run `coordinator init` in this clone first",
        )
    return seen.wiring


def _policy(text: bytes | None) -> tuple[Policy, tuple[str, ...]]:
    """Returns the policy at the tip; a faulty one gives the defaults and what is wrong with it."""
    try:
        return config.read_policy(text), ()
    except ConfigError as error:
        return config.read_policy(None), (str(error),)


def _wiring(checkout: Checkout, text: bytes | None, branch: str) -> Wiring | None:
    name, _ = _named(text)
    if name not in checkout.remotes:
        return None
    try:
        return config.read_wiring(
            checkout.top, text, remote_url=checkout.remotes[name], branch=branch
        )
    except ConfigError:
        return config.read_wiring(
            checkout.top, None, remote_url=checkout.remotes[name], branch=branch
        )


def _named(text: bytes | None) -> tuple[str, str]:
    """Returns remote and branch as the config names them; of a faulty one, the defaults."""
    try:
        said = config.schema.parse(text).repository
    except ConfigError:
        said = config.schema.parse(None).repository
    return said.remote, said.branch


def _record_paths(text: bytes | None) -> Any:
    return _policy(text)[0].paths


def _remote_name(seen: Seen) -> str | None:
    if seen.wiring is None:
        return None
    return "origin" if seen.private else seen.wiring.remote


def _tip_of_clone(checkout: Checkout, remote: str, branch: str) -> Oid | None:
    with GitProcess(checkout.git_dir, remote_url="") as git:
        for ref in (f"refs/remotes/{remote}/{branch}", f"refs/heads/{branch}"):
            found = git.refs(ref).get(ref)
            if found is not None:
                return found
    return checkout.head


def _is_newer(checkout: Checkout, own: Oid | None, mirror: Oid) -> bool:
    """Tells whether the clone's own tip descends from what the daemon fetched last."""
    if own is None or own == mirror:
        return False
    with GitProcess(checkout.git_dir, remote_url="") as git:
        return git.is_ancestor(mirror, own)
