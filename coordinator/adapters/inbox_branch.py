"""Drops a brief by pushing a branch inbox/<id>: the way in for those who reach the remote only."""

from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.domain.errors import RepositoryError, UnreachableError
from coordinator.domain.names import BriefId, Oid, RepoPath
from coordinator.domain.tree import Entry
from coordinator.ports import Clock

_PUSH_S_MAX = 60.0


def branch_of(brief: BriefId) -> str:
    """Returns the branch that a brief is pushed as."""
    return f"inbox/{brief}"


def push_brief(
    git: GitProcess,
    objects: GitObjects,
    *,
    tip: Oid,
    folder: RepoPath,
    brief: BriefId,
    name: str,
    text: bytes,
    who: tuple[str, str],
    clock: Clock,
) -> bool:
    """Pushes the branch, which holds the tip's tree and the brief in the inbox folder; False where it was there.

    Raises RepositoryError when git does not know who asks, or the remote refuses.
    """
    if not all(who):
        raise RepositoryError(
            "git does not know who you are, so the brief would have no author",
            hint='`git config user.name "Your Name"` and `git config user.email you@example.org`',
        )
    author = Signature(name=who[0], email=who[1], timestamp=clock.timestamp())
    entry = Entry("100644", git.write("blob", text))
    commit = git.commit(
        tree=objects.edit(objects.tree_of(tip), {RepoPath(f"{folder}/{name}"): entry}),
        parents=[tip],
        message=f"inbox: {brief}\n",
        author=author,
        committer=author,
        sign=False,
    )
    branch = branch_of(brief)
    update = RefUpdate(ref=f"refs/heads/{branch}", expected=None, new=commit)
    reply = git.push([update], timeout_s_max=_PUSH_S_MAX)
    if reply.kind in ("unreachable", "timeout"):
        raise UnreachableError(f"the brief was not pushed: {reply.message}", hint=reply.hint)
    # The lease says that the branch is there: its name holds the digest, so it is this brief.
    said = reply.lines.get(update.ref, "")
    if "stale info" in said or "up to date" in said:
        return False
    if reply.kind == "rejected":
        raise RepositoryError(
            f"the remote did not take the branch {branch}: {reply.message}",
            hint="allow pushes to inbox/* there",
        )
    return True
