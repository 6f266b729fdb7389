# ruff: noqa: E501 - a row of a table, or a whole message, is one line
"""The language of briefs: both forms, what each section reads, and every fault with its line."""

import pytest

from coordinator.domain.brief import Brief, Fault, Kind
from coordinator.domain.brief_text import identify, identify_text, parse, render, sections

FIVE_LINES = """TASK: List every HTML page that public/sitemap.xml does not name.
INPUTS: public/sitemap.xml, all pages in `public/**/*.html`
SCOPE: in bounds: public/; out of bounds: everything else
OUTPUT FORMAT: a markdown table with page and reason, at docs/missing.md
DO NOT: touch docs/ or create new files
"""
HEADINGS = """---
worker: [links, sitemap]
deadline: 1h30m
after: a, b
budget: 0.5
---
# Mend the guide

## Task:
Fix the broken links in docs.

<!-- nobody reads this -->
## inputs
- docs/
- https://example.com/a,b;c
- from: other
- README
- /TODO.*/

```csv data
a,b
```

### SCOPE
#### In
- the whole repository
#### Out of bounds
- vendor/, `a b.txt`

## Output format
Changes to `docs/a.md`

## DO NOT
- no new files
- edit the prose
- lines matching /foo bar/i
- change more than 20 lines

## ACCEPTANCE CRITERIA
- [ ] check: links, unit
- exists: docs/a.md
- only: docs/**, ./README.md
- matches: /re/i
- schema:
  ```json
  {"type": "object"}
  ```
- reads well
"""


def read(text: str) -> Brief:
    found = parse(text.encode(), name="x")
    assert isinstance(found, Brief), found
    return found


def faults(text: str | bytes) -> list[tuple[str, int]]:
    found = parse(text.encode() if isinstance(text, str) else text, name="x")
    assert isinstance(found, tuple), found
    return [(fault.code, fault.line) for fault in found]


def test_the_five_lines_of_the_template_are_a_brief() -> None:
    brief = read(FIVE_LINES)
    assert brief.task == "List every HTML page that public/sitemap.xml does not name."
    assert [(i.kind, i.value) for i in brief.inputs] == [
        ("path", "public/sitemap.xml"),
        ("glob", "public/**/*.html"),
    ]
    assert (brief.scope_in, brief.scope_out, brief.scope_prose) == (("public",), (), "")
    assert (brief.output_format.kind, brief.output_format.path) == (Kind.TABLE, "docs/missing.md")
    assert [(p.kind, p.value) for p in brief.do_not] == [("path", "docs"), ("new_files", "")]


def test_headings_of_any_level_and_case_are_read() -> None:
    brief = read(HEADINGS)
    assert brief.worker == ("links", "sitemap")
    assert (brief.deadline_s, brief.budget_usd) == (5400, 0.5)
    assert brief.after == ("a", "b", "other")  # what it takes from a brief, it waits for
    assert [(i.kind, i.value, i.label) for i in brief.inputs] == [
        ("path", "docs", ""),
        ("url", "https://example.com/a,b;c", ""),
        ("from", "other", ""),
        ("path", "README", ""),
        ("data", "/TODO.*/", "pattern"),
        ("data", "a,b", "csv data"),
    ]
    assert (brief.scope_in, brief.scope_out) == (("**",), ("vendor", "a b.txt"))
    assert (brief.output_format.kind, brief.output_format.path) == (Kind.CHANGES, None)
    assert [(p.kind, p.value) for p in brief.do_not] == [
        ("new_files", ""),
        ("prose", "edit the prose"),
        ("matches", "/foo bar/i"),
        ("max_lines", "20"),
    ]
    assert [(c.kind, c.value) for c in brief.acceptance] == [
        ("check", "links"),
        ("check", "unit"),
        ("exists", "docs/a.md"),
        ("only", "docs/**, README.md"),
        ("matches", "/re/i"),
        ("schema", '{"type": "object"}'),
        ("prose", "reads well"),
    ]


def test_line_ends_a_byte_order_mark_and_the_name_do_not_change_the_digest() -> None:
    plain = identify(read(FIVE_LINES))
    windows = b"\xef\xbb\xbf" + FIVE_LINES.replace("\n", "\r\n").encode()
    assert identify_text("other", windows).digest == plain.digest
    assert identify_text("Other Name", windows).id == f"other-name-{plain.digest[7:15]}"


def test_again_makes_another_brief_of_the_same_text() -> None:
    once, twice = read(FIVE_LINES), read("---\nagain: 1\n---\n" + FIVE_LINES)
    assert identify(once).digest != identify(twice).digest


def test_both_forms_of_one_brief_are_the_same_brief() -> None:
    assert identify(read(render(read(FIVE_LINES)))) == identify(read(FIVE_LINES))


def test_a_malformed_text_is_known_by_its_bytes() -> None:
    assert identify_text("x", b"\xff").digest != identify_text("x", b"\xfe").digest


@pytest.mark.parametrize(
    ("said", "inside", "outside", "prose"),
    [
        ("docs/; src/", ("docs",), ("src",), ""),
        ("in bounds docs/; out of bounds src/, vendor/", ("docs",), ("src", "vendor"), ""),
        ("everything except vendor/", ("**",), ("vendor",), ""),
        ("docs/, not docs/old.md", ("docs",), ("docs/old.md",), ""),
        ("the whole repository; nothing else", ("**",), (), ""),
        (".", ("**",), (), ""),
        ("the guide; blog posts", (), (), "the guide\nout of bounds: blog posts"),
        ("only `a b.md`; all other files", ("a b.md",), (), ""),
        ("**only** docs/*.md", ("docs/*.md",), (), ""),
        ("in bounds; out of bounds", (), (), ""),
    ],
)
def test_scope_reads_in_and_out(
    said: str, inside: tuple[str, ...], outside: tuple[str, ...], prose: str
) -> None:
    brief = read(f"SCOPE: {said}\n")
    assert (brief.scope_in, brief.scope_out, brief.scope_prose) == (inside, outside, prose)


@pytest.mark.parametrize(
    "text",
    [
        "SCOPE (in): docs/\nSCOPE (out): docs/old/\n",
        "SCOPE:\nIn: docs/\nOut: docs/old/\n",
        "## SCOPE\n- in: docs/\n- out: docs/old/\n",
        "## SCOPE\nIn bounds:\n- docs/\n\nOut of bounds:\n- docs/old/\n",
        "## In scope\ndocs/\n## Out of scope\ndocs/old/\n",
    ],
)
def test_scope_has_several_forms(text: str) -> None:
    brief = read(text)
    assert (brief.scope_in, brief.scope_out) == (("docs",), ("docs/old",))


@pytest.mark.parametrize(
    ("said", "kind", "path"),
    [
        ("a bullet list", Kind.LIST, None),
        ("JSON object", Kind.JSON, None),
        ("a list of JSON objects", Kind.JSON, None),
        ("a markdown table", Kind.TABLE, None),
        ("report at docs/report.md", Kind.REPORT, "docs/report.md"),
        ("report, as a table, written to `out/x y.md`", Kind.TABLE, "out/x y.md"),
        ("A JSON array in `out/missing.json`", Kind.JSON, "out/missing.json"),
        ("a JSON array of the URLs in `sitemap.xml`", Kind.JSON, None),
        ("a report on the changes needed, no edits", Kind.REPORT, None),
        ("changes to public/sitemap.xml", Kind.CHANGES, None),
        ("fix in place", Kind.CHANGES, None),
        ("a patch", Kind.CHANGES, None),
        ("a list of pages missing from public/sitemap.xml", Kind.LIST, None),
        ("whatever you like", None, None),
    ],
)
def test_output_format_names_a_kind_and_perhaps_a_path(
    said: str, kind: Kind | None, path: str | None
) -> None:
    wanted = read(f"OUTPUT FORMAT: {said}\n").output_format
    assert (wanted.kind, wanted.path) == (kind, path)


@pytest.mark.parametrize(
    "text",
    [
        'OUTPUT FORMAT: JSON, schema: {"type": "object"}\n',
        '## OUTPUT FORMAT\njson\n```json\n{"type": "object"}\n```\n',
        '## OUTPUT FORMAT\n```json schema\n{"type": "object"}\n```\n',
    ],
)
def test_a_schema_comes_in_a_fence_or_in_the_line(text: str) -> None:
    wanted = read(text).output_format
    assert (wanted.kind, wanted.json_schema) == (Kind.JSON, {"type": "object"})


def test_json_that_is_no_schema_is_an_example() -> None:
    wanted = read('## OUTPUT FORMAT\njson\n```json\n{"pages": []}\n```\n').output_format
    assert wanted.json_schema is None
    assert '{"pages": []}' in wanted.text


@pytest.mark.parametrize(
    ("said", "kinds"),
    [
        ("do not touch docs/", [("path", "docs")]),
        ("docs/", [("path", "docs")]),
        ("path: a b.md", [("path", "a b.md")]),
        ("change anything", [("path", "**")]),
        ("new files", [("new_files", "")]),
        ("create any new files", [("new_files", "")]),
        ("change more than 4 lines", [("max_lines", "4")]),
        ("more than 4 lines per file", [("prose", "more than 4 lines per file")]),
        ("add lines matching /x/", [("matches", "/x/")]),
        ("change anything but the links in docs/a.md", [("prose", "change anything but the links in docs/a.md")]),
        ("edit the prose or add files", [("prose", "edit the prose or add files")]),
        ("nothing", []),
    ],
)  # fmt: skip
def test_do_not_has_forms_that_are_checked_and_the_rest_is_prose(
    said: str, kinds: list[tuple[str, str]]
) -> None:
    assert [(p.kind, p.value) for p in read(f"DO NOT: {said}\n").do_not] == kinds


@pytest.mark.parametrize(
    ("line", "items"),
    [
        ("- matches: /a/, matches: /b/", [("matches", "/a/"), ("matches", "/b/")]),
        ("- matches: /a, b/i; Exists: x.md", [("matches", "/a, b/i"), ("exists", "x.md")]),
        ("matches: /a/ and matches: /b/", [("matches", "/a/"), ("matches", "/b/")]),
        (
            "- matches: /a/, /b/i, only: docs/",
            [("matches", "/a/"), ("matches", "/b/i"), ("only", "docs")],
        ),
        ("- only: a.md, b.md, and check: links", [("only", "a.md, b.md"), ("check", "links")]),
        ("- matches: `/a/`, only: docs/", [("matches", "`/a/`"), ("only", "docs")]),
        (
            '- schema: {"type": "array"}, check: y',
            [("schema", '{"type": "array"}'), ("check", "y")],
        ),
        # Inside a pattern, code, JSON or prose nothing begins.
        ("- matches: /say, exists: x/", [("matches", "/say, exists: x/")]),
        (r"- matches: /a\/, matches: \/b/", [("matches", r"/a\/, matches: \/b/")]),
        ("- exists: `a, check: b`", [("exists", "a, check: b")]),
        ('- schema: {"const": "x, only: y"}', [("schema", '{"const": "x, only: y"}')]),
        ("- every page matches, only: docs/", [("prose", "every page matches, only: docs/")]),
    ],
)
def test_a_line_of_acceptance_may_hold_several_items(
    line: str, items: list[tuple[str, str]]
) -> None:
    found = read(f"## TASK\nx\n## ACCEPTANCE\n{line}\n")
    assert [(c.kind, c.value) for c in found.acceptance] == items
    assert render(found).rpartition("## ACCEPTANCE\n")[2].count("\n- ") == len(items)


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("matches: /a/, matches: /b/i", ["/a/", "/b/i"]),
        ("add lines matching /a, b/ or lines matching /c/", ["/a, b/", "/c/"]),
        ("lines matching /a/, /b/ and /c/", ["/a/", "/b/", "/c/"]),
        ("no lines that match /a/; no lines that match /b/", ["/a/", "/b/"]),
        ("matches: /a, matches: /", ["/a, matches: /"]),
    ],
)
def test_a_line_of_do_not_may_hold_several_patterns(said: str, values: list[str]) -> None:
    found = read(f"## TASK\nx\n## DO NOT\n- {said}\n").do_not
    assert [(p.kind, p.value) for p in found] == [("matches", value) for value in values]


def test_words_in_inputs_that_name_nothing_are_kept_as_prose() -> None:
    inputs = read("INPUTS: the pages of the site\n").inputs
    assert [(i.kind, i.value, i.label) for i in inputs] == [
        ("data", "the pages of the site", "prose")
    ]


def test_every_malformed_thing_is_said_at_once_with_its_line() -> None:
    text = (
        "---\nwroker: x\npriority: high\ndeadline: soon\n---\n## TASK\nx\n## TASK\ny\n"
        "## Background\nz\n## INPUTS\n/etc/passwd\n## ACCEPTANCE\n- matches: /(/\n- check:\n```\n"
    )
    found = parse(text.encode(), name="x")
    assert found == (
        Fault(code="unknown-key", line=2, section="front matter", message="there is no setting `wroker`", hint="did you mean `worker`?"),
        Fault(code="bad-value", line=3, section="front matter", message="`priority` is not a whole number from -1000 to 1000", hint="write `priority: 5`"),
        Fault(code="bad-value", line=4, section="front matter", message="`deadline` is not a time", hint="write `deadline: 90`, `deadline: 10m` or `deadline: 2h`"),
        Fault(code="duplicate-section", line=8, section="TASK", message="TASK is there twice, first on line 6", hint="put both into one section"),
        Fault(code="unknown-section", line=10, section="", message="there is no section 'Background'", hint="the sections are TASK, INPUTS, SCOPE, OUTPUT FORMAT, DO NOT, ACCEPTANCE"),
        Fault(code="bad-path", line=13, section="INPUTS", message="'/etc/passwd' begins at the root of the machine", hint="write it relative to the top of the repository, as in docs/index.md"),
        Fault(code="bad-pattern", line=15, section="ACCEPTANCE", message="the pattern cannot be used: it is not a regular expression: missing ), unterminated subpattern at position 0", hint="write /re/ without back-references and look-arounds"),
        Fault(code="empty-item", line=16, section="ACCEPTANCE", message="`check:` names nothing", hint="write what it names behind `check:`"),
        Fault(code="unclosed-fence", line=17, section="ACCEPTANCE", message="a fenced block is not closed", hint="end it with the same marks on a line of their own"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", [("empty", 0)]),
        (b" \n\t\n", [("empty", 0)]),
        (b"TASK: x\n\xff\xfe\n", [("not-utf8", 2)]),
        (b"TASK: x\nINPUTS: \x00\n", [("nul-byte", 2)]),
        ("TASK: x".encode("utf-16"), [("nul-byte", 1), ("not-utf8", 1)]),
        (b"TASK: " + b"x" * 300_000, [("too-large", 0)]),
        (b"please make it nicer\n", [("no-sections", 1)]),
        (b"Hello.\nTASK: x\n", [("stray-text", 1)]),
        (b"---\nworker: x\nTASK: y\n", [("front-matter", 1)]),
        (b"---\n- x\n---\nTASK: y\n", [("front-matter", 2)]),
        (b"---\nworker: [x\n---\nTASK: y\n", [("front-matter", 2)]),
        (b"---\nworker: x\nworker: y\n---\nTASK: y\n", [("duplicate-key", 3)]),
        (b"---\nworker: {a: b}\n---\nTASK: y\n", [("bad-value", 2)]),
        (b"---\nretries: !!python/object:x.y 3\n---\nTASK: y\n", [("bad-value", 2)]),
        (b"---\nmax_tokens: 1e9\nagain: 0\nbudget: lots\n---\nTASK: y\n", [("bad-value", 2), ("bad-value", 3), ("bad-value", 4)]),
        (b"OUTPUTS FORMAT: list\nTASK: x\n", [("unknown-section", 1)]),
        (b"TASK: x\n<!-- y\n", [("unclosed-comment", 2)]),
        (b"SCOPE: ../x, ~/y, C:\\z\n", [("bad-path", 1), ("bad-path", 1)]),
        (b"INPUTS: url: ftp://x.org/y\n", [("bad-url", 1)]),
        (b'OUTPUT FORMAT: json, schema: {"type": "objekt"}\n', [("bad-schema", 1)]),
    ],
)  # fmt: skip
def test_a_malformed_text_has_faults(text: bytes, expected: list[tuple[str, int]]) -> None:
    assert faults(text) == expected


def test_deep_yaml_and_long_junk_end_in_faults_or_a_brief() -> None:
    assert ("front-matter", 1) in faults("---\nworker: " + "[" * 5_000 + "\n---\nTASK: x\n")
    parse(b"```a\n" * 40_000, name="x")
    parse(b"TASK: " + b"[a](" * 50_000, name="x")
    parse(b"INPUTS: " + b"`a" * 50_000 + b"\n", name="x")


def test_a_backslash_makes_text_of_what_reads_as_structure() -> None:
    brief = read("## TASK\nMend what says\n\\## INPUTS\nand \\d\n")
    assert brief.task == "Mend what says\n## INPUTS\nand \\d"


def test_the_lines_of_sections_and_settings_are_known() -> None:
    assert sections(HEADINGS) == {
        "worker": 2,
        "deadline": 3,
        "after": 4,
        "budget": 5,
        "TASK": 9,
        "INPUTS": 13,
        "SCOPE": 24,
        "OUTPUT FORMAT": 30,
        "DO NOT": 33,
        "ACCEPTANCE": 39,
    }


@pytest.mark.parametrize(
    "rest",
    [
        "everything else",
        "everything else is out of bounds",
        "all other files stay untouched.",
        "the rest is off limits",
    ],
)
def test_the_rest_out_of_bounds_says_nothing_that_could_not_be_checked(rest: str) -> None:
    brief = parse(f"SCOPE: docs/; {rest}\n".encode(), name="x")

    assert isinstance(brief, Brief)
    assert (brief.scope_in, brief.scope_out, brief.scope_prose) == (("docs",), (), "")
