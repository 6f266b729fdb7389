"""Says where a link leads in a tree, what is wrong when it leads nowhere, and which target was meant."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from coordinator.domain.names import RepoPath

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd")
HTML = (".html", ".htm", ".xhtml")

_EXTERNAL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_TEMPLATE = re.compile(r"\{\{|\{%|\$\{|<%|<\?")
_SOURCE_LINES = re.compile(r"L\d+(?:C\d+)?(?:-L?\d+(?:C\d+)?)?\Z")
_HOST_PAGES = re.compile(
    r"(?:(?:\.\./)+|/[\w.-]+/[\w.-]+/)"  # above the repository, or from the host: /owner/name/
    r"(?:issues|pulls?|wiki|releases|discussions|actions|compare|tree|blob|raw|blame|edit|commits?"
    r"|security|projects|labels|milestones?|packages|tags|branches|graphs|network)(?:/|\Z)"
)
_INDEXES = ("index.html", "index.htm", "README.md", "index.md", "readme.md", "Readme.md")
_SAFE = "/!$&*+,;=:@~-._"


class Kind(StrEnum):
    """What is wrong with a link."""

    MISSING_FILE = "missing file"
    MISSING_ANCHOR = "missing anchor"
    WRONG_CASE = "wrong case"
    DEAD = "dead"
    MOVED = "moved permanently"
    UNREACHABLE = "unreachable"
    NOT_ALLOWED = "not allowed"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that leads nowhere; `suggestion` is the link as it should be, None when nobody can tell."""

    kind: Kind
    suggestion: str | None
    why: str = ""  # what the server said, of a link that leads out


@dataclass(frozen=True, slots=True)
class Written:
    """A link in its parts, as they are written."""

    path: str
    query: str  # with its '?'
    fragment: str | None

    @classmethod
    def of(cls, target: str) -> "Written":
        """Returns the parts of `target`."""
        rest, hash_sign, fragment = target.partition("#")
        path, question_mark, query = rest.partition("?")
        return cls(path, question_mark + query, fragment if hash_sign else None)

    def text(self, *, path: str, fragment: str | None) -> str:
        """Returns the link with another path and fragment."""
        return path + self.query + ("" if fragment is None else f"#{fragment}")


def checkable(target: str) -> bool:
    """Tells whether `target` is a link into this repository that can be followed without a template."""
    return not (not target or _EXTERNAL.match(target) or _TEMPLATE.search(target) or "\0" in target)


def has_template(target: str) -> bool:
    """Tells whether a template expression has to be filled in before `target` leads anywhere."""
    return bool(_TEMPLATE.search(target))


class Targets:
    """Every file of a tree that a link may lead to.

    Args:
        paths: the files.
        exists: tells of what is not among them (links to folders, submodules).
        anchors: the anchors of a file; None where nobody can tell.
        root: the folder that a leading '/' means.
    """

    def __init__(
        self,
        paths: Iterable[RepoPath],
        *,
        exists: Callable[[RepoPath], bool],
        anchors: Callable[[RepoPath], frozenset[str] | None],
        root: str,
    ) -> None:
        self._files = frozenset(paths)
        self._exists = exists
        self._anchors = anchors
        self._root = root
        folders: set[str] = {""}
        for path in self._files:
            folder = posixpath.dirname(path)
            while folder not in folders:
                folders.add(folder)
                folder = posixpath.dirname(folder)
        self._folders = frozenset(folders)
        self._lower = _index([*self._files, *sorted(folders)], str.lower)
        self._named = _index(self._files, posixpath.basename)

    def broken(self, source: RepoPath, target: str, *, base: str | None = None) -> Broken | None:
        """Returns what is wrong with `target` in the file `source`; None when it leads somewhere.

        Args:
            source: the file with the link.
            target: the link.
            base: the `<base href>` of a page.
        """
        written = Written.of(target)
        folder = posixpath.dirname(source)
        if base is not None:
            if not checkable(base):
                return None
            folder = self._absolute(source, folder, Written.of(base).path, keep_slash=True)
            folder = folder.rstrip("/") if folder.endswith("/") else posixpath.dirname(folder)
        if not written.path:
            return self._anchor(source, written)
        wanted = self._absolute(source, folder, written.path)
        found = self._find(source, wanted, as_folder=written.path.endswith("/"))
        if found is None:
            if _HOST_PAGES.match(written.path) and source.lower().endswith(MARKDOWN):
                return None  # a page of the host that shows the repository
            return self._missing(source, folder, wanted, written)
        return self._anchor(found, written) if found != _UNSEEN else None

    def _absolute(
        self, source: RepoPath, folder: str, path: str, *, keep_slash: bool = False
    ) -> str:
        decoded = unquote(path, errors="surrogateescape")
        start = self._root if decoded.startswith("/") else folder
        joined = posixpath.join(start, decoded.lstrip("/"))
        if source.lower().endswith(HTML):
            joined = self._below_top(joined, self._root if _is_in(source, self._root) else "")
        joined = posixpath.normpath(joined or ".")
        slash = "/" if keep_slash and decoded.endswith("/") else ""
        return ("" if joined == "." else joined) + slash

    @staticmethod
    def _below_top(path: str, top: str) -> str:
        """Returns where a browser ends: no '..' of a page leads out of its site."""
        inner = path[len(top) :] if _is_in(path, top) else path
        return posixpath.join(top, posixpath.normpath("/" + inner.lstrip("/")).lstrip("/"))

    def _find(self, source: RepoPath, wanted: str, *, as_folder: bool) -> RepoPath | None:
        """Returns the file that a link leads to; `_UNSEEN` for what is there but cannot be looked into."""
        is_page = source.lower().endswith(HTML)
        if wanted in self._files and not as_folder:
            return RepoPath(wanted)
        if wanted in self._folders:
            for name in _INDEXES:
                if (path := posixpath.join(wanted, name)) in self._files:
                    return RepoPath(path)
            if not is_page:
                return _UNSEEN  # a listing of the folder is shown
        elif is_page and not as_folder:
            for suffix in HTML[:2]:
                if wanted + suffix in self._files:
                    return RepoPath(wanted + suffix)
        if wanted not in self._folders and wanted and self._exists(RepoPath(wanted)):
            return _UNSEEN
        return None

    def _missing(self, source: RepoPath, folder: str, wanted: str, written: Written) -> Broken:
        cased = self._lower.get(wanted.lower(), [])
        suffix = ""
        if not cased and source.lower().endswith(HTML):
            suffix = next((s for s in HTML[:2] if wanted.lower() + s in self._lower), "")
            cased = self._lower.get(wanted.lower() + suffix, []) if suffix else []
        cased = [path for path in cased if path != wanted]
        if cased:
            meant = cased[0].removesuffix(suffix) if len(cased) == 1 else None
            return Broken(Kind.WRONG_CASE, self._rewritten(folder, meant, cased[0], written))
        name = posixpath.basename(wanted)
        same = [path for path in self._named.get(name, []) if path != source]
        unique = same[0] if len(same) == 1 and name.lower() not in _GENERIC else None
        if len(self._named.get(name, [])) > 1 or written.path.endswith("/"):
            unique = None
        return Broken(Kind.MISSING_FILE, self._rewritten(folder, unique, unique or "", written))

    def _rewritten(
        self, folder: str, meant: str | None, leads_to: str, written: Written
    ) -> str | None:
        """Returns `written` so that it leads to `meant`; None when its anchor is not there either."""
        if meant is None:
            return None
        fragment = written.fragment
        if fragment and leads_to in self._files:
            wrong = self._anchor(RepoPath(leads_to), written)
            if wrong is not None:
                if wrong.suggestion is None:
                    return None
                fragment = Written.of(wrong.suggestion).fragment
        if written.path.startswith("/"):
            path = "/" + posixpath.relpath(meant or ".", self._root or ".")
            if path.startswith("/../"):
                return None
        else:
            path = posixpath.relpath(meant or ".", folder or ".")
            if written.path.startswith("./") and not path.startswith("../"):
                path = "./" + path
        if written.path.endswith("/"):
            path += "/"
        return written.text(path=_quoted(path), fragment=fragment)

    def _anchor(self, file: RepoPath, written: Written) -> Broken | None:
        raw = (written.fragment or "").partition(":~:")[0]
        name = unquote(raw)
        if not name or name.lower() == "top" or _SOURCE_LINES.match(name):
            return None
        anchors = self._anchors(file)
        if anchors is None or name in anchors or raw in anchors:
            return None
        if file.lower().endswith(HTML) and name[0] in "/!":
            return None  # a route of a script
        near = _nearest(name, anchors)
        if near is None:
            return Broken(Kind.MISSING_ANCHOR, None)
        fragment = quote(near, safe=_SAFE) if "%" in raw or " " in near else near
        return Broken(Kind.MISSING_ANCHOR, written.text(path=written.path, fragment=fragment))


_UNSEEN = RepoPath("\0")
_GENERIC = {name.lower() for name in _INDEXES} | {"__init__.py", "license", "changelog.md"}


def _index(paths: Iterable[str], key: Callable[[str], str]) -> Mapping[str, list[str]]:
    index: dict[str, list[str]] = {}
    for path in sorted(set(paths)):
        index.setdefault(key(path), []).append(path)
    return index


def _is_in(path: str, folder: str) -> bool:
    return not folder or path == folder or path.startswith(folder + "/")


def _quoted(path: str) -> str:
    """Returns `path` with what Markdown, HTML and URLs give a meaning to percent-encoded, no more."""
    return "".join(
        c if c.isalnum() or c in _SAFE else quote(c, safe="", errors="surrogateescape")
        for c in path
    ).replace("&", "%26")


def _nearest(name: str, anchors: frozenset[str]) -> str | None:
    """Returns the one anchor that `name` must have meant: the same letters, or one or two mistyped."""
    same = [a for a in sorted(anchors) if _letters(a) == _letters(name)]
    if same:
        return same[0] if len(same) == 1 else None
    close = [a for a in sorted(anchors) if _close(_letters(a), _letters(name))]
    return close[0] if len(close) == 1 else None


def _letters(anchor: str) -> str:
    return "".join(c for c in anchor.lower() if c.isalnum())


def _close(left: str, right: str) -> bool:
    allowed = min(2, min(len(left), len(right)) // 7)
    if not allowed or abs(len(left) - len(right)) > allowed:
        return False
    if re.sub(r"\D", "", left) != re.sub(r"\D", "", right):
        return False  # v1-2-0 is no slip for v1-2-1
    return _distance(left, right) <= allowed


def _distance(left: str, right: str) -> int:
    previous = list(range(len(right) + 1))
    for row, a in enumerate(left, 1):
        current = [row]
        for column, b in enumerate(right, 1):
            current.append(
                min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (a != b))
            )
        previous = current
    return previous[-1]
