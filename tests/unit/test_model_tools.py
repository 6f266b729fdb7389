"""What the tools of a model show, and what they take, beyond what the workers' own tests see."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from coordinator.domain.names import Oid, RepoPath
from coordinator.domain.worker import PastCommit, UngrantedTool, UnusableArgument
from tests.support.memory_tools import MemoryTools, package
from workers import edited, model_tools
from workers.model_tools import Result, Toolbox
from workers.tool_list import offered

EVERY = frozenset({"list", "glob", "read", "grep", "log", "blame", "show", "file_write"})
PAST = (
    PastCommit(oid=Oid("ab" * 20), author="A Person", timestamp=86_400, subject="Go on"),
    PastCommit(oid=Oid("cd" * 20), author="A Person", timestamp=0, subject="Begin"),
)


class NoDaemon:
    """RemoteTools that grant nothing."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        raise UngrantedTool(name)


def toolbox(files: Mapping[str, str | bytes], *, tools: frozenset[str] = EVERY) -> Toolbox:
    asked = package("Mend it.", kind="changes", tools=tools)
    return Toolbox(asked, MemoryTools(files, granted=tools, past=PAST), NoDaemon())


def test_a_long_file_is_read_in_parts() -> None:
    box = toolbox({"a.txt": "".join(f"line {n}\n" for n in range(1, 2_001))})
    first = box.call("read", {"path": "a.txt"}).text
    assert first.startswith("line 1\nline 2\n")
    assert first.endswith("line 1000\n\n[lines 1 to 1000 of 2000]")
    part = box.call("read", {"path": "a.txt", "first_line": 1_999, "lines": 5}).text
    assert part == "line 1999\nline 2000\n\n[lines 1999 to 2000 of 2000]"


def test_no_result_is_longer_than_a_model_should_get() -> None:
    box = toolbox({"a.txt": "x" * 100_000, **{f"f{n:05}": "" for n in range(3_000)}})
    for name, arguments in (("read", {"path": "a.txt"}), ("glob", {"pattern": "**"})):
        text = box.call(name, arguments).text
        assert len(text) < model_tools.RESULT_CHARS_MAX + 100
    assert box.call("glob", {"pattern": "f*"}).text.endswith("and 2000 more: narrow it")


def test_history_is_told_in_lines() -> None:
    box = toolbox({"a.md": "one\ntwo\n"})
    assert box.call("log", {"path": "a.md", "count": 2}).text == (
        "ababababab 1970-01-02 A Person: Go on\ncdcdcdcdcd 1970-01-01 A Person: Begin"
    )
    assert box.call("blame", {"path": "a.md", "first_line": 2}).text == (
        "2 ababababab 1970-01-02 A Person: two\n\n[lines 2 to 2 of 2]"
    )
    assert box.call("show", {"commit": "abababa", "path": "a.md"}).text == "one\ntwo\n"
    assert box.call("show", {"commit": "abababa"}).text == "commit abababa\n"
    assert box.call("show", {"commit": "eeeeeee"}).failed
    assert box.call("blame", {"path": "gone.md"}).failed


@pytest.mark.parametrize("content", [b"caf\xe9\r\nteh\r\n", b"\xff\xfeteh"])
def test_bytes_that_are_no_utf8_survive_an_edit(content: bytes) -> None:
    box = toolbox({"a.txt": content})
    assert not box.call("edit", {"path": "a.txt", "old": "teh", "new": "the"}).failed
    changes = box.changes("Mended.")
    assert changes is not None
    (edit,) = changes.edits
    assert base64.b64decode(edit.content_b64 or "") == content.replace(b"teh", b"the")


def test_a_binary_file_is_not_shown_and_not_edited() -> None:
    box = toolbox({"a.bin": b"\0teh"})
    assert box.call("read", {"path": "a.bin"}) == Result("a.bin is no text", failed=True)
    assert box.call("edit", {"path": "a.bin", "old": "teh", "new": "the"}).failed


def test_a_file_that_was_deleted_is_gone_and_may_be_made_again() -> None:
    box = toolbox({"a.md": "one\n"})
    box.call("delete", {"path": "a.md"})
    assert box.call("read", {"path": "a.md"}).failed
    assert box.call("delete", {"path": "a.md"}).failed
    box.call("write", {"path": "a.md", "content": "one\n"})
    assert box.changes("x") is None


def test_edits_have_a_limit_together() -> None:
    box = toolbox({})
    half = "x" * (edited.EDITED_BYTES_MAX // 2)
    assert not box.call("write", {"path": "a", "content": half}).failed
    assert not box.call("write", {"path": "b", "content": half}).failed
    assert "all edits together" in box.call("write", {"path": "c", "content": "x"}).text
    assert not box.call("write", {"path": "a", "content": ""}).failed  # what goes makes room
    assert not box.call("write", {"path": "c", "content": "x"}).failed


def test_a_grant_to_write_is_enough_to_edit_and_does_not_offer_to_read() -> None:
    tools = frozenset({"file_write"})
    box = toolbox({"a.md": "teh"}, tools=tools)
    assert not box.call("edit", {"path": "a.md", "old": "teh", "new": "the"}).failed
    assert box.changes("x") is not None
    with pytest.raises(UngrantedTool, match="read"):
        box.call("read", {"path": "a.md"})


def test_every_tool_has_a_schema_that_model_servers_take() -> None:
    everything = EVERY | {"check_url", "fetch_url", "web_search", "python_exec"}
    tools = offered(package("x", kind="changes", tools=everything))
    assert {tool.grant for tool in tools} - {""} == everything
    assert len({tool.name for tool in tools}) == len(tools)
    for tool in tools:
        json.dumps(tool.schema)
        assert tool.schema["additionalProperties"] is False
        assert set(tool.schema["required"]) <= set(tool.schema["properties"])
        for part in tool.schema["properties"].values():
            assert part["description"]


def test_a_fault_of_the_daemon_is_told_to_the_model() -> None:
    class Broken:
        def call(self, name: str, arguments: Mapping[str, Any]) -> str:
            raise UnusableArgument(f"{name} did not answer")

    tools = frozenset({"check_url"})
    box = Toolbox(package("x", tools=tools), MemoryTools({}, granted=tools), Broken())
    told = box.call("check_url", {"url": "https://a.example/"})
    assert told == Result("check_url did not answer", failed=True)


def test_a_path_is_a_path_however_it_is_written() -> None:
    box = toolbox({"docs/a.md": "one\n"})
    assert box.call("read", {"path": "./docs/a.md"}).text == "one\n"
    assert box.call("list", {"folder": "./docs/"}).text == "a.md"
    assert box.call("list", {"folder": "."}).text == "docs/"
    box.call("edit", {"path": "./docs/a.md", "old": "one", "new": "two"})
    changes = box.changes("x")
    assert changes is not None
    assert [edit.path for edit in changes.edits] == [RepoPath("docs/a.md")]
