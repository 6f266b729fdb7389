"""`init`: settles remote, branch and folders, probes the remote, and makes the first commit.

The commit is built in the private clone and pushed with a lease; the user's index, branches and work tree
are left alone, except for a fast-forward when the checkout is entirely clean.
"""

import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from coordinator import config
from coordinator.adapters import repository
from coordinator.adapters.first_commit import (
    FirstCommit,
    fetch_tip,
    missing_and_there,
    paths_of,
    require_ours,
)
from coordinator.adapters.git import Signature
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_command import run, user_environment
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.hub import make_hub
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.probing import Probe, Prober
from coordinator.adapters.repository import Checkout
from coordinator.adapters.starting_files import CONFIG, starting_files
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid, RecordPaths, RepoPath

DEFAULT_ROOT = "refs/orchestrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller of `init` asked for; None is left to what is found."""

    hub: Path | None = None
    branch: str | None = None
    briefs: str | None = None
    memory: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What `init` did, or would do: paths of the bootstrap commit, and of ours that were there."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    probe: Probe
    remote: str
    branch: str
    hub: str | None = None
    commit: Oid | None = None
    notes: tuple[str, ...] = field(default=())


def preview(checkout: Checkout, wanted: Wanted) -> Begun:
    """Returns what `init` would add, judged by the commit that is checked out; changes nothing."""
    branch, remote, paths = _settled(checkout, wanted)
    head = repository.require_born(checkout)
    with GitProcess(checkout.git_dir, remote_url="", user_directory=checkout.top) as git:
        objects = GitObjects(git, paths=lambda: paths)
        tree = objects.tree_of(head)
        paths = paths_of(objects.read(tree, RepoPath(CONFIG)), paths)
        require_ours(objects, tree, paths)
        files = starting_files(paths, remote=remote, branch="", refs_root=DEFAULT_ROOT)
        created, kept = missing_and_there(objects, tree, tuple(files))
    hub = str(wanted.hub.absolute()) if wanted.hub else None
    notes = (f"would make the bare hub {hub} and add it as the remote {remote}",) if hub else ()
    return Begun(
        created=created,
        kept=kept,
        probe=Probe(),
        remote=remote,
        branch=branch,
        hub=hub,
        notes=notes,
    )


def begin(checkout: Checkout, wanted: Wanted) -> Begun:
    """Begins to coordinate a repository; a second time it finds nothing to add and says so."""
    repository.require_whole(checkout)
    branch, remote, paths = _settled(checkout, wanted)
    who = _identity(checkout)
    repository.require_born(checkout)
    if wanted.hub is not None:
        _refuse_foreign_folders(checkout, paths)
        checkout = make_hub(checkout, wanted.hub.absolute(), remote=remote, branch=branch)
    url = checkout.remotes[remote]
    private = create_private_clone(checkout.private, remote_url=url)
    _ignore_all(checkout.run)
    with GitProcess(private, remote_url=url, user_directory=checkout.top) as git:
        tip = fetch_tip(git, branch, remote)
        prober = Prober(private, url=url, user_directory=checkout.top)
        root = config.schema.parse(repository.work_tree_config(checkout)).repository.refs
        probe = prober.probe(root=root, nonce=secrets.token_hex(8))
        begun = FirstCommit(git, paths, remote=remote, branch=branch, refs_root=root).push(tip, who)
    paths = begun.paths
    _ignore_all(checkout.top / paths.briefs / "inbox")
    probe = replace(probe, branch_push=begun.pushed)
    notes = [*probe.hints(branch), *begun.notes]
    if wanted.hub is not None:
        notes.insert(0, _about_hub(checkout, remote, branch))
    if begun.commit is None:
        notes.append("nothing to add: this repository is coordinated already.")
    elif begun.pushed:
        notes.append(_follow(checkout, branch, remote, begun.parent, begun.commit))
    return Begun(
        created=begun.created if begun.pushed else (),
        kept=begun.kept,
        probe=probe,
        remote=remote,
        branch=branch,
        hub=str(wanted.hub.absolute()) if wanted.hub else None,
        commit=begun.commit,
        notes=tuple(notes),
    )


def _settled(checkout: Checkout, wanted: Wanted) -> tuple[str, str, RecordPaths]:
    """Returns branch, remote and paths: as asked for, else as a config says, else as found."""
    said = config.schema.parse(repository.work_tree_config(checkout))
    branch = wanted.branch or said.repository.branch or repository.require_branch(checkout)
    paths = RecordPaths(
        briefs=RepoPath(wanted.briefs or said.paths.briefs),
        memory=RepoPath(wanted.memory or said.paths.memory),
    )
    if wanted.hub is not None:
        return branch, _free_hub_name(checkout, wanted.hub, said.repository.remote), paths
    return branch, checkout.remote(said.repository.remote), paths


def _about_hub(checkout: Checkout, remote: str, branch: str) -> str:
    others = sorted(checkout.remotes.keys() - {remote})
    untouched = f"; {', '.join(others)} is not touched" if others else ""
    return f"{branch} is coordinated at {checkout.remotes[remote]}, the remote {remote}{untouched}."


def _free_hub_name(checkout: Checkout, hub: Path, settled: str) -> str:
    """Returns the name of the hub's remote. Raises RepositoryError where the config names another."""
    name = _hub_name(checkout, hub)
    if name != settled and repository.work_tree_config(checkout) is not None:
        raise RepositoryError(
            f"{checkout.top}: its config names the remote {settled}, and the hub would be {name}",
            hint=f'set remote = "{name}" under [repository] in .orchestrator/config.toml, commit '
            f"and push that, add the hub as {name}, or leave out --hub",
        )
    return name


def _hub_name(checkout: Checkout, hub: Path) -> str:
    for name, url in checkout.remotes.items():
        if url in (str(hub), str(hub.absolute()), f"file://{hub.absolute()}"):
            return name
    return "hub" if "origin" in checkout.remotes else "origin"


def _identity(checkout: Checkout) -> Signature:
    said = config.schema.parse(repository.work_tree_config(checkout)).commit
    name, email = said.name or checkout.name, said.email or checkout.email
    if not name or not email:
        raise RepositoryError(
            f"{checkout.top}: git does not know who you are, so nothing can be committed",
            hint='`git config user.name "Your Name"` and `git config user.email you@example.org`, '
            "or [commit] name and email in .orchestrator/config.toml",
        )
    return Signature(name=name, email=email, timestamp=int(time.time()))


def _refuse_foreign_folders(checkout: Checkout, paths: RecordPaths) -> None:
    """Checks the commit that is checked out before anything is made; the tip is checked again later."""
    head = repository.require_born(checkout)
    with GitProcess(checkout.git_dir, remote_url="", user_directory=checkout.top) as git:
        objects = GitObjects(git, paths=lambda: paths)
        tree = objects.tree_of(head)
        require_ours(objects, tree, paths_of(objects.read(tree, RepoPath(CONFIG)), paths))


def _ignore_all(folder: Path) -> None:
    """Makes a folder that git does not see: it ignores itself, so no shared .gitignore is touched."""
    folder.mkdir(parents=True, exist_ok=True)
    ignore = folder / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def _follow(checkout: Checkout, branch: str, remote: str, parent: Oid, commit: Oid) -> str:
    """Fast-forwards an entirely clean checkout; else says how to get the files."""
    pull = f"`git pull {remote} {branch}` brings the new files into this checkout."
    if checkout.branch != branch or checkout.head != parent or not repository.is_clean(checkout):
        return pull
    for arguments in (
        ["fetch", "--quiet", "--no-tags", remote, branch],
        ["merge", "--quiet", "--ff-only", "--no-overwrite-ignore", commit],
    ):
        finished = run(arguments, directory=checkout.top, environment=user_environment())
        if finished.code != 0:
            return pull
    return "this checkout was fast-forwarded to the new files."
