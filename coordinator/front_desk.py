"""Builds the desk and the shipper: the half of the composition root that commands need, and loads fast.

It is a module of its own beside bootstrap because `status` must not load workers, detectors and lanes.
"""

import os
import socket
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coordinator import config
from coordinator.adapters import repository, viewpoint
from coordinator.adapters.clock import SystemClock
from coordinator.adapters.co_change import GitCoChange
from coordinator.adapters.faults import around
from coordinator.adapters.git_command import run, user_environment
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.inbox_reading import FolderDropped
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.reading import FileMemo, GitReading
from coordinator.adapters.repository import Checkout
from coordinator.adapters.viewpoint import Viewpoint
from coordinator.config import Wiring
from coordinator.desk import Desk, Parts, Put
from coordinator.domain.errors import ConfigError, RepositoryError
from coordinator.domain.names import Epoch, RepoPath

if TYPE_CHECKING:
    from coordinator.desk.shipping import Shipper
    from coordinator.domain.proof import Rewritten
    from coordinator.ports import Claims, Inbox, Journal

_MIRROR_REFS = "refs/mirror/orchestrator"

_FETCH_S_MAX = 30.0


def desk(path: Path) -> Desk:
    """Returns the desk of the repository that `path` is in; needs no daemon, no init and no network."""
    seen = viewpoint.look(path)
    clock = SystemClock()
    policy, faults = viewpoint.policy_of(seen.text, seen.worker_texts, seen.doctrine)
    reading = GitReading(seen.git.directory, remote=_remote_name(seen))
    memo = FileMemo(seen.checkout.run / "memo" if seen.private else None)
    wiring = seen.wiring if seen.text is not None else None
    coordinated = wiring is not None and (seen.checkout.private / "HEAD").is_file()
    journal = seen.checkout.run / "journal.sqlite3"
    return Desk(
        parts=Parts(
            objects=seen.objects,
            history=reading,
            archive=reading,
            memo=memo,
            past=GitCoChange(seen.git, memo),
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
        rewritten=_rewritten(seen),
        refs_root=wiring.refs_root if wiring else "refs/orchestrator",
        daemon=repository.daemon_of(seen.checkout),
        who=seen.checkout.identity,
    )


def _rewritten(seen: Viewpoint) -> "Rewritten | None":
    if seen.tip is None or seen.rewritten is None:
        return None
    from coordinator.domain.proof import Rewritten  # noqa: PLC0415  hardly ever needed

    return Rewritten(known=seen.tip, found=seen.rewritten)


def shipper(path: Path) -> "Shipper":
    """Returns what ships by hand. Raises RepositoryError without a private clone."""
    from coordinator.adapters.deploys import GitDeployRefs  # noqa: PLC0415  only deploys need it
    from coordinator.adapters.remote import GitRemote  # noqa: PLC0415
    from coordinator.adapters.targets import EnvironmentTargets  # noqa: PLC0415
    from coordinator.desk.shipping import Shipper  # noqa: PLC0415

    seen = viewpoint.look(path)
    wiring = _required(seen)
    clock = SystemClock()
    policy, faults = viewpoint.policy_of(seen.text, seen.worker_texts, seen.doctrine)
    if faults:
        raise ConfigError("; ".join(faults), hint="`coordinator config` shows what is in force")
    git = GitProcess(
        seen.checkout.private, remote_url=wiring.remote_url, user_directory=wiring.repository
    )
    holder = f"{socket.gethostname()}:{wiring.repository}"
    return Shipper(
        objects=GitObjects(git, paths=lambda: wiring.paths),
        remote=GitRemote(
            git,
            branch=wiring.branch,
            clock=clock,
            paths=lambda: wiring.paths,
            root=wiring.refs_root,
        ),
        refs=GitDeployRefs(git, clock=clock, holder=holder, root=wiring.refs_root),
        targets=EnvironmentTargets(
            git,
            repository=wiring.repository,
            scratch=wiring.run / "scratch",
            environment=dict(os.environ),
        ),
        clock=clock,
        policy=policy,
        holder=holder,
    )


def settings(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """Returns every setting in force, and where the text was read. Raises ConfigError."""
    seen = viewpoint.look(path)
    return config.effective(seen.text), seen.text_from


def drop_remote(path: Path, name: str, text: bytes) -> Put:
    """Pushes a brief as a branch inbox/<id>, so that a daemon elsewhere takes it in."""
    from coordinator.adapters.inbox_branch import branch_of, push_brief  # noqa: PLC0415  only --remote needs it

    refresh(path)  # so that what is done already is not asked for again
    seen = viewpoint.look(path)
    if seen.wiring is None:
        seen.checkout.remote(viewpoint.named(seen.text)[0])  # raises, and says what to do
    assert seen.wiring is not None
    assert seen.tip is not None
    put = desk(path).would_drop(name, text)
    if put.duplicate:
        return put
    is_new = push_brief(
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
    return replace(put, file=branch_of(put.id), duplicate=not is_new)


def refresh(path: Path) -> None:
    """Fetches where no daemon does: a plain clone that waits for what becomes of a pushed brief."""
    seen = viewpoint.look(path)
    if not seen.private and seen.wiring is not None:
        run(
            ["fetch", "--quiet", "--no-tags", seen.wiring.remote],
            directory=seen.checkout.top,
            environment=user_environment(),
            timeout_s_max=_FETCH_S_MAX,
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


def _required(seen: Viewpoint) -> Wiring:
    if seen.wiring is None:
        seen.checkout.remote(viewpoint.named(seen.text)[0])  # raises, and says what to do
    if seen.wiring is None or not (seen.checkout.private / "HEAD").is_file():
        raise RepositoryError(
            f"{seen.checkout.top}: nothing is coordinated from here",
            hint="run `coordinator init` in this clone first",
        )
    return seen.wiring


def _remote_name(seen: Viewpoint) -> str | None:
    if seen.wiring is None:
        return None
    return "origin" if seen.private else seen.wiring.remote
