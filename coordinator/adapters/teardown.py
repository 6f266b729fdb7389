"""`deinit`: takes away what only the coordinator needs; history stays."""

import shutil
from pathlib import Path

from coordinator import config
from coordinator.adapters import repository
from coordinator.adapters.git import RefUpdate
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.repository import Checkout
from coordinator.domain.errors import BusyError, RepositoryError, UnreachableError

_PUSH_S_MAX = 60.0


def preview(checkout: Checkout, *, force: bool) -> tuple[str, ...]:
    """Returns what `end` would remove here, and raises what it would; the remote is not asked."""
    said = config.schema.parse(repository.work_tree_config(checkout))
    inbox = checkout.top / said.paths.briefs / "inbox"
    briefs = _left(checkout, inbox, force=force)
    found = [path for path in (checkout.run, *(() if briefs else (inbox,))) if path.is_dir()]
    return (f"{said.repository.refs}/* on {said.repository.remote}", *map(str, found))


def end(checkout: Checkout, *, force: bool) -> tuple[str, ...]:
    """Stops coordinating: deletes our refs, the run folder and an empty inbox; history stays.

    Raises BusyError while a daemon runs, RepositoryError for an inbox with briefs unless `force`.
    """
    said = config.schema.parse(repository.work_tree_config(checkout))
    inbox = checkout.top / said.paths.briefs / "inbox"
    briefs = _left(checkout, inbox, force=force)
    removed: list[str] = []
    if said.repository.remote in checkout.remotes:
        removed += _delete_refs(checkout, said.repository.remote, said.repository.refs)
    if checkout.run.is_dir():
        shutil.rmtree(checkout.run)
        removed.append(str(checkout.run.relative_to(checkout.top)))
    if inbox.is_dir() and not briefs:
        shutil.rmtree(inbox)
        removed.append(str(inbox.relative_to(checkout.top)))
    return tuple(removed)


def _left(checkout: Checkout, inbox: Path, *, force: bool) -> list[str]:
    """Returns the briefs that nobody took in; they stay, and so does the inbox. Raises as `end` says."""
    holder = repository.daemon_of(checkout)
    if holder is not None:
        raise BusyError(
            f"a daemon works here: process {holder.pid} on {holder.host}", hint="stop it first"
        )
    briefs = (
        [p.name for p in inbox.iterdir() if not p.name.startswith(".")] if inbox.is_dir() else []
    )
    if briefs and not force:
        raise RepositoryError(
            f"{inbox} holds briefs that nobody took in: {', '.join(sorted(briefs)[:5])}",
            hint="move them away, or use --force to leave them where they are",
        )
    return briefs


def _delete_refs(checkout: Checkout, remote: str, root: str) -> list[str]:
    """Deletes what is below our root on the remote, each ref leased at what was read."""
    private = create_private_clone(checkout.private, remote_url=checkout.remotes[remote])
    url = checkout.remotes[remote]
    with GitProcess(private, remote_url=url, user_directory=checkout.top) as git:
        failed = git.fetch([f"+{root}/*:refs/mirror/ending/*"], prune=True)
        if failed is not None:
            raise UnreachableError(f"the remote {remote}: {failed.reason}", hint=failed.hint)
        there = {
            root + ref.removeprefix("refs/mirror/ending"): oid
            for ref, oid in git.refs("refs/mirror/ending/").items()
        }
        updates = [RefUpdate(ref=ref, expected=oid, new=None) for ref, oid in there.items()]
        if updates and git.push(updates, timeout_s_max=_PUSH_S_MAX).kind != "ok":
            raise RepositoryError(
                f"the remote {remote} did not let {len(updates)} refs below {root} go",
                hint="allow deletions there, or delete them by hand",
            )
    return sorted(there)
