import pytest

from coordinator import config
from coordinator.domain.errors import ConfigError
from coordinator.domain.policy import CommandLine, Limits, Price, Profile
from coordinator.domain.profiles import TOKENS_WITHOUT_MODEL_MAX

SCOUT = b"""---
name: scout
description: Looks for what is out of date
tools: Read, Grep, Glob
model: some-model-1
maxTurns: 7
effort: low
---
You look for what is out of date.
"""
FORMAT = b"""---
kind: command
description: A formatter
command: [tool, --fix, "{scope}"]
capabilities: [format]
returns: [changes]
ok_codes: [0, 1]
read: [/opt/tools]
limits: {wall_clock_s: 60, memory_mb: 500, cost_usd: 9}
---
"""


def read(**texts: bytes) -> tuple[Profile, ...]:
    return config.read_policy(None, {f"{n}.md": t for n, t in texts.items()}).profiles


def faults(**texts: bytes) -> list[str]:
    with pytest.raises(ConfigError) as error:
        read(**texts)
    return str(error.value).splitlines()


def test_a_file_of_claude_code_is_a_worker_as_it_stands() -> None:
    scout = read(scout=SCOUT)[0]
    assert (scout.name, scout.kind, scout.model, scout.effort) == (
        "scout",
        "claude",
        "some-model-1",
        "low",
    )
    assert scout.tools == {"read", "grep", "glob"}
    assert scout.limits.turns_max == 7
    assert scout.system == "You look for what is out of date."
    assert (scout.network, scout.endpoint, scout.confinement) == ("model", "anthropic", "strict")


def test_what_asks_no_model_is_not_bound_by_tokens_unless_its_file_says_so() -> None:
    form, asks, says = (
        read(format=FORMAT)[0],
        read(format=FORMAT.replace(b"kind: command", b"kind: command\nnetwork: model"))[0],
        read(format=FORMAT.replace(b"{wall_clock_s", b"{tokens: 5, wall_clock_s"))[0],
    )
    assert form.limits.tokens_max == TOKENS_WITHOUT_MODEL_MAX
    assert asks.limits.tokens_max == read(scout=SCOUT)[0].limits.tokens_max == Limits().tokens_max
    assert says.limits.tokens_max == 5


def test_a_command_says_how_it_is_run_and_costs_nothing() -> None:
    form = read(format=FORMAT)[0]
    assert (form.name, form.kind, form.network, form.endpoint) == ("format", "command", "none", "")
    assert form.command == CommandLine(argv=("tool", "--fix", "{scope}"), ok_codes=(0, 1))
    assert (form.limits.wall_clock_s_max, form.limits.memory_bytes_max) == (60.0, 500_000_000)
    assert form.limits.cost_usd_max == 0
    assert form.read == ("/opt/tools",)
    assert form.output_kinds == {"changes"}


def test_a_command_that_asks_a_model_may_cost_money() -> None:
    asks = b"---\nkind: command\ncommand: ask\nnetwork: model\nendpoint: openai\nmodel: m-1\n---\n"
    found = read(x=asks)[0]
    assert (found.network, found.endpoint, found.limits.cost_usd_max) == ("model", "openai", 1.0)


def test_a_command_in_one_text_is_a_shell_line() -> None:
    found = read(x=b"---\nkind: command\ncommand: make report\n---\n")[0]
    assert found.command.argv == ("sh", "-c", "make report")


def test_a_price_is_for_a_million_tokens() -> None:
    text = SCOUT.replace(b"effort: low", b"price: {input: 2, output: 10}")
    scout = read(scout=text)[0]
    assert scout.price == Price(input_usd=2.0, output_usd=10.0)
    assert scout.usd_per_token == 2 / 1_000_000


def test_own_workers_come_before_the_built_in_ones_and_may_replace_them() -> None:
    names = [profile.name for profile in read(scout=SCOUT)]
    assert names == ["scout", "sitemap", "links", "search", "merge", "copy"]
    links = b"---\nkind: command\ncommand: my-links\ncapabilities: [links]\n---\n"
    found = read(links=links)
    assert [(p.name, p.kind) for p in found if p.name == "links"] == [("links", "command")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"no front matter\n", "it must begin with front matter between two lines of ---"),
        (b"---\nname: x\n", "it must begin with front matter between two lines of ---"),
        (b"---\n- a\n---\n", "front matter: must be `key: value` lines"),
        (b"---\n\xff\n---\n", "it is not UTF-8"),
        (b"---\nname: y\nmodel: m\n---\n", "name: the file of y is y.md"),
        (b"---\nkind: tool\n---\n", "kind: workers of this kind come with the coordinator"),
        (b"---\nkind: command\n---\n", "command: a worker of kind command needs one"),
        (b"---\nkind: claude\n---\n", "model: it is required; no model is built in"),
        (
            b"---\nmodel: m\ntools: [reed]\n---\n",
            "tools: there is no tool 'reed'; did you mean read?",
        ),
        (b"---\nmodel: m\nread: [tools]\n---\n", "read[0]: must be an absolute path"),
    ],
)
def test_a_fault_says_where_and_what(text: bytes, said: str) -> None:
    assert faults(x=text) == [f".orchestrator/workers/x.md: {said}"]


def test_a_fault_says_nothing_of_how_it_was_found() -> None:
    assert faults(x=b"---\nkind: command\ncommand: [true]\n---\n") == [
        ".orchestrator/workers/x.md: command[0]: must be a valid string",
        ".orchestrator/workers/x.md: command: must be a valid string",
    ]


def test_all_faults_of_all_files_come_at_once() -> None:
    found = faults(a=b"", b=b"---\nmodel: m\nmaxTurns: 0\neffrt: low\n---\n")
    assert [line.partition(":")[0] for line in found] == [
        ".orchestrator/workers/a.md",
        ".orchestrator/workers/b.md",
        ".orchestrator/workers/b.md",
    ]
