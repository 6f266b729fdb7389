"""Workers that ask a model, against a server that speaks the wire format of either API over a unix socket."""

import gc
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from coordinator.domain.names import ProfileName
from coordinator.domain.output import Changes, CouldNot, Output, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Limits, Profile
from coordinator.domain.worker import WorkerFailure
from tests.support.memory_tools import MemoryTools, package, written
from tests.support.model_server import TOKEN, Api, Fails, Heard, Says, serving
from workers.claude import Claude
from workers.conversation import RETRIES_MAX
from workers.openai_compatible import OpenAICompatible

GRANTED = frozenset({"list", "glob", "read", "grep", "file_write"})
FILES: dict[str, str | bytes] = {
    "README.md": "# Title\n\nTeh text.\n",
    "docs/a.md": "one\ntwo\n",
    "run.sh": "#!/bin/sh\necho teh\n",
}
REPORT = {"kind": "report", "text": "All is well.", "why": ""}
DONE = {"kind": "changes", "summary": "Mended a typing error.", "text": "", "why": ""}
EDIT = ("edit", {"path": "README.md", "old": "Teh", "new": "The"})


@dataclass
class Desk:
    """One attempt of a worker of either kind, and what came over the wire."""

    api: Api
    folder: Path
    pauses: list[float] = field(default_factory=list)
    alive: int = 0
    heard: Heard = field(default_factory=Heard)

    def work(
        self,
        asked: ContextPackage,
        *script: Says | Fails,
        remote: dict[str, tuple[int, Any]] | None = None,
        files: dict[str, str | bytes] | None = None,
        **fields: Any,
    ) -> Output:
        profile = Profile(name=ProfileName("brain"), model="a-model", **fields)
        tools = MemoryTools(
            FILES if files is None else files,
            granted=frozenset(asked.tools_available),
            executables=frozenset({"run.sh"}),
        )
        kind: Callable[..., Any] = Claude if self.api == "anthropic" else OpenAICompatible
        with serving(self.folder, *script, tools=remote) as server:
            self.heard = server.heard
            worker = kind(profile, server.connection, alive=self._beat, pause=self.pauses.append)
            output = worker.work(asked, tools)
        assert isinstance(output, Output)
        return output

    def results(self, number: int) -> list[tuple[str, bool]]:
        """Returns what request `number` says of tool calls: text, and whether it failed."""
        messages = self.heard.requests[number]["messages"]
        if self.api == "anthropic":
            blocks = messages[-1]["content"]
            found = [block for block in blocks if block["type"] == "tool_result"]
            return [(block["content"], block["is_error"]) for block in found]
        said = [m["content"] for m in messages if m["role"] == "tool"]
        return [(text, text.startswith("error: ")) for text in said]

    def last_words(self, number: int) -> str:
        """Returns the text of the last message of request `number`."""
        content = self.heard.requests[number]["messages"][-1]["content"]
        return str(content if isinstance(content, str) else content[-1]["text"])

    def _beat(self) -> None:
        self.alive += 1


@pytest.fixture(params=["anthropic", "openai"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    return Desk(api=request.param, folder=tmp_path)


def stopped(api: Api, anthropic: str, openai: str) -> str:
    return anthropic if api == "anthropic" else openai


def test_a_report_comes_back_with_what_it_used(desk: Desk) -> None:
    output = desk.work(package("Look."), Says(text=json.dumps(REPORT), tokens=(70, 9)))
    assert output.body == Report(text="All is well.\n")
    assert (output.usage.tokens_in, output.usage.tokens_out) == (70, 9)
    assert output.usage.cost_usd is None  # who holds the key knows


def test_the_request_holds_the_package_the_model_and_the_token_of_the_attempt(desk: Desk) -> None:
    asked = package("Look closely.", tools=GRANTED)
    said = Says(text=json.dumps(REPORT))
    desk.work(asked, said, system="Be terse.", effort="low", output_tokens_max=777)
    (request,) = desk.heard.requests
    (headers,) = desk.heard.headers
    assert request["model"] == "a-model"
    assert request["max_tokens"] == 777
    assert request["stream"] is True
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert "Look closely." in json.dumps(request["messages"])
    if desk.api == "anthropic":
        assert request["system"] == [{"type": "text", "text": "Be terse."}]
        assert request["output_config"]["effort"] == "low"
        schema = request["output_config"]["format"]["schema"]
        tools = [tool["name"] for tool in request["tools"]]
    else:
        assert request["messages"][0] == {"role": "system", "content": "Be terse."}
        assert request["reasoning_effort"] == "low"
        schema = request["response_format"]["json_schema"]["schema"]
        tools = [tool["function"]["name"] for tool in request["tools"]]
    assert schema["properties"]["kind"]["enum"] == ["report", "could_not"]
    assert tools == ["list", "glob", "read", "grep", "could_not"]  # nothing is written for a report


def test_tools_read_the_base_and_what_they_cost_is_summed(desk: Desk) -> None:
    output = desk.work(
        package("Look.", tools=GRANTED),
        Says(calls=[("list", {}), ("read", {"path": "docs/a.md"})], tokens=(10, 1)),
        Says(calls=[("grep", {"pattern": "(?i)teh", "glob": "**/*.md"})], tokens=(20, 2)),
        Says(calls=[("glob", {"pattern": "*.sh"})], tokens=(30, 3)),
        Says(text=json.dumps(REPORT), tokens=(40, 4)),
    )
    assert desk.results(1) == [("README.md\ndocs/\nrun.sh", False), ("one\ntwo\n", False)]
    assert desk.results(2)[-1] == ("README.md:3:Teh text.", False)
    assert desk.results(3)[-1] == ("run.sh", False)
    assert (output.usage.tokens_in, output.usage.tokens_out) == (100, 10)


def test_changes_are_what_the_edit_tools_made_and_files_keep_their_mode(desk: Desk) -> None:
    output = desk.work(
        package("Mend it.", kind="changes", tools=GRANTED),
        Says(calls=[EDIT, ("edit", {"path": "run.sh", "old": "teh", "new": "the"})]),
        Says(calls=[("read", {"path": "README.md"}), ("write", {"path": "n.md", "content": "n"})]),
        Says(calls=[("delete", {"path": "docs/a.md"}), ("list", {}), ("grep", {"pattern": "."})]),
        Says(text=json.dumps(DONE)),
    )
    assert isinstance(output.body, Changes)
    assert output.body.summary == "Mended a typing error."
    assert written(output) == {
        "README.md": "# Title\n\nThe text.\n",
        "docs/a.md": "",
        "n.md": "n",
        "run.sh": "#!/bin/sh\necho the\n",
    }
    by_path = {edit.path: edit for edit in output.body.edits}
    assert by_path[next(p for p in by_path if p == "docs/a.md")].content_b64 is None
    assert [edit.mode for edit in output.body.edits] == ["100644", "100644", "100644", "100755"]
    assert "The text." in desk.results(2)[-2][0]  # it sees what it has changed
    listed, grepped = desk.results(3)[-2:]
    assert listed == ("README.md\nn.md\nrun.sh", False)
    assert "n.md:1:n" in grepped[0]
    assert "docs" not in grepped[0]


def test_an_edit_that_is_undone_is_no_change(desk: Desk) -> None:
    back = ("edit", {"path": "README.md", "old": "The", "new": "Teh"})
    noop = {"kind": "could_not", "why": "noop", "text": "Nothing to do.", "summary": ""}
    output = desk.work(
        package("Mend it.", kind="changes", tools=GRANTED),
        Says(calls=[EDIT, back]),
        Says(text=json.dumps(DONE)),
        Says(text=json.dumps(noop)),
    )
    assert "no file differs from the base" in desk.last_words(2)
    assert output.body == CouldNot(why="noop", text="Nothing to do.")


def test_prose_beside_edits_is_their_summary(desk: Desk) -> None:
    output = desk.work(
        package("Mend it.", kind="changes", tools=GRANTED),
        Says(calls=[EDIT]),
        Says(text="\nI mended the word.\nBye."),
    )
    assert isinstance(output.body, Changes)
    assert output.body.summary == "I mended the word."


@pytest.mark.parametrize("how", ["tool", "answer"])
def test_a_model_that_cannot_says_why(desk: Desk, how: str) -> None:
    why = {"why": "question", "text": "Which English?"}
    said = (
        Says(calls=[("could_not", why)])
        if how == "tool"
        else Says(text=json.dumps({"kind": "could_not", **why}))
    )
    output = desk.work(package("Mend it.", kind="changes", tools=GRANTED), said)
    assert output.body == CouldNot(why="question", text="Which English?")
    assert output.usage.tokens_in == 100


def test_a_change_without_the_grant_to_write_costs_nothing(desk: Desk) -> None:
    asked = package("Mend it.", kind="changes", tools=frozenset({"read"}))
    output = desk.work(asked, Says(text=json.dumps(DONE)))
    assert isinstance(output.body, CouldNot)
    assert output.body.why == "missing_tool"
    assert desk.heard.requests == []


BAD_CALLS = [
    ("read", {"path": "gone.md"}, "there is no file gone.md"),
    ("read", {}, "read needs the argument 'path'"),
    ("read", {"path": 7}, "'path' of read must be a string"),
    ("read", {"path": "README.md", "first_line": True}, "must be a whole number"),
    ("read", {"path": "README.md", "first_line": 9}, "first_line must be from 1 to 3"),
    ("read", {"file": "README.md"}, "has no argument 'file'; it takes path, first_line, lines"),
    ("list", {"folder": "gone"}, "there is no folder gone"),
    ("grep", {"pattern": "("}, "is no regular expression"),
    ("edit", {"path": "README.md", "old": "zz", "new": "y"}, "`old` is not in README.md"),
    ("edit", {"path": "README.md", "old": "e", "new": "y"}, "`old` is 3 times in README.md"),
    ("edit", {"path": "gone.md", "old": "x", "new": "y"}, "there is no file gone.md"),
    ("write", {"path": "../x", "content": ""}, "is no path of a file"),
    ("write", {"path": "/etc/x", "content": ""}, "is no path of a file"),
    ("write", {"path": "a//b", "content": ""}, "is no path of a file"),
    ("write", {"path": "other/x", "content": ""}, "SCOPE does not let other/x be changed"),
    ("write", {"path": "briefs/x", "content": ""}, "SCOPE does not let briefs/x be changed"),
    ("write", {"path": ".git/config", "content": ""}, "SCOPE does not let .git/config"),
    ("delete", {"path": "docs/gone.md"}, "there is no file docs/gone.md"),
    ("could_not", {"why": "tired", "text": "x"}, '"why" is "tired"'),
]


@pytest.mark.parametrize(("name", "arguments", "told"), BAD_CALLS)
def test_a_bad_call_is_told_to_the_model_which_goes_on(
    desk: Desk, name: str, arguments: dict[str, Any], told: str
) -> None:
    asked = package(
        "Mend it.", kind="changes", tools=GRANTED, inside=("README.md", "docs", "briefs", ".git")
    )
    output = desk.work(
        asked, Says(calls=[(name, arguments)]), Says(calls=[EDIT]), Says(text=json.dumps(DONE))
    )
    ((text, failed),) = desk.results(1)
    assert told in text
    assert failed
    assert isinstance(output.body, Changes)


def test_arguments_that_are_no_json_are_told_to_the_model(tmp_path: Path) -> None:
    desk = Desk(api="openai", folder=tmp_path)
    desk.work(
        package("Look.", tools=GRANTED),
        Says(calls=[("read", '{"path": ')]),
        Says(text=json.dumps(REPORT)),
    )
    assert "must be one JSON object" in desk.results(1)[0][0]
    (call,) = desk.heard.requests[1]["messages"][-2]["tool_calls"]
    assert call["function"]["arguments"] == "{}"  # a server takes nothing else back


@pytest.mark.parametrize("tool", ["write", "bash", "log"])
def test_a_tool_that_was_not_granted_ends_the_attempt_and_its_cost_is_kept(
    desk: Desk, tool: str
) -> None:
    with pytest.raises(WorkerFailure, match=f"it used the tool '{tool}', which") as caught:
        desk.work(package("Look.", tools=GRANTED), Says(calls=[(tool, {})], tokens=(50, 5)))
    assert (caught.value.usage.tokens_in, caught.value.usage.tokens_out) == (50, 5)
    assert len(desk.heard.requests) == 1


def test_tools_of_the_daemon_are_asked_for_over_the_same_socket(desk: Desk) -> None:
    tools = GRANTED | {"check_url", "fetch_url"}
    desk.work(
        package("Look.", tools=tools),
        Says(calls=[("check_url", {"url": "https://a.example/"})]),
        Says(calls=[("fetch_url", {"url": "https://b.example/"})]),
        Says(text=json.dumps(REPORT)),
        remote={
            "check_url": (200, {"status": 200}),
            "fetch_url": (400, {"error": {"message": "the host b.example is not granted"}}),
        },
    )
    assert desk.heard.tools[0] == ("check_url", {"url": "https://a.example/"})
    assert desk.results(1)[-1] == ('{"status": 200}', False)
    assert "fetch_url: the host b.example is not granted" in desk.results(2)[-1][0]
    assert desk.results(2)[-1][1]


def test_a_tool_that_the_daemon_does_not_grant_ends_the_attempt(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match="it used the tool 'web_search'"):
        desk.work(
            package("Look.", tools=GRANTED | {"web_search"}),
            Says(calls=[("web_search", {"query": "x"})]),
        )


def test_an_answer_that_does_not_fit_is_mended_once(desk: Desk) -> None:
    asked = package("Look.", kind="json", schema={"type": "array"})
    good = {"kind": "report", "text": "[1]", "why": ""}
    output = desk.work(asked, Says(text="I looked."), Says(text=json.dumps(good)))
    assert isinstance(output.body, Report)
    assert output.body.data == [1]
    assert "This answer cannot be used: the answer is not JSON" in desk.last_words(1)
    assert output.usage.tokens_in == 200


def test_an_answer_that_does_not_fit_twice_fails_with_what_is_wrong(desk: Desk) -> None:
    asked = package("Look.", kind="json", schema={"type": "array"})
    bad = Says(text=json.dumps({"kind": "report", "text": "{}", "why": ""}))
    with pytest.raises(
        WorkerFailure, match="also after it was told why: the JSON does not fit"
    ) as e:
        desk.work(asked, bad, bad)
    assert len(desk.heard.requests) == 2
    assert e.value.usage.tokens_in == 200


def test_a_looping_model_ends_at_its_limit_of_turns(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match="it went over its limit of 4 turns") as caught:
        desk.work(
            package("Look.", tools=GRANTED), Says(calls=[("list", {})]), limits=Limits(turns_max=4)
        )
    assert len(desk.heard.requests) == 4
    assert caught.value.usage.tokens_in == 400
    assert "one answer left" in desk.last_words(3)


def test_a_model_that_uses_up_its_tokens_is_ended(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match="it has used 1000 tokens of 1000"):
        desk.work(package("Look.", tools=GRANTED), Says(calls=[("list", {})], tokens=(450, 50)))
    assert len(desk.heard.requests) == 2


def test_an_answer_that_is_cut_fails_with_what_to_do(desk: Desk) -> None:
    said = Says(text='{"kind": "rep', stop=stopped(desk.api, "max_tokens", "length"))
    with pytest.raises(WorkerFailure, match="cut at 16000 tokens: ask for less") as caught:
        desk.work(package("Look."), said)
    assert caught.value.usage.tokens_in == 100


def test_a_refusal_fails_with_the_words_of_the_model_server(desk: Desk) -> None:
    details = {"stop_details": {"type": "refusal", "category": "cyber", "explanation": "No."}}
    said = (
        Says(stop="refusal", extra=details)
        if desk.api == "anthropic"
        else Says(extra={"refusal": "No."})
    )
    with pytest.raises(WorkerFailure, match=r"the model refused: No\.") as caught:
        desk.work(package("Look."), said)
    assert caught.value.usage.tokens_out == 10
    assert len(desk.heard.requests) == 1


def test_a_context_that_is_too_small_fails_with_that_reason(desk: Desk) -> None:
    said = (
        Says(stop="model_context_window_exceeded")
        if desk.api == "anthropic"
        else Fails(status=400, kind="exceed_context_size_error", message="too long")
    )
    with pytest.raises(WorkerFailure, match="into the model's context window"):
        desk.work(package("Look."), said)
    assert len(desk.heard.requests) == 1


def test_a_stop_that_nobody_knows_fails_with_its_name(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match="for a reason that is not known: moon") as caught:
        desk.work(package("Look."), Says(text="x", stop="moon"))
    assert caught.value.usage.tokens_in == 100


def test_a_paused_turn_goes_on_where_it_was(tmp_path: Path) -> None:
    desk = Desk(api="anthropic", folder=tmp_path)
    output = desk.work(
        package("Look."), Says(text="Hm.", stop="pause_turn"), Says(text=json.dumps(REPORT))
    )
    assert output.body == Report(text="All is well.\n")
    last = desk.heard.requests[1]["messages"][-1]
    assert last["role"] == "assistant"
    assert last["content"][0]["text"] == "Hm."


def test_the_package_and_what_came_after_it_are_cached(tmp_path: Path) -> None:
    desk = Desk(api="anthropic", folder=tmp_path)
    output = desk.work(
        package("Look.", tools=GRANTED),
        Says(calls=[("list", {})], cached=(0, 50)),
        Says(calls=[("list", {})], cached=(50, 20)),
        Says(text=json.dumps(REPORT), cached=(70, 0)),
    )
    for request in desk.heard.requests:
        marked = [
            (number, len(message["content"]) - 1 - place)
            for number, message in enumerate(request["messages"])
            for place, block in enumerate(reversed(message["content"]))
            if "cache_control" in block
        ]
        ends = [(0, 0), (len(request["messages"]) - 1, 0)]
        assert marked == list(dict.fromkeys(ends))
    assert output.usage.tokens_in == 300 + 50 + 70 + 70


def test_what_the_model_said_goes_back_without_fields_of_the_sdk(tmp_path: Path) -> None:
    desk = Desk(api="anthropic", folder=tmp_path)
    desk.work(
        package("Look.", tools=GRANTED),
        Says(text="Let me see.", calls=[("list", {})]),
        Says(text=json.dumps(REPORT)),
    )
    text, call = desk.heard.requests[1]["messages"][1]["content"]
    assert text["text"] == "Let me see."
    assert set(text) <= {"type", "text", "citations"}
    assert call == {"type": "tool_use", "id": "call_0", "name": "list", "input": {}}


@pytest.mark.parametrize(("status", "kind"), [(429, "rate_limit_error"), (529, "overloaded_error")])
def test_a_busy_server_is_asked_again_and_waits_grow(desk: Desk, status: int, kind: str) -> None:
    busy = Fails(status=status, kind=kind)
    output = desk.work(package("Look."), busy, busy, busy, Says(text=json.dumps(REPORT)))
    assert output.body == Report(text="All is well.\n")
    assert desk.pauses == [1.0, 2.0, 4.0]
    assert len(desk.heard.requests) == 4
    assert len({json.dumps(request) for request in desk.heard.requests}) == 1


def test_a_server_says_how_long_to_wait(desk: Desk) -> None:
    busy = Fails(status=429, kind="rate_limit_error", headers={"retry-after": "45"})
    desk.work(package("Look."), busy, Says(text=json.dumps(REPORT)))
    assert desk.pauses == [30.0, 15.0]  # with a sign of life between


def test_a_server_that_asks_to_wait_too_long_is_not_waited_for(desk: Desk) -> None:
    busy = Fails(status=429, message="come back", headers={"retry-after": "3600"})
    with pytest.raises(WorkerFailure, match="come back; it asks to wait 3600 s"):
        desk.work(package("Look."), busy)
    assert desk.pauses == []


def test_retries_are_counted_over_the_whole_attempt(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match=rf"overloaded.*\(after {RETRIES_MAX} retries\)"):
        desk.work(
            package("Look.", tools=GRANTED),
            Fails(status=529, kind="overloaded_error", message="overloaded"),
            Says(calls=[("list", {})]),
            Fails(status=529, kind="overloaded_error", message="overloaded"),
        )
    assert len(desk.heard.requests) == RETRIES_MAX + 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_an_error_of_ours_is_not_sent_again(desk: Desk, status: int) -> None:
    with pytest.raises(WorkerFailure, match=r"the model server answered .*: not like this"):
        desk.work(package("Look."), Fails(status=status, message="not like this"))
    assert len(desk.heard.requests) == 1


def test_a_budget_that_is_used_up_is_not_asked_again(desk: Desk) -> None:
    over = Fails(status=429, message="the budget is used up", headers={"x-should-retry": "false"})
    with pytest.raises(WorkerFailure, match="the budget is used up"):
        desk.work(package("Look."), over)
    assert len(desk.heard.requests) == 1


def test_a_connection_that_breaks_in_the_middle_is_tried_again_and_its_tokens_count(
    desk: Desk,
) -> None:
    cut = Says(text=json.dumps(REPORT), cut=True)
    output = desk.work(package("Look."), cut, Says(text=json.dumps(REPORT)))
    assert output.body == Report(text="All is well.\n")
    assert desk.pauses == [1.0]
    if desk.api == "anthropic":  # the other API tells them at the end only
        assert output.usage.tokens_in == 200


def test_a_server_that_always_breaks_off_fails_with_that_reason(desk: Desk) -> None:
    with pytest.raises(WorkerFailure, match=r"answer broke off: .*after 6 retries"):
        desk.work(package("Look."), Says(text=json.dumps(REPORT), cut=True))


def test_an_error_inside_a_stream_is_tried_again(desk: Desk) -> None:
    error = Fails(status=200, kind="overloaded_error", message="busy", streamed=True)
    output = desk.work(package("Look."), error, Says(text=json.dumps(REPORT)))
    assert output.body == Report(text="All is well.\n")
    assert len(desk.heard.requests) == 2


@pytest.mark.filterwarnings(
    # httpcore2 2.16 leaves the socket open that it could not connect.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
def test_nobody_at_the_socket_is_a_failed_attempt(desk: Desk, tmp_path: Path) -> None:
    with serving(tmp_path, Says(text="x")) as server:
        gone = server.connection
    kind = Claude if desk.api == "anthropic" else OpenAICompatible
    worker = kind(
        Profile(name=ProfileName("brain"), model="a-model"), gone, pause=desk.pauses.append
    )
    with pytest.raises(WorkerFailure, match="broke off"):
        worker.work(package("Look."), MemoryTools(FILES))
    assert len(desk.pauses) == RETRIES_MAX
    gc.collect()  # here, where the warning is expected, and not in whatever test comes next


def test_waiting_for_a_model_gives_signs_of_life(desk: Desk) -> None:
    desk.work(package("Look."), Says(text=json.dumps(REPORT)))
    assert desk.alive >= 3  # before, at the head, and for what came


@pytest.mark.parametrize(
    ("told", "without", "with_"),
    [
        ("use max_completion_tokens instead", "max_tokens", "max_completion_tokens"),
        ("response_format is not supported", "response_format", "tools"),
        ("unknown field stream_options", "stream_options", "tools"),
        ("reasoning_effort: no such thing", "reasoning_effort", "tools"),
    ],
)
def test_a_parameter_that_a_server_does_not_know_is_left_out(
    tmp_path: Path, told: str, without: str, with_: str
) -> None:
    desk = Desk(api="openai", folder=tmp_path)
    refused = Fails(status=400, kind="invalid_request_error", message=told)
    desk.work(package("Look."), refused, Says(text=json.dumps(REPORT)), effort="low")
    first, second = desk.heard.requests
    assert without in first
    assert without not in second
    assert with_ in second
