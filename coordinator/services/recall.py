"""Reads what is remembered at a commit, says what is still so, and picks what a package needs to know."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote, urlsplit

from coordinator.domain import choosing, link_criterion, memory_choice, memory_md
from coordinator.domain.brief import Brief
from coordinator.domain.clean_path import unclean
from coordinator.domain.errors import MissingObject
from coordinator.domain.memory_choice import About, Aged
from coordinator.domain.memory_md import KeptEntry, MemoryEntry, MemoryFile
from coordinator.domain.names import BriefId, Oid, ProfileName, RecordPaths, RepoPath
from coordinator.domain.package import PackageInput
from coordinator.domain.policy import Policy
from coordinator.domain.tree import Entry, literal_folder, matches
from coordinator.ports import Objects

LINKING_FILES_MAX = 50
LINKING_BYTES_MAX = 200_000
LINKS_MAX = 1_000


def files(
    tree: Oid, paths: RecordPaths, *, objects: Objects
) -> tuple[tuple[RepoPath, MemoryFile], ...]:
    """Returns decisions.md, lessons.md and the handoffs of a tree, as read."""
    names = [paths.decisions_file, paths.lessons_file]
    names += [path for path, _ in objects.walk(tree, paths.handoffs) if path.endswith(".md")]
    found = ((name, objects.read(tree, name)) for name in names)
    return tuple(
        (name, memory_md.parse(content.decode("utf-8", "surrogateescape")))
        for name, content in found
        if content is not None
    )


def kept(tree: Oid, paths: RecordPaths, *, objects: Objects) -> tuple[KeptEntry, ...]:
    """Returns every entry of a tree, in the order of the files."""
    return tuple(
        KeptEntry(file=name, entry=entry)
        for name, file in files(tree, paths, objects=objects)
        for entry in file.entries
    )


def age(
    one: KeptEntry,
    *,
    tree: Oid,
    gone: Mapping[str, str],
    landings: Mapping[BriefId, Oid],
    objects: Objects,
) -> Aged:
    """Returns whether what an entry rests on is still as it was.

    What its own brief landed is no change of it: it is looked at from that landing on. `gone` are the ids
    that another entry stands in for.
    """
    entry = one.entry
    if entry.id in gone:
        return Aged("superseded", f"{gone[entry.id]} stands in its place")
    since = since_of(entry, landings)
    try:
        before = objects.tree_of(since)
    except MissingObject:
        return Aged("dangling", f"{since} is not in this repository")
    for path in entry.paths:
        then, now = (_there(path, where, objects=objects) for where in (before, tree))
        if not then and not now:
            return Aged("dangling", f"{path} is not there, and was not at {since[:12]}")
        if then != now:
            what = "changed" if now else "is gone"
            return Aged("stale", f"{path} {what} since {since[:12]}")
    return Aged("fresh")


def excerpts(
    brief: Brief,
    profile: ProfileName,
    *,
    inputs: Sequence[PackageInput],
    tree: Oid,
    policy: Policy,
    landings: Mapping[BriefId, Oid],
    objects: Objects,
) -> tuple[str, ...]:
    """Returns what of the memory of `tree` goes into the package of a brief, as text."""
    if not policy.memory_tokens_max:
        return ()
    entries = kept(tree, policy.paths, objects=objects)
    if not entries:
        return ()
    gone = memory_choice.superseded(entries)
    named = [i.value for i in inputs if i.kind in ("path", "glob")]
    written = [brief.output_format.path] if brief.output_format.path else []
    kind = choosing.wanted(brief, policy)
    about = About(
        paths=tuple(dict.fromkeys([*brief.scope_in, *named, *written])),
        linked=tuple(_linked(inputs, tree, objects=objects)),
        text=f"{brief.task} {brief.output_format.text}",
        kinds=frozenset({str(profile), *([kind] if kind else [])}),
    )
    return memory_choice.chosen(
        entries,
        about,
        age=lambda one: age(one, tree=tree, gone=gone, landings=landings, objects=objects),
        tokens_max=policy.memory_tokens_max,
    )


def since_of(entry: MemoryEntry, landings: Mapping[BriefId, Oid]) -> Oid:
    """Returns from which commit on a change of its paths counts."""
    return landings.get(entry.brief, entry.commit) if entry.brief else entry.commit


def is_there(path: str, tree: Oid, *, objects: Objects) -> bool:
    """Tells whether a path, a folder or a glob names anything in a tree."""
    return bool(_there(RepoPath(path), tree, objects=objects))


def _there(path: RepoPath, tree: Oid, *, objects: Objects) -> list[tuple[RepoPath, Entry]]:
    """Returns what a path, a folder or a glob means in a tree; a folder is one entry."""
    folder = literal_folder(path)
    found = objects.entry(tree, folder)
    if found is None:
        return []
    if not any(char in path for char in "*?["):
        return [(folder, found)]
    return [(name, entry) for name, entry in objects.walk(tree, folder) if matches(name, path)]


def _linked(inputs: Sequence[PackageInput], tree: Oid, *, objects: Objects) -> Iterator[RepoPath]:
    """Yields the files that Markdown and HTML among the inputs link to, as far as they are here."""
    read = [path for one in inputs for path in one.paths if _may_link(path)]
    seen: set[str] = set()
    for path in read[:LINKING_FILES_MAX]:
        content = objects.read(tree, RepoPath(path)) or b""
        for target in link_criterion.targets(path, content[:LINKING_BYTES_MAX])[:LINKS_MAX]:
            linked = _resolved(path, target)
            if linked and linked not in seen:
                seen.add(linked)
                yield RepoPath(linked)


def _may_link(path: str) -> bool:
    return path.lower().endswith(link_criterion.MARKDOWN + link_criterion.HTML)


def _resolved(path: str, target: str) -> str | None:
    """Returns the path that a link leads to, None where it leaves the repository."""
    try:
        parts = urlsplit(target.strip("<>"))
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path:
        return None
    wanted = unquote(parts.path)
    folder = "" if wanted.startswith("/") else posixpath.dirname(path)
    joined = posixpath.normpath(posixpath.join(folder, wanted.lstrip("/")))
    return None if joined == "." or unclean(joined) else joined
