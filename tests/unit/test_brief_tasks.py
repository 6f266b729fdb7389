"""`tasks:` in front matter: read like the sections of a brief, faults by line; and what a plan makes of it."""

from coordinator.domain.brief import Brief, Fault, Input, Kind
from coordinator.domain.brief_text import parse, sections

TEXT = """\
---
tasks:
  - id: outline
    task: Say what the guide is about.
    inputs: [docs/guide.md]
    scope: docs/; docs/old/
    output: a list
    guidance: Read the files with `read`.
    do_not: [change anything]
    acceptance:
      - matches: /guide/
      - check: links
  - id: write
    task: |
      Write it.
    inputs:
      - from: task:outline as list
      - {task: outline, as: {type: string}}
      - docs/guide.md
      - from: other
    scope:
      in: docs/
      out: [docs/a.md, docs/b.md]
    output: |
      a JSON object
      ```json
      {"type": "object"}
      ```
    guidance: Go on.
    after: outline
    worker: links
    optional: yes
---
TASK: Write the guide anew.
INPUTS: docs/
SCOPE: docs/
OUTPUT FORMAT: json
"""


def brief(text: str = TEXT) -> Brief:
    found = parse(text.encode(), name="x")
    assert isinstance(found, Brief), found
    return found


def faults(text: str) -> list[tuple[str, int]]:
    found = parse(text.encode(), name="x")
    assert isinstance(found, tuple), found
    assert all(isinstance(fault, Fault) and fault.section == "front matter" for fault in found)
    return [(fault.code, fault.line) for fault in found]


def test_each_setting_of_a_task_is_read_as_the_section_of_that_name() -> None:
    outline, write = brief().tasks
    assert outline.task == "Say what the guide is about."
    assert outline.inputs == (Input(kind="path", value="docs/guide.md"),)
    assert (outline.scope_in, outline.scope_out) == (("docs",), ("docs/old",))
    assert outline.output_format.kind is Kind.LIST
    assert [(c.kind, c.value) for c in outline.acceptance] == [
        ("matches", "/guide/"),
        ("check", "links"),
    ]
    assert [p.value for p in outline.do_not] == ["**"]
    assert write.scope_out == ("docs/a.md", "docs/b.md")
    assert write.output_format.json_schema == {"type": "object"}
    assert (write.after, write.worker, write.optional) == (("outline",), "links", True)


def test_what_earlier_tasks_return_stands_behind_what_the_repository_gives() -> None:
    assert brief().tasks[1].inputs == (
        Input(kind="path", value="docs/guide.md"),
        Input(kind="from", value="other"),
        Input(kind="task", value="outline", wants="list"),
        Input(kind="task", value="outline", wants='{"type": "string"}'),
    )


def test_a_brief_waits_for_what_one_of_its_tasks_takes_from_another_brief() -> None:
    assert brief().after == ("other",)


def test_faults_in_tasks_have_the_line_they_stand_on() -> None:
    text = (
        TEXT.replace("after: outline", "aftr: outline")
        .replace('{"type": "object"}', '{"type": "objec"}')
        .replace("[docs/a.md, ", "[/etc/a.md, ")
        .replace("worker: links", "worker: [links, sitemap]")
        .replace("outline as list", "outline as lists")
    )
    assert faults(text) == [
        ("bad-value", 17),
        ("bad-path", 22),
        ("bad-schema", 26),
        ("unknown-key", 30),
        ("bad-value", 31),
    ]


def test_a_list_of_tasks_has_mappings_with_an_id_each() -> None:
    rest = TEXT[TEXT.index("---\nTASK") :]
    assert faults(f"---\ntasks: outline\n{rest}") == [("bad-value", 2)]
    assert faults(f"---\ntasks:\n  - outline\n  - task: Do it.\n  - id: a b\n{rest}") == [
        ("bad-value", 3),
        ("bad-value", 4),
        ("bad-value", 5),
    ]
    assert faults(f"---\ntasks:\n  - id: a\n    id: b\n    task: [{{a: [b, {{}}]}}]\n{rest}") == [
        ("duplicate-key", 4)
    ]


def test_a_section_inside_of_a_task_is_a_fault_and_not_another_section() -> None:
    text = TEXT.replace("      Write it.\n", "      Write it.\n      SCOPE: everything\n")
    assert faults(text) == [("bad-value", 14)]


def test_an_alias_that_holds_itself_is_no_endless_text() -> None:
    rest = TEXT[TEXT.index("---\nTASK") :]
    text = f"---\ntasks:\n  - id: a\n    inputs: [{{x: &x [*x]}}]\n{rest}"
    assert faults(text)[0][0] == "bad-value"


def test_a_task_has_the_line_on_which_it_begins() -> None:
    found = sections(TEXT)
    assert (found["tasks"], found["tasks:outline"], found["tasks:write"]) == (3, 3, 13)


def test_the_settings_of_a_split_are_on_the_brief() -> None:
    front = "workers: 2\non_partial: land\nreview: required\nrecipe_with: {n: 3, sections: [A, 'B, c']}\n"
    made = brief(TEXT.replace("---\n", f"---\n{front}", 1))
    assert (made.workers, made.on_partial, made.review) == (2, "land", "required")
    assert made.recipe_with == {"n": ("3",), "sections": ("A", "B, c")}
