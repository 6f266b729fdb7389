"""Paths as ref names: git's own rule about `a` and `a/b` becomes the rule of overlap (rule C8)."""

import hashlib
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

from .names import RepoPath
from .tree import literal_folder

_COMPONENT_BYTES_MAX = 200
_PATH_BYTES_MAX = 2000
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")


@lru_cache(maxsize=16_384)  # the same few are asked for at every look
def claim_ref(root: str, path: RepoPath) -> str:
    """Returns the ref that claims `path`; the whole tree ('') is the claims root itself.

    Two paths that a case-insensitive or normalising file system takes for one get the same ref.
    A path over 2,000 encoded bytes is claimed at the deepest ancestor that fits.
    """
    ref = f"{root}/claims"
    used = 0
    for part in [p for p in path.split("/") if p]:
        encoded = _component(part)
        used += len(encoded) + 1
        if used > _PATH_BYTES_MAX:
            break
        ref = f"{ref}/{encoded}"
    return ref


def held_ref(root: str, brief: str) -> str:
    """Returns the ref that holds `brief` itself."""
    return f"{root}/held/{brief}"


def gate_ref(root: str, branch: str) -> str:
    """Returns the ref that holds the gate of `branch` (rule L1)."""
    return claim_ref(root, RepoPath(branch)).replace("/claims/", "/gate/", 1)


def claimed_paths(patterns: Sequence[str]) -> tuple[RepoPath, ...]:
    """Returns what to claim for the patterns of a SCOPE: literal folders, nested ones dropped (C1, C7)."""
    return without_nested([literal_folder(pattern) for pattern in patterns])


def without_nested(paths: Sequence[RepoPath]) -> tuple[RepoPath, ...]:
    """Returns `paths` without those that lie inside another one, sorted."""
    kept: dict[str, RepoPath] = {}
    for path in sorted(set(paths), key=lambda p: (len(p.split("/")) if p else 0, p)):
        ref = claim_ref("", path)
        if not any(ref == other or ref.startswith(other + "/") for other in kept):
            kept[ref] = path
    return tuple(sorted(kept.values()))


def overlap(one: str, other: str) -> bool:
    """Tells whether two claim refs exclude each other."""
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def escaped(raw: bytes) -> str:
    """Returns bytes as one component of a ref: those outside [a-z0-9_-] as %XX."""
    return "".join(chr(b) if b in _PLAIN else f"%{b:02X}" for b in raw)


@lru_cache(maxsize=16_384)
def _component(part: str) -> str:
    raw = part.encode("utf-8", "surrogateescape")
    with suppress(UnicodeDecodeError):  # bytes that are no UTF-8 stand for themselves
        raw = unicodedata.normalize("NFC", raw.decode("utf-8")).casefold().encode("utf-8")
    encoded = escaped(raw)
    if len(encoded) <= _COMPONENT_BYTES_MAX:
        return encoded
    return encoded[:100] + "%+" + hashlib.sha256(raw).hexdigest()
