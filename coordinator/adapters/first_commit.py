"""The one commit that `init` makes: files that are missing, built by plumbing, pushed with a lease."""

from dataclasses import dataclass, replace

from coordinator import config
from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.git_command import without_secrets
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.starting_files import CONFIG, OURS_IN_BRIEFS, starting_files
from coordinator.domain.errors import RepositoryError, UnreachableError
from coordinator.domain.names import Oid, RecordPaths, RepoPath
from coordinator.domain.record import FORMAT_TRAILER, Record, Verb, render
from coordinator.domain.tree import Entry

_BRANCH = "refs/mirror/branch"
_PUSHES_MAX = 5
_PUSH_S_MAX = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of it: `commit` is None when nothing was missing, `pushed` False when it was refused."""

    created: tuple[str, ...]
    kept: tuple[str, ...]
    commit: Oid | None
    parent: Oid
    pushed: bool
    paths: RecordPaths
    notes: tuple[str, ...] = ()


class FirstCommit:
    """Builds and pushes the bootstrap commit, again on each tip that it meets."""

    def __init__(
        self, git: GitProcess, paths: RecordPaths, *, remote: str, branch: str, refs_root: str
    ) -> None:
        self._git = git
        self._paths = paths
        self._remote = remote
        self._branch = branch
        self._refs_root = refs_root
        self._objects = GitObjects(git, paths=lambda: self._paths)

    def push(self, tip: Oid, who: Signature) -> Pushed:
        """Returns what was pushed; `commit` None when nothing is missing."""
        said = ""
        for _ in range(_PUSHES_MAX):
            built = self._build(tip, who)
            if built.commit is None:
                return built
            update = RefUpdate(ref=f"refs/heads/{self._branch}", expected=tip, new=built.commit)
            reply = self._git.push([update], timeout_s_max=_PUSH_S_MAX)
            now = fetch_tip(self._git, self._branch, self._remote)
            if self._git.is_ancestor(built.commit, now):
                return built
            said = reply.message or "; ".join(reply.lines.values())
            if now == tip:  # nobody was faster: it is refused
                break
            tip = now
        refusal = (
            f"the remote refused the bootstrap commit: {without_secrets(said) or 'no reason given'}"
        )
        return replace(built, pushed=False, notes=(refusal,))

    def _build(self, tip: Oid, who: Signature) -> Pushed:
        tree = self._objects.tree_of(tip)
        text = self._objects.read(tree, RepoPath(CONFIG))
        self._paths = paths_of(text, self._paths)
        require_ours(self._objects, tree, self._paths)
        files = starting_files(
            self._paths, remote=self._remote, branch=self._branch, refs_root=self._refs_root
        )
        created, kept = missing_and_there(self._objects, tree, tuple(files))
        if not created:
            return Pushed(
                created=(), kept=kept, commit=None, parent=tip, pushed=True, paths=self._paths
            )
        edits: dict[RepoPath, Entry | None] = {
            RepoPath(path): Entry("100644", self._git.write("blob", files[path]))
            for path in created
        }
        said = config.schema.parse(text).commit
        named = replace(who, name=said.name or who.name, email=said.email or who.email)
        commit = self._git.commit(
            tree=self._objects.edit(tree, edits),
            parents=[tip],
            message=_message(who, created, skip_ci=said.skip_ci),
            author=named,
            committer=named,
            sign=said.sign,
        )
        return Pushed(
            created=created, kept=kept, commit=commit, parent=tip, pushed=True, paths=self._paths
        )


def fetch_tip(git: GitProcess, branch: str, remote: str) -> Oid:
    """Fetches the branch into the private clone. Raises UnreachableError or RepositoryError."""
    failed = git.fetch([f"+refs/heads/{branch}:{_BRANCH}"], prune=True)
    if failed is not None:
        raise UnreachableError(f"the remote {remote}: {failed.reason}", hint=failed.hint)
    tip = git.refs(_BRANCH).get(_BRANCH)
    if tip is None:
        raise RepositoryError(
            f"the remote {remote} has no branch {branch}",
            hint=f"publish it first: `git push -u {remote} {branch}`",
        )
    return tip


def paths_of(text: bytes | None, otherwise: RecordPaths) -> RecordPaths:
    """Returns where a committed config says the record paths are."""
    if text is None:
        return otherwise
    said = config.schema.parse(text).paths
    return RecordPaths(briefs=RepoPath(said.briefs), memory=RepoPath(said.memory))


def require_ours(objects: GitObjects, tree: Oid, paths: RecordPaths) -> None:
    """Raises RepositoryError when the folders of briefs and memory are somebody else's."""
    if objects.entry(tree, RepoPath(CONFIG)) is not None:
        return
    briefs, memory = objects.entry(tree, paths.briefs), objects.entry(tree, paths.memory)
    names = set(objects.listing(briefs.oid)) if briefs and briefs.is_tree else set()
    if briefs is not None and (not briefs.is_tree or names - OURS_IN_BRIEFS):
        raise _taken(paths.briefs, "--briefs DIR")
    if memory is not None and (not memory.is_tree or not _is_our_memory(objects, memory.oid)):
        raise _taken(paths.memory, "--memory DIR")


def _is_our_memory(objects: GitObjects, folder: Oid) -> bool:
    return not objects.listing(folder).keys().isdisjoint({"plan.md", "state.md"})


def _taken(path: RepoPath, flag: str) -> RepositoryError:
    return RepositoryError(
        f"{path}/ exists and is not the coordinator's", hint=f"name another folder: {flag}"
    )


def missing_and_there(
    objects: GitObjects, tree: Oid, paths: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Returns which of `paths` `tree` lacks, and which it has."""
    there = tuple(p for p in paths if objects.entry(tree, RepoPath(p)) is not None)
    return tuple(p for p in paths if p not in there), there


def _message(who: Signature, created: tuple[str, ...], *, skip_ci: bool) -> str:
    return render(
        Record(
            verb=Verb.ACCEPT,
            about="coordinator",
            subject="begin to coordinate this repository",
            prose="From here on briefs are taken in, worked and landed by the coordinator alone. "
            f"This adds {', '.join(created)}.",
            trailers=(
                ("Requested-By", f"{who.name} <{who.email}>"),
                ("Decided-By", f"human {who.name} <{who.email}>"),
                FORMAT_TRAILER,
            ),
            skip_ci=skip_ci,
        )
    )
