"""Finds HTML pages that a sitemap misses and entries that lead nowhere; reports them or edits the sitemap."""

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from coordinator.domain.names import RepoPath
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools

from . import answer, html_pages, reading, sitemap_files, sitemap_xml
from .sitemap_files import HTML, Sitemaps
from .sitemap_xml import Location

_VERIFICATION = re.compile(r"google[0-9a-f]{16}\.html\Z")
_SAYS_MISSING = re.compile(
    r"\b(missing|miss(?:es)?|lack(?:s|ing)?|absent|add(?:ed)?|unlisted|not (?:in|listed)|omitted)\b"
)
_SAYS_DEAD = re.compile(
    r"\b(dead|stale|broken|remove|gone|404|obsolete|outdated|deleted|nowhere|no longer|not exist)\b"
)
_FORBIDS_REMOVAL = re.compile(r"\b(remov(?:e|ing)|delet(?:e|ing)|drop(?:ping)?)\b")
_ALIASES = {
    "loc": "url",
    "link": "url",
    "file": "page",
    "path": "page",
    "status": "kind",
    "problem": "kind",
    "reason": "kind",
    "type": "kind",
}


@dataclass(frozen=True, slots=True)
class _Missing:
    page: RepoPath
    url: str
    sitemap: RepoPath


@dataclass(frozen=True, slots=True)
class _Dead:
    location: Location
    sitemap: RepoPath


class Sitemap:
    """Audits a sitemap.xml against the pages beside it."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns what is missing and dead, or the sitemap with that put right."""
        every = tuple(tools.paths())
        wanted = package.constraints.output_format
        found = sitemap_files.find(package, tools, every)
        if isinstance(found, Output):
            return found
        for_missing, for_dead = _asked(package)
        if found.site is None and wanted.kind == "changes":
            told = reading.answered(package, sitemap_files.WHICH_BASE)
            why = "The sitemap has no entry to tell it by."
            if told is not None:
                why = f"The answer {told!r} holds no URL that begins with http:// or https://."
            return reading.question(f"{sitemap_files.WHICH_BASE} {why}")
        missing = _missing(package, tools, found, every) if for_missing else []
        dead = _dead(found) if for_dead else []
        if wanted.kind == "changes":
            return _edited(package, tools, found, missing, dead)
        lost = [_Dead(location, path) for path, location in found.lost] if for_dead else []
        return answer.report(_findings(missing, [*dead, *lost]), wanted)


def _asked(package: ContextPackage) -> tuple[bool, bool]:
    """Tells whether missing pages and dead entries are asked for: what TASK names, else both."""
    task = package.description.lower()
    missing, dead = bool(_SAYS_MISSING.search(task)), bool(_SAYS_DEAD.search(task))
    if missing == dead:
        missing = dead = True
    if package.constraints.output_format.kind == "changes" and any(
        _FORBIDS_REMOVAL.search(rule.lower()) for rule in package.do_not
    ):
        dead = False
    return missing, dead


def _missing(
    package: ContextPackage, tools: Tools, found: Sitemaps, every: Sequence[RepoPath]
) -> list[_Missing]:
    listed = _listed(found)
    missing = []
    for page in _pages(package, found.root, every):
        relative = page[len(found.root) + 1 if found.root else 0 :]
        if relative in listed or _hidden(relative, found):
            continue
        parsed = html_pages.parse((tools.read(page) or b"").decode("utf-8", "replace"))
        if parsed.noindex or parsed.redirects or _is_elsewhere(parsed.canonical, relative, found):
            continue
        url = found.site.url(relative) if found.site else "/" + relative
        missing.append(_Missing(page, url, _home(relative, found)))
    return missing


def _listed(found: Sitemaps) -> frozenset[str]:
    files = (
        found.site.file(location.loc) if found.site else None
        for sitemap in found.sets.values()
        for location in sitemap.locations
    )
    return frozenset(file for file in files if file is not None)


def _pages(package: ContextPackage, root: str, every: Sequence[RepoPath]) -> tuple[RepoPath, ...]:
    """Returns the HTML pages below the site's folder, those that INPUTS name if they name any."""
    pages = [
        p
        for p in reading.readable(package, every)
        if p.lower().endswith(HTML) and (not root or p.startswith(root + "/"))
    ]
    pages = list(reading.named(package, pages)) or pages
    if package.constraints.output_format.kind == "changes":
        return tuple(pages)  # SCOPE says there what may be changed, and no page is
    return reading.within_scope(package, pages) or tuple(pages)


def _hidden(relative: str, found: Sitemaps) -> bool:
    """Tells whether a file is no page of the site: error page, proof of ownership, private folder."""
    *folders, name = relative.split("/")
    if name.lower() in ("404.html", "404.htm") or _VERIFICATION.match(name):
        return True
    jekyll = found.site is not None and "_config.yml" in found.site.files
    return any(f.startswith(".") or (jekyll and f.startswith("_")) for f in folders)


def _is_elsewhere(canonical: str | None, relative: str, found: Sitemaps) -> bool:
    """Tells whether a page names another one as the canonical form of itself."""
    if not canonical or found.site is None:
        return False
    return found.site.file(urljoin(found.site.url(relative), canonical)) != relative


def _home(relative: str, found: Sitemaps) -> RepoPath:
    """Returns the file that gets a page: where most pages of its folder (or the nearest above) are."""
    if len(found.sets) <= 1 or found.site is None:
        return next(iter(found.sets), RepoPath(""))
    near: dict[RepoPath, tuple[int, int]] = {}
    for path, sitemap in found.sets.items():
        files = (found.site.file(location.loc) for location in sitemap.locations)
        depths = [_common(posixpath.dirname(f), posixpath.dirname(relative)) for f in files if f]
        deepest = max(depths, default=-1)
        near[path] = (deepest, depths.count(deepest))
    return max(near, key=lambda path: near[path])


def _common(folder: str, other: str) -> int:
    """Returns how deep `folder` is if it is `other` or above it, else -1."""
    if folder and not f"{other}/".startswith(f"{folder}/"):
        return -1
    return folder.count("/") + 1 if folder else 0


def _dead(found: Sitemaps) -> list[_Dead]:
    if found.site is None:
        return []
    return [
        _Dead(location, path)
        for path, sitemap in found.sets.items()
        for location in sitemap.locations
        if found.site.relative(location.loc) is not None and found.site.file(location.loc) is None
    ]


def _findings(missing: Sequence[_Missing], dead: Sequence[_Dead]) -> answer.Findings:
    rows: list[answer.Row] = [
        {"url": m.url, "kind": "missing", "page": m.page, "sitemap": m.sitemap or None}
        for m in sorted(missing, key=lambda m: m.url)
    ]
    rows += [
        {"url": d.location.loc, "kind": "dead", "page": None, "sitemap": d.sitemap}
        for d in sorted(dead, key=lambda d: (d.location.loc, d.sitemap))
    ]
    return answer.Findings(
        title="Sitemap audit",
        columns=("url", "kind", "page", "sitemap"),
        primary="url",
        group="kind",
        rows=tuple(rows),
        item=_item,
        aliases=_ALIASES,
    )


def _item(row: answer.Row) -> str:
    about = row["page"] if row["kind"] == "missing" else f"in {row['sitemap']}"
    return f"{row['url']}: {row['kind']} ({about})"


def _edited(
    package: ContextPackage,
    tools: Tools,
    found: Sitemaps,
    missing: Sequence[_Missing],
    dead: Sequence[_Dead],
) -> Output:
    touched = sorted({m.sitemap for m in missing} | {d.sitemap for d in dead})
    lost = "".join(f" {location.loc} is not in the tree." for _, location in found.lost)
    if not touched:
        return reading.nothing_to_do(f"The sitemap lists every page and no dead one.{lost}")
    barred = [p for p in touched if p not in found.sets or not reading.changeable(package, p)]
    if len(barred) == len(touched):
        names = ", ".join(barred) or "the sitemap"
        return reading.missing_tool(
            f"{names} would change, which SCOPE leaves out. Name it in SCOPE and drop the brief again."
        )
    contents: dict[RepoPath, bytes] = {}
    for path in touched:
        if path in barred:
            continue
        if not found.sets[path].editable:
            return reading.missing_data(f"{path} is not in UTF-8; it cannot be edited safely.")
        contents[path] = sitemap_xml.edited(
            found.sets[path],
            add=[m.url for m in missing if m.sitemap == path],
            remove=[d.location for d in dead if d.sitemap == path],
        )
    added = [m.url for m in missing if m.sitemap in contents]
    removed = [d.location.loc for d in dead if d.sitemap in contents]
    rest = "".join(f" {path} is outside SCOPE and stays as it is." for path in barred)
    return reading.changes(tools, contents, _summary(added, removed) + rest + lost)


def _summary(added: Sequence[str], removed: Sequence[str]) -> str:
    """Returns a first paragraph short enough for a subject, then the addresses themselves."""
    counts = []
    if added:
        counts.append(f"add {_counted(len(added), 'missing')}")
    if removed:
        counts.append(f"remove {_counted(len(removed), 'dead')}")
    lists = []
    if added:
        lists.append(f"Added: {', '.join(sorted(added)[:20])}.")
    if removed:
        lists.append(f"Removed: {', '.join(sorted(removed)[:20])}.")
    return " and ".join(counts) + "\n\n" + "\n".join(lists)


def _counted(count: int, kind: str) -> str:
    return f"{count} {kind} page{'' if count == 1 else 's'}"
