"""What files refer to: small readers, and only what is there."""

import pytest

from coordinator.domain import relations

FILES = frozenset(
    {
        "pkg/__init__.py",
        "pkg/core.py",
        "pkg/sub/__init__.py",
        "pkg/sub/deep.py",
        "src/lib/__init__.py",
        "src/lib/tool.py",
        "tests/test_core.py",
        "web/app.js",
        "web/util.ts",
        "web/parts/index.tsx",
        "docs/index.md",
        "docs/guide.md",
        "docs/api/README.md",
        "site/index.html",
        "site/about.html",
        "site/style.css",
        "docs/two words.md",
    }
)


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("tests/test_core.py", "from pkg.core import x\n", {"pkg/core.py"}),
        ("tests/test_core.py", "from pkg import core, sub\n", {"pkg/core.py", "pkg/sub/__init__.py"}),
        ("tests/test_core.py", "import pkg.sub.deep as d, json\n", {"pkg/sub/deep.py"}),
        ("tests/test_core.py", "    import lib.tool\n", {"src/lib/tool.py"}),
        ("pkg/core.py", "from . import sub\n", {"pkg/sub/__init__.py"}),
        ("pkg/sub/deep.py", "from ..core import a\n", {"pkg/core.py"}),
        ("pkg/sub/deep.py", "from .. import core as c\n", {"pkg/core.py"}),
        ("pkg/sub/deep.py", "from . import nothing\n", {"pkg/sub/__init__.py"}),
        (
            "tests/test_core.py",
            "from pkg import (\n    core,  # why, not\n    sub as s,\n)\n",
            {"pkg/core.py", "pkg/sub/__init__.py"},
        ),
        ("pkg/core.py", "from pkg.core import me\n", set()),
        ("pkg/core.py", "x = 'from pkg import sub'\nimport os\n", set()),
        ("web/app.js", 'import {a} from "./util.js";\n', {"web/util.ts"}),
        ("web/app.js", "const p = require('./parts');\n", {"web/parts/index.tsx"}),
        ("web/parts/index.tsx", "export * from '../app'\nimport '../util'\n", {"web/app.js", "web/util.ts"}),
        ("web/app.js", "await import('./util')\nimport 'react'\n", {"web/util.ts"}),
        ("docs/index.md", "[g](guide.md#part) [a](api) [out](https://x.example/guide.md)\n",
         {"docs/guide.md", "docs/api/README.md"}),
        ("docs/index.md", "[g]\n\n[g]: ./guide.md\n", {"docs/guide.md"}),
        ("docs/index.md", "[w](two%20words.md) [up](../../etc)\n", {"docs/two words.md"}),
        ("docs/guide.md", '<a href="index.md">up</a>\n', {"docs/index.md"}),
        ("site/index.html", "<a href='/about.html?x'>a</a><link href=style.css>\n",
         {"site/about.html", "site/style.css"}),
        ("site/style.css", "@import 'index.html'", set()),
    ],
)  # fmt: skip
def test_a_reader_finds_what_is_there(path: str, text: str, expected: set[str]) -> None:
    assert relations.targets(path, text, FILES) == expected


def test_what_has_no_reader_is_not_readable() -> None:
    assert relations.is_readable("a/B.PY")
    assert not relations.is_readable("a/b.css")
    assert not relations.is_readable("Makefile")


def test_only_so_much_of_a_file_is_read() -> None:
    late = "#" * relations.TEXT_CHARS_MAX + "\nimport pkg.core\n"
    assert relations.targets("tests/test_core.py", late, FILES) == frozenset()


def test_only_so_many_targets_are_named() -> None:
    files = frozenset(f"docs/{n}.md" for n in range(relations.TARGETS_MAX + 50))
    text = "\n".join(f"[x]({n}.md)" for n in range(relations.TARGETS_MAX + 50))
    assert len(relations.targets("docs/index.md", text, files)) == relations.TARGETS_MAX
