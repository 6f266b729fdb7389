"""Finds broken relative links and anchors in Markdown and HTML; mends those whose target is unambiguous."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from coordinator.domain.link_criterion import differs
from coordinator.domain.names import RepoPath
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.web import CheckedUrl
from coordinator.domain.worker import Tools

from . import answer, external_links, html_pages, markdown_links, reading
from .html_pages import Reference
from .link_targets import HTML, MARKDOWN, Broken, Targets, checkable

_COLUMNS = ("file", "line", "target", "kind", "suggestion")
_ALIASES = {
    "path": "file",
    "source": "file",
    "line_number": "line",
    "link": "target",
    "href": "target",
    "url": "target",
    "problem": "kind",
    "reason": "kind",
    "type": "kind",
    "fix": "suggestion",
}


@dataclass(frozen=True, slots=True)
class _Finding:
    file: RepoPath
    reference: Reference
    broken: Broken


@dataclass(frozen=True, slots=True)
class _Document:
    references: tuple[Reference, ...]
    anchors: frozenset[str]
    base: str | None


class Links:
    """Audits links; external ones only where they are asked for, and code is not read as links."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns the broken links, or the files with those mended whose target is unambiguous."""
        every = tuple(tools.paths())
        wanted = package.constraints.output_format
        files = _files(package, every)
        if not files and reading.names_paths(package):
            return reading.missing_data("INPUTS name no Markdown or HTML file of this tree.")
        library = _Library(tools)
        root = reading.settings(package).get("root", "").strip("/")
        targets = Targets(
            every,
            exists=tools.exists,
            anchors=library.anchors,
            root="" if root == "." else root,
        )
        if not external_links.are_asked_for(package):
            findings = [f for file in files for f in _broken(file, library, targets, {})]
            if wanted.kind == "changes":
                return _mended(tools, library, findings)
            return answer.report(_findings(findings, _COLUMNS), wanted)
        written = (r.target for file in files for r in library.references(file))
        checked = external_links.checked(written, package, tools)
        findings = [f for file in files for f in _broken(file, library, targets, checked)]
        return answer.report(_findings(findings, (*_COLUMNS, "why")), wanted)


def _files(package: ContextPackage, every: Sequence[RepoPath]) -> tuple[RepoPath, ...]:
    documents = [p for p in every if p.lower().endswith((*MARKDOWN, *HTML))]
    documents = list(reading.readable(package, documents))
    if reading.names_paths(package):
        documents = list(reading.named(package, documents))
    if package.constraints.output_format.kind == "changes":
        return tuple(p for p in documents if reading.changeable(package, p))
    return reading.within_scope(package, documents)


def _broken(
    file: RepoPath, library: "_Library", targets: Targets, checked: Mapping[str, CheckedUrl]
) -> Iterator[_Finding]:
    document = library.document(file)
    for reference in library.references(file):
        if checkable(reference.target):
            base = document.base if document else None
            broken = targets.broken(file, reference.target, base=base)
        else:
            broken = external_links.broken(reference.target, checked)
        if broken is not None:
            yield _Finding(file, reference, broken)


def _findings(findings: Sequence[_Finding], columns: tuple[str, ...]) -> answer.Findings:
    return answer.Findings(
        title="Broken links",
        columns=columns,
        primary="target",
        group="kind",
        rows=tuple({name: _cell(f, name) for name in columns} for f in findings),
        item=_item,
        aliases=_ALIASES,
    )


def _cell(finding: _Finding, column: str) -> answer.Cell:
    match column:
        case "file":
            return finding.file
        case "line":
            return finding.reference.line
        case "target":
            return finding.reference.target
        case "kind":
            return finding.broken.kind.value
        case "suggestion":
            return finding.broken.suggestion
        case _:
            return finding.broken.why or None


def _item(row: answer.Row) -> str:
    meant = f"; did you mean `{row['suggestion']}`" if row["suggestion"] else ""
    why = f": {row['why']}" if row.get("why") and not meant else ""
    return f"{row['file']}:{row['line']}: `{row['target']}` ({row['kind']}{meant}{why})"


def _mended(tools: Tools, library: "_Library", findings: Sequence[_Finding]) -> Output:
    if not findings:
        return reading.nothing_to_do("No broken link in the files that may be changed.")
    contents: dict[RepoPath, bytes] = {}
    mended: Counter[RepoPath] = Counter()
    for file in dict.fromkeys(f.file for f in findings):
        text = original = library.text(file)
        for finding in reversed([f for f in findings if f.file == file and _mendable(f, original)]):
            begin, end = finding.reference.span or (0, 0)
            changed = text[:begin] + (finding.broken.suggestion or "") + text[end:]
            # What review would take for a change of prose is left to a person.
            if differs(file, _bytes(text), _bytes(changed)) is None:
                text = changed
                mended[file] += 1
        if mended[file]:
            contents[file] = _bytes(text)
    left = len(findings) - mended.total()
    rest = f" {left} more: no unambiguous target, left as they are." if left else ""
    if not contents:
        return reading.nothing_to_do(f"Nothing to mend.{rest}")
    where = ", ".join(f"{file} ({mended[file]})" for file in sorted(contents))
    noun = "link" if mended.total() == 1 else "links"
    return reading.changes(tools, contents, f"Mended {mended.total()} {noun}: {where}.{rest}")


def _mendable(finding: _Finding, text: str) -> bool:
    """Tells whether the right target is known and the place of the wrong one is certain."""
    span, target = finding.reference.span, finding.reference.target
    if finding.broken.suggestion is None or span is None:
        return False
    return text[span[0] : span[1]] == target and _utf8(finding.file)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _utf8(path: str) -> bool:
    return not any("\udc80" <= c <= "\udcff" for c in path)


class _Library:
    """The documents of one attempt, each read and parsed once."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._documents: dict[RepoPath, _Document | None] = {}

    def text(self, path: RepoPath) -> str:
        """Returns a file as text that encodes to the same bytes again."""
        return (self._tools.read(path) or b"").decode("utf-8", "surrogateescape")

    def document(self, path: RepoPath) -> _Document | None:
        """Returns a parsed file; None when it is no Markdown, no HTML or cannot be read."""
        if path not in self._documents:
            self._documents[path] = self._parsed(path)
        return self._documents[path]

    def references(self, path: RepoPath) -> Sequence[Reference]:
        """Returns the links of a file; none when it is no document."""
        document = self.document(path)
        return () if document is None else document.references

    def anchors(self, path: RepoPath) -> frozenset[str] | None:
        """Returns the anchors of a file; None when it has none to look for."""
        document = self.document(path)
        return None if document is None else document.anchors

    def _parsed(self, path: RepoPath) -> _Document | None:
        name = path.lower()
        if not name.endswith((*MARKDOWN, *HTML)) or self._tools.read(path) is None:
            return None
        if name.endswith(HTML):
            page = html_pages.parse(self.text(path))
            return _Document(page.references, page.anchors, page.base)
        markdown = markdown_links.parse(self.text(path))
        return _Document(markdown.references, markdown.anchors, None)
