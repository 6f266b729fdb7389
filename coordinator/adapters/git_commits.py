"""Commits of one repository, read and made without starting a process: the near ones, and the plain ones.

Where git would do more than put bytes together or follow parents, the answer is None and git is asked.
"""

import re
from collections.abc import Sequence

from coordinator.adapters.git import Signature
from coordinator.adapters.git_store import ObjectStore
from coordinator.domain.errors import MissingObject
from coordinator.domain.names import Oid

_LOG_MAX = 64
_ANCESTRY_MAX = 8
# Of a name that is not like this git takes some characters away, and what is no text it refuses or rewrites.
_PLAIN = re.compile(r"\w(?:[^\x00-\x1f\x7f<>]*\w)?")
_ENDS = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_NO_TEXT = re.compile(f"[\0\ud800-\udfff\ufdd0-\ufdef{_ENDS}]")


def made(
    store: ObjectStore,
    *,
    tree: Oid,
    parents: Sequence[Oid],
    message: str,
    author: Signature,
    committer: Signature,
) -> Oid | None:
    """Writes a commit, the same bytes as git; None for what git refuses or puts right."""
    parts = (author.name, author.email, committer.name, committer.email)
    said = message.encode("utf-8", "replace")
    if not all(map(_PLAIN.fullmatch, parts)) or any(map(_NO_TEXT.search, (*parts, said.decode()))):
        return None
    if min(author.timestamp, committer.timestamp) < 0 or len({*parents}) != len(parents):
        return None
    if store.kind(tree) != "tree" or any(store.kind(one) != "commit" for one in parents):
        return None
    head = "\n".join(
        [
            f"tree {tree}",
            *[f"parent {parent}" for parent in parents],
            f"author {_said(author)}",
            f"committer {_said(committer)}",
        ]
    )
    return store.write("commit", head.encode() + b"\n\n" + said)


def log(store: ObjectStore, since: Oid, tip: Oid) -> list[tuple[Oid, str]] | None:
    """Returns (commit, message) after `since`, oldest first; None when it is far, or on no straight line."""
    found: list[tuple[Oid, str]] = []
    commit = tip
    while commit != since:
        read = _read(store, commit)
        if read is None or len(found) == _LOG_MAX:
            return None
        head, message = read
        parents = _parents(head)
        if not parents or b"\nencoding " in head or b"\0" in message:
            return None
        found.append((commit, message.decode("utf-8", "replace")))
        commit = parents[0]
    return found[::-1]


def is_near(store: ObjectStore, old: Oid, new: Oid) -> bool:
    """Tells whether `old` is `new` or a few first parents away; False says nothing."""
    if _read(store, old) is None:
        return False
    commit = new
    for _ in range(_ANCESTRY_MAX):
        read = _read(store, commit)
        if read is None:
            return False
        parents = _parents(read[0])
        if old == commit or old in parents:
            return True
        if not parents:
            return False
        commit = parents[0]
    return False


def _read(store: ObjectStore, oid: Oid) -> tuple[bytes, bytes] | None:
    """Returns head and message of a commit, None when there is no such commit here."""
    try:
        kind, content = store.read(oid)
    except MissingObject:
        return None
    head, _, message = content.partition(b"\n\n")
    return (head, message) if kind == "commit" else None


def _parents(head: bytes) -> list[Oid]:
    return [Oid(line[7:].decode()) for line in head.split(b"\n") if line.startswith(b"parent ")]


def _said(who: Signature) -> str:
    return f"{who.name} <{who.email}> {who.timestamp} +0000"
