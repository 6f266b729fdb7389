"""What may come in from a worker: rules over the raw difference of the resulting tree (layer L4).

The rules never look at what a worker says, only at the tree that its output makes.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from coordinator.domain.brief import Brief
from coordinator.domain.changeset import Changeset
from coordinator.domain.clean_path import folded, is_below, is_git, is_git_file, unclean
from coordinator.domain.names import RecordPaths, RepoPath
from coordinator.domain.output import RefusedEntry, Report
from coordinator.domain.policy import PROTECTED_ALWAYS, Policy
from coordinator.domain.prohibitions import broken
from coordinator.domain.resulting import Resulting, is_report
from coordinator.domain.tree import Change, matches
from coordinator.domain.verdict import Finding

FILES_MAX = 5_000
FILE_BYTES_MAX = 10_000_000
_REFUSED_MAX = 20
_CODE = re.compile(r"[a-z][a-z-]{0,30}")
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_LINE = re.compile(r"^\s*(\S+)\s+.*\bfilter=lfs\b")


def screen(
    resulting: Resulting, *, brief: Brief, whole: Brief, policy: Policy
) -> tuple[Finding, ...]:
    """Returns every rule that the resulting tree breaks; () lets it in.

    `brief` is what was asked of the worker, `whole` what a person asked for: of several tasks it is another one.
    Codes: protected, attributes, gitlink, symlink, mode, lfs, unclean-name, collision, too-many, too-large,
    out-of-scope, repository, do-not. `policy.protected` is no reason to reject: see `protected`.
    """
    if len(resulting.changes) > FILES_MAX:
        told = f"{len(resulting.changes)} paths change"
        return (_broken("too-many", f"at most {FILES_MAX} paths change", told),)
    findings: list[Finding] = []
    for change in resulting.changes:
        # The first rule that a path breaks says enough of it.
        rules = _of_path(change, resulting, brief=brief, whole=whole, paths=policy.paths)
        found = next(rules, None)
        if found is not None:
            findings.append(found)
    findings += _modes(resulting)
    findings += _repositories(resulting)
    findings += broken(resulting, brief=brief)
    return tuple(findings)


def refused(entries: Sequence[RefusedEntry]) -> tuple[Finding, ...]:
    """Returns what is wrong with entries that no tree can hold; any of them keeps a whole output out."""
    return tuple(
        _broken(
            entry.code if _CODE.fullmatch(entry.code) else "refused",
            "all that comes back can be a file of a tree",
            f"{entry.path}: {entry.why}",
        )
        for entry in entries[:_REFUSED_MAX]
    )


def protected(changeset: Changeset, policy: Policy) -> tuple[RepoPath, ...]:
    """Returns the paths that a changeset writes and that the policy lets only a human pass."""
    globs = _both_ways(policy.protected)
    return tuple(
        path
        for path in sorted(changeset.touched)
        if any(matches(name, glob) for name in {path, _folded_path(path)} for glob in globs)
    )


@lru_cache(maxsize=8)
def _both_ways(globs: tuple[str, ...]) -> frozenset[str]:
    return frozenset({*globs, *map(_folded_path, globs)})


@lru_cache(maxsize=4_096)
def _folded_path(path: str) -> str:
    """Returns a path, or a glob, as file systems see it that fold case and ignore marks."""
    return "/".join(map(folded, path.split("/")))


def _of_path(
    change: Change, resulting: Resulting, *, brief: Brief, whole: Brief, paths: RecordPaths
) -> Iterator[Finding]:
    yield from _kept_for_us(change, resulting, whole, paths)
    yield from _kind_of_entry(change, resulting)
    yield from _name(change, resulting)
    yield from _content(change, resulting)
    yield from _scope(change, resulting, brief)


def _kept_for_us(
    change: Change, resulting: Resulting, whole: Brief, paths: RecordPaths
) -> Iterator[Finding]:
    path = change.path
    if is_git(path) or any(is_below(path, kept) for kept in PROTECTED_ALWAYS):
        yield _broken("protected", "git's and the coordinator's own folders stay as they are", path)
    ours = any(is_below(path, folder) for folder in (paths.briefs, paths.memory))
    if ours and not _is_handed_over(path, resulting, whole, paths):
        yield _broken("protected", "briefs and memory are written by the coordinator alone", path)
    if is_git_file(path):
        rule = "files that tell git what to do (.gitattributes, .gitmodules) stay as they are"
        yield _broken("attributes", rule, path)


def _is_handed_over(path: RepoPath, resulting: Resulting, whole: Brief, paths: RecordPaths) -> bool:
    """Tells whether a report is a page for newcomers, and word for word what the brief itself says.

    What workers write must not get into memory, as data that a planner gives a task either: later packages
    have it.
    """
    body = resulting.body
    return (
        is_report(whole)
        and isinstance(body, Report)
        and path == whole.output_format.path
        and is_below(path, paths.handoffs)
        and path.endswith(".md")
        and any(item.kind == "data" and item.value == body.text for item in whole.inputs)
    )


def _kind_of_entry(change: Change, resulting: Resulting) -> Iterator[Finding]:
    before = change.before.mode if change.before else None
    after = change.after.mode if change.after else None
    if "160000" in (before, after):
        yield _broken("gitlink", "submodules stay as they are", change.path)
    if after == "120000":
        yield _broken("symlink", "no symbolic link is made or changed", change.path)
    if before == "120000" and (after is not None or resulting.tree.entry(change.path) is not None):
        yield _broken("symlink", "no symbolic link is replaced", change.path)


def _modes(resulting: Resulting) -> Iterator[Finding]:
    """No file becomes executable, and none ceases to be: new ones are plain, but for one that is moved."""
    moved = {
        change.before.oid
        for change in resulting.changes
        if change.before is not None and change.after is None and change.before.mode == "100755"
    }
    for change in resulting.changes:
        before, after = change.before, change.after
        if after is None or (before is None and (after.mode != "100755" or after.oid in moved)):
            continue
        was = before.mode if before is not None else "100644"
        if was != after.mode and {was, after.mode} == {"100644", "100755"}:
            told = f"{change.path}: {was} to {after.mode}" if before else f"{change.path} is new"
            yield _broken("mode", "which files are executable stays as it is", told)


def _repositories(resulting: Resulting) -> Iterator[Finding]:
    """Finds folders that git would take for a repository, whose settings it would then obey."""
    folders = {
        path[:i].rpartition("/")[0]
        for path in (change.path for change in resulting.changes if change.after is not None)
        for i in (*(n for n, char in enumerate(path) if char == "/"), len(path))
    }
    for folder in sorted(folders):
        names = {folded(name) for name in resulting.tree.names(RepoPath(folder))}
        if "head" in names and ("commondir" in names or {"objects", "refs"} <= names):
            rule = "no folder is made or changed that git takes for a repository"
            yield _broken("repository", rule, folder or "the top")


def _name(change: Change, resulting: Resulting) -> Iterator[Finding]:
    if change.before is not None or change.after is None:
        return
    why = unclean(change.path)
    if why is not None:
        rule = "new files have names that every system can check out"
        yield _broken("unclean-name", rule, f"{_shown(change.path)}: {why}")
    other = _collides(change.path, resulting)
    if other is not None:
        rule = "no two names differ in case or spelling only"
        yield _broken("collision", rule, f"{_shown(change.path)} and {_shown(other)}")


def _collides(path: RepoPath, resulting: Resulting) -> str | None:
    folder = ""
    for part in path.split("/"):
        if part not in set(resulting.base.names(RepoPath(folder))):
            key = _key(part)
            for name in resulting.tree.names(RepoPath(folder)):
                if name != part and _key(name) == key:
                    return f"{folder}/{name}".lstrip("/")
        folder = f"{folder}/{part}".lstrip("/")
    return None


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", folded(name).casefold())


def _content(change: Change, resulting: Resulting) -> Iterator[Finding]:
    before, after = resulting.bytes_of(change.before), resulting.bytes_of(change.after)
    if after is not None and len(after) > FILE_BYTES_MAX:
        told = f"{change.path}: {len(after)} bytes"
        yield _broken("too-large", f"no file is larger than {FILE_BYTES_MAX} bytes", told)
    if any(text is not None and text.startswith(_LFS_POINTER) for text in (before, after)):
        yield _broken("lfs", "Git LFS pointers stay as they are", change.path)
    elif change.after is not None and _is_lfs_path(change.path, resulting):
        yield _broken("lfs", "paths kept in Git LFS stay as they are", change.path)


def _is_lfs_path(path: RepoPath, resulting: Resulting) -> bool:
    """Tells whether a .gitattributes of the base, at the top or on the way, sends `path` to LFS."""
    folders = ["", *(path[: i + 1] for i, char in enumerate(path) if char == "/")]
    for folder in folders:
        text = resulting.bytes_of(resulting.base.entry(RepoPath(f"{folder}.gitattributes")))
        for line in (text or b"").decode("utf-8", "replace").splitlines():
            found = _LFS_LINE.match(line)
            if found and _attribute_matches(path.removeprefix(folder), found[1]):
                return True
    return False


def _attribute_matches(path: str, pattern: str) -> bool:
    """Tells whether an attribute line applies: without a slash it looks at the last name only."""
    if "/" in pattern.rstrip("/"):
        return matches(path, pattern.lstrip("/"))
    return matches(path.rpartition("/")[2], pattern)


def _scope(change: Change, resulting: Resulting, brief: Brief) -> Iterator[Finding]:
    path = change.path
    outside = next((glob for glob in brief.scope_out if matches(path, glob)), None)
    if outside is not None:
        yield _broken("out-of-scope", f"{outside} is out of SCOPE", path)
    if path == resulting.report_path:
        return
    if is_report(brief):
        only = brief.output_format.path
        rule = f"only {only} is written" if only else "a report changes no file"
        yield _broken("out-of-scope", rule, path)
    elif brief.scope_in and not any(matches(path, glob) for glob in brief.scope_in):
        yield _broken("out-of-scope", f"SCOPE is {', '.join(brief.scope_in)}", path)


def _broken(code: str, criterion: str, evidence: str) -> Finding:
    return Finding(code=code, criterion=criterion, met=False, evidence=_shown(evidence))


def _shown(path: str) -> str:
    """Returns `path` as text that can be stored and printed, whatever bytes it is made of."""
    plain = path.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in plain)
