"""Makes the bare repository that a repository without a remote is coordinated through."""

from dataclasses import replace
from pathlib import Path

from coordinator.adapters.git_command import hermetic_environment, run, user_environment
from coordinator.adapters.repository import Checkout
from coordinator.domain.errors import RepositoryError

_SETTINGS = (
    ("receive.denyNonFastForwards", "true"),
    ("receive.advertiseAtomic", "true"),
    ("core.fsync", "all"),
    ("core.fsyncMethod", "batch"),
    ("gc.auto", "0"),
)


def make_hub(checkout: Checkout, hub: Path, *, remote: str, branch: str) -> Checkout:
    """Makes `hub` (or takes the bare one that is there), adds it as a remote and publishes the branch.

    Returns the checkout as it is then.
    """
    if not _is_bare(hub):
        _make(hub, branch=branch)
    known = checkout.remotes.get(remote)
    if known is None:
        _user(checkout, "remote", "add", remote, str(hub))
    elif Path(known.removeprefix("file://")).absolute() != hub:
        raise RepositoryError(
            f"the remote {remote} is {known} already",
            hint=f"remove it first (`git remote remove {remote}`), or init without --hub",
        )
    push = ["push", "--quiet", "--no-verify", "--no-follow-tags"]
    if not _has_upstream(checkout, branch):
        push.append("--set-upstream")
    try:
        _user(checkout, *push, remote, f"refs/heads/{branch}:refs/heads/{branch}")
    except RepositoryError:
        _require_objects(checkout, branch)
        raise
    return replace(checkout, remotes={**checkout.remotes, remote: known or str(hub)})


def _make(hub: Path, *, branch: str) -> None:
    if hub.exists() and (not hub.is_dir() or any(hub.iterdir())):
        raise RepositoryError(
            f"{hub} exists and is not a bare repository", hint="name a folder that is not there yet"
        )
    hub.parent.mkdir(parents=True, exist_ok=True)
    init = ["init", "--quiet", "--bare", "--template=", f"--initial-branch={branch}", str(hub)]
    finished = run(init, directory=hub.parent, environment=hermetic_environment())
    if finished.code != 0:
        raise RepositoryError(
            f"{hub} could not be made: {finished.last_line}", hint="check that the folder is yours"
        )
    for key, value in _SETTINGS:
        run(["config", key, value], repository=hub)


def _is_bare(hub: Path) -> bool:
    if not (hub / "HEAD").is_file() or not (hub / "objects").is_dir():
        return False
    return run(["rev-parse", "--is-bare-repository"], repository=hub).out.strip() == b"true"


def _has_upstream(checkout: Checkout, branch: str) -> bool:
    asked = run(["config", f"branch.{branch}.remote"], repository=checkout.git_dir)
    return asked.code == 0


def _require_objects(checkout: Checkout, branch: str) -> None:
    """Says of a clone that is not whole what is wrong with it: git blames the other side."""
    walk = ["rev-list", "--objects", "--no-object-names", "--missing=print"]
    listed = run([*walk, f"refs/heads/{branch}"], repository=checkout.git_dir, timeout_s_max=600.0)
    missing = [line[1:] for line in listed.out.decode().splitlines() if line.startswith("?")]
    if missing:
        raise RepositoryError(
            f"{checkout.top}: {len(missing)} objects that {branch} names are not in this clone, "
            f"such as {missing[0][:12]}",
            hint="`git fsck` lists them; clone it again, whole (without --filter)",
        )


def _user(checkout: Checkout, *arguments: str) -> None:
    finished = run(
        arguments,
        repository=checkout.git_dir,
        environment=user_environment(),
        directory=checkout.top,
        timeout_s_max=600.0,
    )
    if finished.code != 0:
        raise RepositoryError(
            f"git {arguments[0]} failed: {finished.last_line}",
            hint="the hub and your branch may have moved apart: `git fetch` and compare",
        )
