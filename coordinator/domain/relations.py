"""What a file refers to by its text: imports of Python and JavaScript, relative links of Markdown and HTML.

Small readers that look at lines and not at grammar: they are to say that two files have to do with each
other, not what a compiler would do. What they cannot resolve to a file that is there is no relation.
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from urllib.parse import unquote

TEXT_CHARS_MAX = 200_000  # of one file; what stands later is not read
TARGETS_MAX = 500

_PY_IMPORT = re.compile(
    r"^[ \t]*import[ \t]+([\w.]+(?:[ \t]*,[ \t]*[\w.]+|[ \t]+as[ \t]+\w+)*)", re.MULTILINE
)
_PY_FROM = re.compile(
    r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]*(\([^)]{0,4000}\)|[^\n(]{1,1000})",
    re.MULTILINE,
)
_JS = re.compile(
    r"""(?:\bfrom|\bimport|\brequire)[ \t]*\(?[ \t]*(["'])(\.{1,2}/?[^"'\n]{0,300})\1""",
    re.MULTILINE,
)
_MARKDOWN = re.compile(
    r"\]\([ \t]*<?([^()\s<>]{1,500})|^[ ]{0,3}\[[^\]\n]{1,200}\]:[ \t]*<?(\S{1,500})", re.MULTILINE
)
_HTML = re.compile(r"""\b(?:href|src)[ \t]*=[ \t]*["']?([^"'\s>]{1,500})""", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_JS_ENDINGS = ("", ".js", ".ts", ".jsx", ".tsx", ".mjs", ".cjs", ".json", ".vue", ".svelte")


def is_readable(path: str) -> bool:
    """Tells whether there is a reader for a file of this name."""
    return _reader(path) is not None


def targets(path: str, text: str, files: Collection[str]) -> frozenset[str]:
    """Returns the files of the repository that a file refers to, itself left out."""
    reader = _reader(path)
    if reader is None:
        return frozenset()
    found: set[str] = set()
    for candidates in reader(path, text[:TEXT_CHARS_MAX]):
        hit = next((one for one in candidates if one in files), None)
        if hit is not None and hit != path:
            found.add(hit)
        if len(found) >= TARGETS_MAX:
            break
    return frozenset(found)


_Reader = Callable[[str, str], Iterator[tuple[str, ...]]]


def _reader(path: str) -> _Reader | None:
    ending = posixpath.splitext(path)[1].lower()
    return _READERS.get(ending)


def _python(path: str, text: str) -> Iterator[tuple[str, ...]]:
    here = posixpath.dirname(path)
    for said in _PY_IMPORT.finditer(text):
        for name in said[1].split(","):
            yield _modules(here, name.split(" as ")[0].strip().replace(".", "/"))
    for said in _PY_FROM.finditer(text):
        dots, module, names = said[1], said[2].replace(".", "/"), said[3]
        base = here
        for _ in dots[1:]:
            base = posixpath.dirname(base)
        plain = (re.sub(r"#.*", "", line) for line in names.strip("() \t").split("\n"))
        for name in " ".join(plain).split(","):
            own = name.split(" as ")[0].strip(" \t()\\")
            if not own:
                continue  # behind the last comma
            inside = posixpath.join(module, own) if own.isidentifier() else module
            if dots:
                parents = (posixpath.join(base, one) for one in (inside, module) if one or base)
                yield tuple(file for one in parents for file in _module(posixpath.normpath(one)))
            else:
                yield (*_modules(here, inside), *_modules(here, module))


def _modules(here: str, module: str) -> tuple[str, ...]:
    """Returns where an absolute import may lead: from the top, `src/`, or a folder above the file."""
    above, folder = ["", "src"], here
    while folder:
        above.append(folder)
        folder = posixpath.dirname(folder)
    return tuple(file for root in above for file in _module(posixpath.join(root, module)))


def _module(stem: str) -> tuple[str, ...]:
    return (f"{stem}.py", f"{stem}/__init__.py", f"{stem}.pyi")


def _javascript(path: str, text: str) -> Iterator[tuple[str, ...]]:
    here = posixpath.dirname(path)
    for said in _JS.finditer(text):
        place = posixpath.normpath(posixpath.join(here, said[2]))
        written = posixpath.splitext(place)[0]  # TypeScript is imported as the .js that comes of it
        yield (
            *(place + ending for ending in _JS_ENDINGS),
            *(f"{place}/index{ending}" for ending in _JS_ENDINGS[1:]),
            f"{written}.ts",
            f"{written}.tsx",
        )


def _markdown(path: str, text: str) -> Iterator[tuple[str, ...]]:
    for said in _MARKDOWN.finditer(text):
        yield _linked(path, said[1] or said[2])
    yield from _html(path, text)


def _html(path: str, text: str) -> Iterator[tuple[str, ...]]:
    for said in _HTML.finditer(text):
        yield _linked(path, said[1])


def _linked(path: str, link: str) -> tuple[str, ...]:
    """Returns where a relative link may lead; one that starts with '/' from a folder above, the top last."""
    plain = unquote(re.split(r"[?#]", link)[0])
    if not plain or _SCHEME.match(plain):
        return ()
    roots = [posixpath.dirname(path)]
    if plain.startswith("/"):
        while roots[-1]:
            roots.append(posixpath.dirname(roots[-1]))
    places = [posixpath.normpath(posixpath.join(root, plain.lstrip("/"))) for root in roots]
    ends = ("", ".md", ".html", "/index.html", "/index.md", "/README.md")
    return tuple(place + end for place in places for end in ends)


_READERS: dict[str, _Reader] = {
    **dict.fromkeys((".py", ".pyi"), _python),
    **dict.fromkeys((".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".vue", ".svelte"), _javascript),
    **dict.fromkeys((".md", ".markdown", ".mdx"), _markdown),
    **dict.fromkeys((".html", ".htm", ".xhtml"), _html),
}
