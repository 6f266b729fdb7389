"""Finds the sitemap a package speaks of, with the children of an index, and the site that it describes."""

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain.names import RepoPath
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.tree import matches
from coordinator.domain.worker import Tools

from . import html_pages, reading, site_urls, sitemap_xml
from .site_urls import Site
from .sitemap_xml import Location, Sitemap

HTML = (".html", ".htm")
WHICH_BASE = "What is the base URL of the site?"
_WHICH_SITEMAP = "Which sitemap is meant"
_ROBOTS_LINE = re.compile(r"(?im)^\s*sitemap:\s*(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitemaps:
    """The sitemap files of one site, with the site.

    `sets` are the files that list pages; `lost` are children of an index that are not in the tree.
    """

    root: str  # the folder that is published
    site: Site | None  # None: no base URL is known
    sets: Mapping[RepoPath, Sitemap]
    lost: tuple[tuple[RepoPath, Location], ...]


def find(package: ContextPackage, tools: Tools, every: Sequence[RepoPath]) -> Sitemaps | Output:
    """Returns the sitemaps that INPUTS, SCOPE or the tree name, or why that cannot be told."""
    chosen = _chosen(package, tools, reading.readable(package, every))
    if isinstance(chosen, Output):
        return chosen
    set_root = reading.settings(package).get("root")
    root = (
        set_root.strip("/").removeprefix(".")
        if set_root
        else posixpath.dirname(min(chosen, key=len))
    )
    files = frozenset(p[len(root) + 1 if root else 0 :] for p in every if _below(p, root))
    base = _base(package, tools, chosen, root, files)
    site = Site(files, base) if base else None
    sets: dict[RepoPath, Sitemap] = {}
    lost: list[tuple[RepoPath, Location]] = []
    for path, sitemap in chosen.items():
        if sitemap.kind == "urlset":
            sets.setdefault(path, sitemap)
            continue
        for location in sitemap.locations:
            child = _child(location.loc, site, files)
            child_path = RepoPath(posixpath.join(root, child)) if child else None
            content = tools.read(child_path) if child_path else None
            if child_path is None or content is None:
                lost.append((path, location))
                continue
            try:
                parsed = sitemap_xml.parse(content)
            except sitemap_xml.NotASitemap as fault:
                return reading.missing_data(f"{child_path} cannot be read as a sitemap: {fault}.")
            sets.setdefault(child_path, parsed)
    if site is not None:
        site = _styled(site, sets)
    return Sitemaps(root=root, site=site, sets=sets, lost=tuple(lost))


def _chosen(
    package: ContextPackage, tools: Tools, every: Sequence[RepoPath]
) -> dict[RepoPath, Sitemap] | Output:
    """Returns the sitemap (or the ones that INPUTS list together), parsed."""
    documents = [p for p in every if p.lower().endswith(".xml")]
    told = reading.answered(package, _WHICH_SITEMAP)
    by_answer = _by_answer(tools, documents, told) if told is not None else ""
    if not isinstance(by_answer, str):
        return by_answer
    given = [p for p in reading.named(package, documents) if _literal(package, p) or _called(p)]
    scoped = [
        p for p in documents if any(matches(p, i) for i in package.scope.inside) and _called(p)
    ]
    exact = [p for p in documents if p in package.scope.inside]
    for source in (given, exact, scoped, [p for p in documents if _called(p)]):
        parsed, faults = _parsed(tools, source)
        outer = _without_children(parsed)
        if len(outer) == 1 or (outer and source is given and _one_folder(outer)):
            return outer
        if outer:
            names = ", ".join(sorted(outer))
            how = by_answer or "Answer with its path."
            return reading.question(f"{_WHICH_SITEMAP}: {names}? {how}")
        if faults:
            return reading.missing_data("; ".join(faults) + ".")
    return reading.missing_data(
        "There is no sitemap: no *sitemap*.xml in the tree, none in INPUTS."
    )


def _by_answer(
    tools: Tools, documents: Sequence[RepoPath], told: str
) -> dict[RepoPath, Sitemap] | str:
    """Returns what an answer names, a path or the end of one; else why that cannot be used."""
    named: list[RepoPath] = []
    for word in (told.strip("\"'`"), *re.split(r"[\s,;\"'`]+", told)):
        path = word.removeprefix("./").strip("/")
        same = [p for p in documents if p == path] if path else []
        ends = [p for p in documents if p.endswith("/" + path)] if path else []
        named += [p for p in same or ends if p not in named]
    if not named:
        return f"The answer {told!r} names none that is there."
    parsed, faults = _parsed(tools, named)
    outer = _without_children(parsed)
    if faults or not outer:
        return f"The answer {told!r} does not settle it: {'; '.join(faults)}."
    if len(outer) > 1 and not _one_folder(outer):
        return f"The answer {told!r} names {len(outer)} in different folders."
    return outer


def _parsed(
    tools: Tools, paths: Sequence[RepoPath]
) -> tuple[dict[RepoPath, Sitemap], tuple[str, ...]]:
    parsed: dict[RepoPath, Sitemap] = {}
    faults = []
    for path in paths:
        try:
            parsed[path] = sitemap_xml.parse(tools.read(path) or b"")
        except sitemap_xml.NotASitemap as fault:
            faults.append(f"{path} cannot be read as a sitemap: {fault}")
    return parsed, tuple(faults)


def _without_children(parsed: dict[RepoPath, Sitemap]) -> dict[RepoPath, Sitemap]:
    """Returns those that no index among them names."""
    children = {
        RepoPath(path)
        for index, sitemap in parsed.items()
        if sitemap.kind == "sitemapindex"
        for location in sitemap.locations
        for path in parsed
        if path != index
        and f"/{location.loc.partition('://')[2]}".endswith("/" + path.rpartition("/")[2])
    }
    return {path: sitemap for path, sitemap in parsed.items() if path not in children}


def _called(path: str) -> bool:
    return "sitemap" in posixpath.basename(path).lower()


def _literal(package: ContextPackage, path: str) -> bool:
    return any(i.kind == "path" and i.value.removeprefix("./") == path for i in package.input_data)


def _one_folder(paths: Mapping[RepoPath, Sitemap]) -> bool:
    return len({posixpath.dirname(path) for path in paths}) == 1


def _below(path: str, root: str) -> bool:
    return not root or path.startswith(root + "/")


def _child(loc: str, site: Site | None, files: frozenset[str]) -> str | None:
    """Returns the file of a child sitemap: at its URL, or the one file with as much of its path."""
    relative = site.relative(loc) if site else None
    if relative is not None and relative in files:
        return relative
    parts = loc.partition("://")[2].split("/")[1:]
    return next((path for n in range(len(parts)) if (path := "/".join(parts[n:])) in files), None)


def _base(
    package: ContextPackage,
    tools: Tools,
    chosen: Mapping[RepoPath, Sitemap],
    root: str,
    files: frozenset[str],
) -> str | None:
    """Returns the base URL: as answered, as set by data, as the locations show it, else as the site says it."""
    told = site_urls.base_in(reading.answered(package, WHICH_BASE) or "")
    if told:
        return told
    data = reading.settings(package)
    for key in ("base", "base_url", "url"):
        if data.get(key, "").startswith(("http://", "https://")):
            return data[key].rstrip("/") + "/"
    locs: list[str] = []
    for sitemap in chosen.values():
        for location in sitemap.locations:
            child = _child(location.loc, None, files) if sitemap.kind == "sitemapindex" else None
            if child is None:
                locs.append(location.loc)
            else:
                parsed, _ = _parsed(tools, [RepoPath(posixpath.join(root, child))])
                locs += [inner.loc for s in parsed.values() for inner in s.locations] or [
                    location.loc
                ]
    return site_urls.base_of(locs, files) or _said(tools, root, files)


def _said(tools: Tools, root: str, files: frozenset[str]) -> str | None:
    """Returns the base URL by robots.txt, CNAME or a canonical link, in this order."""

    def text(name: str) -> str:
        content = tools.read(RepoPath(posixpath.join(root, name))) if name in files else None
        return (content or b"").decode("utf-8", "replace")

    for url in _ROBOTS_LINE.findall(text("robots.txt")):
        parts = url.partition("://")[2].split("/")[1:]
        at = next((n for n in range(len(parts)) if "/".join(parts[n:]) in files), None)
        if at is not None:
            return str(url[: len(url) - len("/".join(parts[at:]))])
    host = text("CNAME").strip()
    if host and "/" not in host and " " not in host:
        return f"https://{host}/"
    for page in sorted(f for f in files if f.endswith(HTML)):
        canonical = html_pages.parse(text(page)).canonical
        base = site_urls.base_from_page(canonical, page, files) if canonical else None
        if base:
            return base
    return None


def _styled(site: Site, sets: Mapping[RepoPath, Sitemap]) -> Site:
    shown = {}
    for sitemap in sets.values():
        for location in sitemap.locations:
            relative, file = site.relative(location.loc), site.file(location.loc)
            if relative is not None and file is not None:
                shown[relative] = file
    return Site(site.files, site.base, site_urls.style_of(shown))
