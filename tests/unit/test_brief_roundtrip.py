"""parse(render(b)) == b, and parsing never fails in another way than by faults."""

import string

from hypothesis import example, given, settings
from hypothesis import strategies as st

from coordinator.domain.brief import (
    Brief,
    BriefTask,
    Criterion,
    Fault,
    Input,
    Kind,
    OutputFormat,
    Prohibition,
)
from coordinator.domain.brief_text import identify, parse, render, sections, with_section
from coordinator.domain.names import ProfileName, RepoPath, TaskId

WORDS = st.sampled_from(
    [
        "TASK:",
        "INPUTS:",
        "SCOPE:",
        "##",
        "#",
        "in:",
        "out:",
        ";",
        ",",
        "-",
        "*",
        "```",
        "~~~",
        "`a`",
        "docs/a.md",
        "**/*.md",
        "/re/",
        "/a/",
        "\\",
        "\\#",
        "<!--",
        "-->",
        "---",
        "schema:",
        '{"type":"object"}',
        "check:",
        "only:",
        "exists:",
        "matches:",
        "path:",
        "glob:",
        "from:",
        "url:",
        "prose:",
        "data:",
        "https://example.com/x",
        "list",
        "json",
        "table",
        "report",
        "changes",
        "at",
        "to",
        "not",
        "except",
        "no",
        "new",
        "files",
        "more",
        "than",
        "3",
        "lines",
        "OUTPUT",
        "FORMAT",
        "DO",
        "NOT",
        "ACCEPTANCE",
        "[",
        "]",
        "1.",
        "(",
        ")",
        '"',
        "'",
        "é",
        "\u2028",
        "\x0b",
        "|",
        "$",
        "README",
        "none",
        "..",
        "/etc",
    ]
)
LINES = st.lists(WORDS, max_size=6).map(" ".join)
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
SECTIONED = st.lists(
    st.tuples(
        st.sampled_from(["## {}\n{}\n", "{}: {}\n", "# {}:\n\n{}\n", "### **{}**\n{}\n"]),
        st.sampled_from(["TASK", "INPUTS", "SCOPE", "OUTPUT FORMAT", "DO NOT", "ACCEPTANCE"]),
        TEXTS,
    ),
    max_size=6,
    unique_by=lambda part: part[1],
).map(lambda parts: "".join(form.format(name, body) for form, name, body in parts))
FRONT = st.sampled_from(
    [
        "",
        "---\nworker: links\n---\n",
        "---\nafter: [a, b]\ndeadline: 1h30m\nbudget: 0.5\nagain: 2\npriority: -3\n---\n",
        "---\nrecipe: route\nrecipe_with:\n  writer: a\n  sections: [A b, 'C: d']\nworkers: 2\n---\n",
        (
            "---\non_partial: land\nreview: required\ntasks:\n  - id: a\n    task: Do a.\n    inputs:\n"
            "      - from: other\n  - {id: b, inputs: [task: a as list], after: a, optional: yes}\n---\n"
        ),
        "---\ntools: [read, list]\nretries: 0\nmax_tokens: 100\ndeploy: site\ntask_type: x y\n---\n",
    ]
)


def assert_round_trip(brief: Brief) -> None:
    text = render(brief)
    again = parse(text.encode("utf-8", "surrogatepass"), name=brief.name)
    assert again == brief, text
    assert render(brief) == text
    assert identify(brief) == identify(again)


@given(FRONT, SECTIONED)
@example(front="", body="## TASK\nSCOPE: ## , except\n")
@settings(max_examples=150, deadline=None)
@example("", "TASK: \\## INPUTS\n\n\\```\nx\n")
@example("", "## TASK\n```a\n  TASK: x\n```\n## DO NOT\n- \\\n  INPUTS: x\n")
@example("", 'SCOPE: `a;b.md`, "c d.md"; not `x`; prose here\n')
@example("", 'OUTPUT FORMAT: json\n```json\n{"a": 1}\n```\nschema: {"enum": [1]}\n')
def test_what_was_parsed_is_parsed_again_from_its_canonical_text(front: str, body: str) -> None:
    brief = parse((front + body).encode(), name="x")
    if isinstance(brief, Brief):
        assert_round_trip(brief)
    else:
        assert brief
        lines = (front + body).count("\n") + 1
        assert all(0 <= fault.line <= lines for fault in brief)
        assert all(fault.message and fault.hint and fault.code for fault in brief)


PATHS = st.text(
    string.ascii_letters + string.digits + " ._-é`\n;,'\"<", min_size=1, max_size=12
).map(lambda text: "d/" + text.strip().strip("/") + "x")
GLOBS = PATHS.map(lambda path: f"{path}/**/*.md")
PLAIN = st.text(string.ascii_letters + " ,.;:#`\\é", min_size=1, max_size=30).map(
    lambda text: "w " + " ".join(text.split()) + " w"
)
INPUTS = st.one_of(
    PATHS.map(lambda value: Input(kind="path", value=value)),
    GLOBS.map(lambda value: Input(kind="glob", value=value)),
    st.builds(
        Input,
        kind=st.just("data"),
        value=st.text(string.printable.replace("\r", ""), max_size=60),
        label=st.sampled_from(["", "csv", "json x"]),
    ),
    st.just(Input(kind="url", value="https://example.com/a,b;c")),
)
PROHIBITIONS = (
    Prohibition(kind="path", value="docs", text="touch docs/ or src/"),
    Prohibition(kind="path", value="src", text="touch docs/ or src/"),
    Prohibition(kind="prose", value="INPUTS: be rude", text="INPUTS: be rude"),
)
CRITERIA = (
    Criterion(kind="check", value="links", text="check: links"),
    Criterion(kind="schema", value='{"type": "object"}', text='schema: {"type": "object"}'),
)
EARLIER = st.builds(
    Input,
    kind=st.just("task"),
    value=st.sampled_from(["outline", "a_1"]),
    wants=st.sampled_from(["", "list", '{"type": "string"}', '{"const": "`x` as ---"}']),
)
TASKS = st.builds(
    BriefTask,
    id=st.sampled_from(["a", "B-2", "c_3"]).map(TaskId),
    task=st.lists(PLAIN, max_size=3).map("\n".join),
    inputs=st.tuples(
        st.lists(INPUTS, unique=True, max_size=3), st.lists(EARLIER, unique=True, max_size=2)
    ).map(lambda pair: (*pair[0], *pair[1])),
    scope_in=st.lists(st.one_of(PATHS, GLOBS), unique=True, max_size=2).map(tuple),
    scope_out=st.lists(PATHS, unique=True, max_size=2).map(tuple),
    scope_prose=st.lists(PLAIN, unique=True, max_size=2).map("\n".join),
    output_format=st.sampled_from(
        [
            OutputFormat(text="", kind=None),
            OutputFormat(text="changes", kind=Kind.CHANGES),
            OutputFormat(text="json", kind=Kind.JSON, json_schema={"required": ["```", "é\u2028"]}),
        ]
    ),
    guidance=st.lists(PLAIN, max_size=2).map("\n".join),
    do_not=st.sampled_from([(), PROHIBITIONS]),
    acceptance=st.sampled_from([(), CRITERIA]),
    tools=st.sampled_from([(), ("read", "list")]),
    after=st.sampled_from([(), (TaskId("a"),), (TaskId("a"), TaskId("c_3"))]),
    worker=st.sampled_from([None, ProfileName("links")]),
    task_type=st.sampled_from([None, "x y", "true"]),
    optional=st.booleans(),
)
BRIEFS = st.builds(
    Brief,
    name=st.just("x"),
    task=st.lists(PLAIN, min_size=1, max_size=3).map("\n".join),
    inputs=st.lists(INPUTS, unique=True, max_size=4).map(tuple),
    scope_in=st.lists(st.one_of(PATHS, GLOBS), unique=True, max_size=3).map(tuple),
    scope_out=st.lists(PATHS, unique=True, max_size=3).map(tuple),
    scope_prose=st.lists(PLAIN, unique=True, max_size=2).map("\n".join),
    output_format=st.just(
        OutputFormat(
            text="a JSON object at out/x.json",
            kind=Kind.JSON,
            path=RepoPath("out/x.json"),
            json_schema={"type": "object", "required": ["```", "é"]},
        )
    ),
    do_not=st.just(PROHIBITIONS),
    acceptance=st.just(CRITERIA),
    worker=st.just((ProfileName("links"),)),
    deadline_s=st.one_of(st.none(), st.floats(10, 10**6).map(lambda n: round(n, 2))),
    again=st.one_of(st.none(), st.integers(1, 9)),
    tasks=st.lists(TASKS, max_size=3).map(tuple),
    plan=st.sampled_from([None, "rules", "model"]),
    recipe=st.sampled_from([None, "route", "map-reduce"]),
    recipe_with=st.dictionaries(
        st.sampled_from(["sections", "n", "a b"]),
        st.lists(
            st.sampled_from(["3", "A, b", "null", "two\nlines: x"]), min_size=1, max_size=3
        ).map(tuple),
        max_size=2,
    ),
    workers=st.one_of(st.none(), st.integers(1, 100)),
    on_partial=st.sampled_from(["hold", "land", "fail"]),
    review=st.sampled_from([None, "required"]),
)


@given(BRIEFS)
@settings(max_examples=150, deadline=None)
def test_a_brief_made_by_hand_survives_its_text(brief: Brief) -> None:
    assert_round_trip(brief)


@given(st.one_of(st.binary(max_size=300), TEXTS.map(str.encode)))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_brief_or_faults(content: bytes) -> None:
    found = parse(content, name="x")
    assert isinstance(found, Brief) or all(isinstance(fault, Fault) for fault in found)


@given(FRONT, SECTIONED, TEXTS)
@settings(max_examples=100, deadline=None)
def test_a_section_that_is_written_anew_says_only_that(front: str, body: str, said: str) -> None:
    before = parse((front + body).encode(), name="x")
    text = with_section(front + body, "TASK", f"Mend it {said}")
    after = parse(text.encode(), name="x")
    if isinstance(before, Brief) and isinstance(after, Brief):
        assert after.model_copy(update={"task": ""}) == before.model_copy(update={"task": ""})
        assert after.task.startswith("Mend it")
        assert "TASK" in sections(text)
