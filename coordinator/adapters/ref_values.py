"""What a ref of ours points at: a blob, or, under refs/heads/, a commit that says the same.

Git lets only commits stand below refs/heads/, and that is where the refs must be on a host which takes
no others (rule C1).
"""

from coordinator.domain.errors import MissingObject
from coordinator.domain.names import Oid

from .git import Git, Signature

_WHO = Signature(name="git-coordinator", email="coordinator@localhost", timestamp=0)


def store(git: Git, content: bytes, *, root: str) -> Oid:
    """Stores `content` in the form that a ref below `root` may point at."""
    if not root.startswith("refs/heads/"):
        return git.write("blob", content)
    return git.commit(
        tree=git.write("tree", b""),
        parents=(),
        message=content.decode(),
        author=_WHO,
        committer=_WHO,
        sign=False,
    )


def load(git: Git, oid: Oid) -> bytes:
    """Returns what a ref says, whichever form it has. Raises MissingObject."""
    kind, content = git.read(oid)
    if kind == "blob":
        return content
    if kind == "commit":
        return content.partition(b"\n\n")[2]
    raise MissingObject(f"{oid} is a {kind}, not something that a ref of ours says")
