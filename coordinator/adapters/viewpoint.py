"""Which git directory a command reads, and at which tip: the newest that this machine knows of.

The private clone where there is one, because the daemon fetches into it; the user's own repository in a
plain clone, or when its owner fetched later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from coordinator import config
from coordinator.adapters import repository
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.repository import Checkout
from coordinator.config import Wiring
from coordinator.domain.errors import ConfigError
from coordinator.domain.names import Oid, RecordPaths
from coordinator.domain.policy import Policy
from coordinator.domain.profiles import WORKERS, worker_files

_MIRROR = "refs/mirror/branch"
_KNOWN = "refs/mirror/known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewpoint:
    """The repository as a command sees it: which git directory is read, at which tip."""

    checkout: Checkout
    git: GitProcess
    objects: GitObjects
    wiring: Wiring | None  # None without a remote
    private: bool
    tip: Oid | None
    text: bytes | None  # config.toml at the tip
    text_from: str
    worker_texts: Mapping[str, bytes] = field(
        default_factory=dict
    )  # .orchestrator/workers/ at the tip
    doctrine: bytes | None = None  # doctrine.toml at the tip
    rewritten: Oid | None = (
        None  # what the remote's branch is since it was rewritten; then not `tip`
    )


def look(path: Path) -> Viewpoint:
    """Finds the repository, and the newest tip that this machine knows of."""
    checkout = repository.find(path)
    on_disk = repository.work_tree_config(checkout)
    said, branch = named(on_disk)
    name = checkout.remote_here(said) or said
    branch = branch or repository.default_branch(checkout, name)
    own = _tip_of_clone(checkout, name, branch)
    if (checkout.private / "HEAD").is_file():
        git = GitProcess(
            checkout.private,
            remote_url=checkout.remotes.get(name, ""),
            user_directory=checkout.top,
        )
        mirror = git.refs(_MIRROR).get(_MIRROR)
        known = git.refs(_KNOWN).get(_KNOWN)
        if mirror is not None and known is not None and not git.is_ancestor(known, mirror):
            seen = _seen(checkout, git, known, on_disk, branch, private=True)
            return replace(seen, rewritten=mirror)
        if mirror is not None and not _is_newer(checkout, own, mirror):
            return _seen(checkout, git, mirror, on_disk, branch, private=True)
        git.close()
    git = GitProcess(
        checkout.git_dir, remote_url=checkout.remotes.get(name, ""), user_directory=checkout.top
    )
    return _seen(checkout, git, own, on_disk, branch, private=False)


def policy_of(
    text: bytes | None, worker_texts: Mapping[str, bytes], doctrine: bytes | None = None
) -> tuple[Policy, tuple[str, ...]]:
    """Returns the policy at the tip; a faulty one gives the defaults and what is wrong with it."""
    try:
        return config.read_policy(text, worker_texts, doctrine), ()
    except ConfigError as error:
        return config.read_policy(None), (str(error),)


def named(text: bytes | None) -> tuple[str, str]:
    """Returns remote and branch as the config names them; of a faulty one, the defaults."""
    try:
        said = config.schema.parse(text).repository
    except ConfigError:
        said = config.schema.parse(None).repository
    return said.remote, said.branch


def _seen(
    checkout: Checkout,
    git: GitProcess,
    tip: Oid | None,
    on_disk: bytes | None,
    branch: str,
    *,
    private: bool,
) -> Viewpoint:
    objects = GitObjects(git, paths=lambda: _record_paths(text))
    text = objects.read(objects.tree_of(tip), config.CONFIG_FILE) if tip else None
    text_from = f"{config.CONFIG_FILE} at {tip[:12]}" if tip and text is not None else "defaults"
    if text is None and on_disk is not None:
        text, text_from = on_disk, f"{config.CONFIG_FILE}, not committed yet"
    return Viewpoint(
        checkout=checkout,
        git=git,
        objects=objects,
        wiring=_wiring(checkout, text, branch),
        private=private,
        tip=tip,
        text=text,
        text_from=text_from,
        worker_texts=_worker_texts(objects, tip),
        doctrine=objects.read(objects.tree_of(tip), config.DOCTRINE_FILE) if tip else None,
    )


def _worker_texts(objects: GitObjects, tip: Oid | None) -> dict[str, bytes]:
    folder = objects.entry(objects.tree_of(tip), WORKERS) if tip else None
    listing = objects.listing(folder.oid) if folder is not None and folder.is_tree else {}
    return {name: objects.content(oid) for name, oid in worker_files(listing)}


def _wiring(checkout: Checkout, text: bytes | None, branch: str) -> Wiring | None:
    name = checkout.remote_here(named(text)[0])
    if name is None:
        return None
    url = checkout.remotes[name]
    try:
        return config.read_wiring(checkout.top, text, remote=name, remote_url=url, branch=branch)
    except ConfigError:
        return config.read_wiring(checkout.top, None, remote=name, remote_url=url, branch=branch)


def _record_paths(text: bytes | None) -> RecordPaths:
    """Returns where the records are, by the text alone: what else makes a policy is not read yet."""
    try:
        return config.paths_of(text)
    except ConfigError:
        return RecordPaths()


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
