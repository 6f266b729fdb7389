"""Finds the user's repository and says what it is; reads it and changes nothing.

Two plumbing calls and a look at files: GitPython's Repo says the same, but takes longer to load than all of
`status` may take. It is used where a person waits anyway.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from coordinator.adapters.git_command import Finished, run, user_environment
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Oid
from coordinator.domain.status import Holder

_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "BISECT_LOG": "bisect",
}
_QUESTIONS = (
    *("--is-bare-repository", "--absolute-git-dir", "--git-common-dir"),
    # not answered where there is no work tree, or no commit; `HEAD` alone may be a file of that name
    *("--show-toplevel", "HEAD^0"),
)
_ANSWERS_MIN = 3
_LOCAL_TO_ONE_REPOSITORY = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """The user's repository as found. `branch` is None when HEAD is detached, `head` None when unborn."""

    top: Path
    git_dir: Path  # of the repository, shared by its linked work trees
    own_git_dir: Path  # of this work tree
    branch: str | None
    head: Oid | None
    shallow: bool
    under_way: str | None  # merge, rebase, ...
    remotes: dict[str, str]  # name -> first URL
    name: str  # user.name, '' when not set
    email: str

    @property
    def run(self) -> Path:
        """Returns the run folder: everything in it may be deleted."""
        return self.top / ".orchestrator" / "run"

    @property
    def private(self) -> Path:
        """Returns the private clone that the daemon works in."""
        return self.run / "repo.git"

    @property
    def identity(self) -> str:
        """Returns "Name <email>", '' when git knows none."""
        return f"{self.name} <{self.email}>" if self.name and self.email else ""

    def remote(self, wanted: str) -> str:
        """Returns the name of the remote to use: `wanted`, or the only one there is.

        Raises RepositoryError when there is none, or when there are several and none has that name.
        """
        found = self.remote_here(wanted)
        if found is not None:
            return found
        if not self.remotes:
            raise RepositoryError(
                f"{self.top}: there is no remote to claim and land on",
                hint="`coordinator init --hub PATH` makes one on this machine, "
                "or add yours: `git remote add origin URL`",
            )
        known = ", ".join(sorted(self.remotes))
        raise RepositoryError(
            f"{self.top}: no remote is called {wanted!r} (there is: {known})",
            hint=f"`git remote add {wanted} URL`, or `git remote rename` the one it is known by here",
        )

    def remote_here(self, wanted: str) -> str | None:
        """Returns the remote that `wanted` is in this clone, None when that cannot be told.

        The name stands in a committed file, and each clone names its remotes itself: one that has
        a single remote means that one.
        """
        if wanted in self.remotes:
            return wanted
        return next(iter(self.remotes)) if len(self.remotes) == 1 else None


def forget_surroundings() -> None:
    """Drops the GIT_* variables that a hook or an alias leaves behind: they name another repository."""
    for name in _LOCAL_TO_ONE_REPOSITORY:
        os.environ.pop(name, None)


def find(path: Path) -> Checkout:
    """Returns the repository that `path` is in. Raises RepositoryError with what to do."""
    if sys.platform == "win32":
        raise RepositoryError(
            "Windows is not supported", hint="use WSL: it works there as on Linux"
        )
    if not path.is_dir():
        raise RepositoryError(f"{path}: no such folder", hint="check the path after -C")
    if "\n" in str(path.resolve()):
        raise RepositoryError(
            f"{str(path)!r}: git cannot say where this is: there is a line break in the path",
            hint="rename the folder, or clone the repository into another one",
        )
    said = _rev_parse(path, *_QUESTIONS)
    lines = said.out.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")
    if len(lines) < _ANSWERS_MIN:
        raise _not_found(path, said)
    bare, own, common, *rest = lines
    if bare == "true" or Path(own) == path.resolve():
        raise RepositoryError(
            f"{path}: this is a bare repository, where nobody can drop a brief",
            hint=f"clone it and use the clone: `git clone {path} work`",
        )
    if not rest:  # in a folder of the git directory
        raise _not_found(path, said)
    return _described(
        path,
        top=Path(rest[0]).resolve(),
        head=Oid(rest[1]) if said.code == 0 else None,
        own=Path(own),
        common=(path / common).resolve(),
    )


def require_born(checkout: Checkout) -> Oid:
    """Returns the commit that is checked out. Raises RepositoryError when there is none yet."""
    if checkout.head is None:
        raise RepositoryError(
            f"{checkout.top}: the branch {checkout.branch or 'HEAD'} has no commit yet",
            hint='make the first one: `git commit --allow-empty -m "start"`',
        )
    return checkout.head


def require_branch(checkout: Checkout) -> str:
    """Returns the branch that is checked out. Raises RepositoryError when HEAD is detached."""
    if checkout.branch is None:
        raise RepositoryError(
            f"{checkout.top}: HEAD is detached, so there is no branch to coordinate",
            hint="`git switch main` (or the branch you mean), or `coordinator init --branch NAME`",
        )
    return checkout.branch


def require_whole(checkout: Checkout) -> None:
    """Raises RepositoryError for a shallow clone, which cannot be merged on or audited."""
    if checkout.shallow:
        raise RepositoryError(
            f"{checkout.top}: this is a shallow clone: history that merges and audits need is missing",
            hint="`git fetch --unshallow`, then again",
        )


def default_branch(checkout: Checkout, remote: str) -> str:
    """Returns the remote's default branch as last seen, else what is checked out, else main."""
    try:
        said = (checkout.git_dir / "refs" / "remotes" / remote / "HEAD").read_text()
    except OSError:
        said = ""
    prefix = f"ref: refs/remotes/{remote}/"
    if said.startswith(prefix):
        return said.removeprefix(prefix).strip()
    return checkout.branch or "main"


def work_tree_config(checkout: Checkout) -> bytes | None:
    """Returns config.toml as it lies in the work tree, committed or not."""
    path = checkout.top / ".orchestrator" / "config.toml"
    return path.read_bytes() if path.is_file() else None


def commit_named(checkout: Checkout, revision: str) -> str:
    """Returns the id of what the user calls `revision` (HEAD, a branch, a tag), or `revision` itself."""
    said = _rev_parse(
        checkout.top, "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return said.out.decode().strip() if said.code == 0 else revision


def is_clean(checkout: Checkout) -> bool:
    """Tells whether nothing is changed, staged, untracked or under way; ignored files do not count."""
    if checkout.under_way:
        return False
    from git import Repo  # noqa: PLC0415  see above

    with Repo(checkout.top) as repo:
        return not repo.is_dirty(index=True, working_tree=True, untracked_files=True)


def daemon_of(checkout: Checkout) -> Holder | None:
    """Returns who runs the daemon of this repository, None when nobody does."""
    if not (checkout.run / "daemon.flock").exists():
        return None
    from coordinator.adapters.singleton import daemon_holder  # noqa: PLC0415  filelock is slow to load

    return daemon_holder(checkout.run)


def _described(path: Path, *, top: Path, head: Oid | None, own: Path, common: Path) -> Checkout:
    settings = _settings(path)
    if (kind := dict(settings).get("extensions.objectformat", "sha1").lower()) != "sha1":
        raise RepositoryError(
            f"{path}: its objects are named by {kind}, and only sha1 is supported",
            hint="use a clone of a repository with sha1 objects: `git init --object-format=sha1`",
        )
    remotes: dict[str, str] = {}
    for key, value in settings:
        if key.startswith("remote.") and key.endswith(".url"):
            remotes.setdefault(key.removeprefix("remote.").removesuffix(".url"), value)
    last = dict(settings)
    return Checkout(
        top=top,
        git_dir=common,
        own_git_dir=own.resolve(),
        branch=_branch(own),
        head=head,
        shallow=(common / "shallow").exists(),
        under_way=next((what for mark, what in _UNDER_WAY.items() if (own / mark).exists()), None),
        remotes=remotes,
        name=os.environ.get("GIT_AUTHOR_NAME") or last.get("user.name", ""),
        email=os.environ.get("GIT_AUTHOR_EMAIL") or last.get("user.email", ""),
    )


def _branch(own: Path) -> str | None:
    """Returns the branch that HEAD names, born or not; None when HEAD is detached."""
    head = (own / "HEAD").read_text("utf-8", "surrogateescape").strip()
    prefix = "ref: refs/heads/"
    return head.removeprefix(prefix) if head.startswith(prefix) else None


def _settings(path: Path) -> list[tuple[str, str]]:
    """Returns git's settings as the user has them, in the order in which the last one counts."""
    finished = run(["config", "--list", "-z"], directory=path, environment=user_environment())
    pairs = finished.out.decode("utf-8", "surrogateescape").split("\0")
    return [(key, value) for key, _, value in (pair.partition("\n") for pair in pairs) if key]


def _rev_parse(path: Path, *questions: str) -> Finished:
    return run(["rev-parse", *questions], directory=path, environment=user_environment())


def _not_found(path: Path, said: Finished) -> RepositoryError:
    if "dubious ownership" in said.said:
        return RepositoryError(
            f"{path}: the repository belongs to somebody else, so git does not trust it",
            hint=f"`git config --global --add safe.directory {path.resolve()}`, if you do",
        )
    return RepositoryError(
        f"{path}: not inside a git repository", hint="cd into one, name it with -C, or `git init`"
    )
