"""The tools that the daemon runs: over real sockets, through an attempt's own desk, and in a real cell."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.daemon_tools import CALLS_MAX, daemon_tools
from coordinator.adapters.sandbox import WORK, Cell, CellEnded, Sandbox
from coordinator.adapters.url_checks import check
from coordinator.adapters.web import HttpWeb
from coordinator.adapters.web_tools import Tool
from coordinator.domain.names import digest
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Confinement, Policy, Profile
from coordinator.domain.worker import UngrantedTool, UnusableArgument
from tests.support import desk_site
from tests.support.patience import PATIENCE_S
from tests.support.web_server import WebServer, answer, nobody, redirect, serving
from workers.daemon_tools import DaemonTools

EVERY = ("check_url", "fetch_url", "python_exec", "web_search")
PROFILE = desk_site.profile(network="none")


class NoSandbox:
    """Runs nothing."""

    def run(self, cell: Cell) -> CellEnded:
        raise AssertionError(cell)


@contextmanager
def no_snapshot(package: ContextPackage) -> Iterator[Path]:
    raise AssertionError(package.base)
    yield Path()


def tools(policy: Policy, *granted: str) -> Mapping[str, Tool]:
    return daemon_tools(
        desk_site.spec(),
        desk_site.package().model_copy(update={"tools_available": granted or EVERY}),
        PROFILE,
        policy,
        web=HttpWeb(timeout_s_max=PATIENCE_S),
        sandbox=NoSandbox(),
        snapshot=no_snapshot,
    )


def of(server: WebServer, **fields: Any) -> Policy:
    return Policy(network_hosts=(server.host,), **fields)


def test_an_attempt_has_the_tools_that_its_package_grants_and_no_others() -> None:
    assert sorted(tools(Policy())) == sorted(EVERY)
    assert list(tools(Policy(), "read", "check_url", "shell")) == ["check_url"]


def test_check_url_says_whether_it_is_there_and_where_it_leads() -> None:
    with serving({"/": "here", "/old": redirect("/", 301)}) as server:
        call = tools(of(server))["check_url"]
        there, old, gone = (call({"url": server.url(path)}) for path in ("/", "/old", "/gone"))
        elsewhere = call({"url": "https://other.example/"})
    assert (there["status"], there["moved"], there["error"]) == (200, None, None)
    assert (old["status"], old["final_url"], old["moved"]) == (
        200,
        server.url("/"),
        server.url("/"),
    )
    assert (gone["status"], gone["answer"]) == (404, "404 Not Found")
    assert (elsewhere["status"], elsewhere["code"]) == (None, "not-allowed")
    assert elsewhere["error"] == "other.example is not in [network] hosts"


def test_fetch_url_gives_clean_bounded_text_and_the_digest_of_its_bytes() -> None:
    content = b"a\x1b[31mb" + b"x" * 1_000_000
    with serving({"/a": content, "/b": lambda h: answer(h, b"%PDF", kind="application/pdf")}) as s:
        call = tools(of(s))["fetch_url"]
        found, pdf = call({"url": s.url("/a")}), call({"url": s.url("/b")})
        gone = call({"url": s.url("/gone")})
        refused = call({"url": "file:///etc/passwd"})
    assert (found["digest"], found["size"]) == (digest(content), len(content))
    assert found["text"].startswith("abx")
    assert len(found["text"]) < 400_100
    assert (pdf["text"], pdf["error"]) == (None, "it is application/pdf, not text")
    assert (gone["status"], gone["text"]) == (404, "not here")
    assert (refused["code"], "text" in refused) == ("bad-url", False)


def test_web_search_asks_the_endpoint_of_the_house_and_shapes_what_it_says() -> None:
    results = [
        {"title": "One\x1b[0m", "url": "https://a.example/", "snippet": "s" * 2000, "rank": 1},
        {"name": "Two", "link": "https://b.example/", "content": "c\nd"},
        {"title": "no url"},
        "no object",
    ]
    pages = {
        "/list": json.dumps(results),
        "/object": json.dumps({"results": results * 20}),
        "/html": "<p>",
        "/other": "{}",
    }
    with serving(pages) as server:

        def search(path: str) -> Any:
            # Not in [network] hosts: who names the endpoint means it.
            policy = Policy(search_url=server.url(f"{path}?q="))
            return tools(policy)["web_search"]({"query": "git & co"})

        found, many = search("/list"), search("/object")
        bad = [search(path)["error"] for path in ("/html", "/other", "/gone")]
        asked = server.asked[0]
    assert asked == ("GET", "/list?q=git+%26+co")
    assert found["error"] is None
    assert found["results"][1] == {"title": "Two", "url": "https://b.example/", "snippet": "c d"}
    assert (found["results"][0]["title"], len(found["results"])) == ("One", 2)
    assert len(found["results"][0]["snippet"]) == 1000
    assert len(many["results"]) == 20
    unread = "the search failed: its answer is no JSON list of results"
    assert bad == [unread, unread, "the search failed: 404 Not Found"]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("check_url", {}, "it needs 'url', a text"),
        ("check_url", {"url": 1}, "it needs 'url', a text"),
        ("fetch_url", {"url": "https://a.example/", "method": "POST"}, "there is no argument 'method'; it takes 'url'"),
        ("web_search", {"query": "x" * 1001}, "'query' has more than 1000 characters"),
        ("web_search", {"query": "x"}, "there is no search endpoint: `search_url` of [network] names one"),
        ("python_exec", {"code": " "}, "it needs 'code', a text"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_says_why(name: str, arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(UnusableArgument) as said:
        tools(Policy())[name](arguments)
    assert str(said.value) == why


def test_a_tool_can_be_called_so_many_times_by_one_attempt() -> None:
    call = tools(Policy())["web_search"]
    for _ in range(CALLS_MAX["web_search"]):
        with pytest.raises(UnusableArgument, match="no search endpoint"):
            call({"query": "x"})
    with pytest.raises(UnusableArgument, match="called 100 times: no more"):
        call({"query": "x"})


@contextmanager
def desk(tmp_path: Path, policy: Policy, *granted: str) -> Iterator[DaemonTools]:
    """Yields the tools as a worker has them: over the socket of its attempt."""
    desks = AttemptDesks(tmp_path, environment={}, tools=lambda *_: tools(policy, *granted))
    package = desk_site.package()
    with desks.open(desk_site.spec(), package, PROFILE, policy) as opened:
        yield DaemonTools(opened.connection)


def test_a_worker_without_a_network_checks_many_urls_over_its_socket(tmp_path: Path) -> None:
    with nobody() as silent, serving({f"/{n}": "x" for n in range(30)}) as server:
        policy = Policy(network_hosts=(server.host, silent))
        urls = [server.url(f"/{n}") for n in range(40)] * 2
        urls += [f"http://{silent}/", "http://other.example/"]
        with desk(tmp_path, policy, "check_url") as remote:
            found = check(urls, remote.call, within_s=PATIENCE_S, used=lambda: None)
        asked = [path for method, path in server.asked if method == "HEAD"]
    assert len(found) == 42
    assert [found[server.url(f"/{n}")].problem for n in range(40)] == [""] * 30 + ["dead"] * 10
    assert found[f"http://{silent}/"].problem == "unreachable"
    assert found["http://other.example/"].problem == "not-allowed"
    assert sorted(asked) == sorted(f"/{n}" for n in range(40))


def test_what_is_not_granted_ends_the_attempt_whoever_asks(tmp_path: Path) -> None:
    with desk(tmp_path, Policy(), "fetch_url") as remote, pytest.raises(UngrantedTool):
        check(["https://a.example/"], remote.call, within_s=PATIENCE_S, used=lambda: None)


def test_what_has_no_answer_in_time_is_left_unchecked() -> None:
    def ask(name: str, arguments: Mapping[str, Any]) -> str:
        raise AssertionError(name)

    found = check(["https://a.example/"], ask, within_s=0, used=lambda: None)
    assert found["https://a.example/"].problem == "unchecked"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "data.txt").write_text("base\n")
    return tree


def ran(tmp_path: Path, tree: Path, code: str, *, confinement: Any = "strict") -> Any:
    held: list[str] = []

    @contextmanager
    def snapshot(package: ContextPackage) -> Iterator[Path]:
        held.append(package.base)
        yield tree

    package = desk_site.package().model_copy(update={"tools_available": ("python_exec",)})
    profile = Profile(name=PROFILE.name, kind="claude", confinement=confinement)
    call = daemon_tools(
        desk_site.spec(),
        package,
        profile,
        Policy(confinement=Confinement()),
        web=HttpWeb(timeout_s_max=PATIENCE_S),
        sandbox=Sandbox(tmp_path / "sandbox"),
        snapshot=snapshot,
    )["python_exec"]
    said = call({"code": code})
    assert held == [package.base]
    return said


def test_python_exec_runs_beside_the_base_and_gives_what_was_printed(
    tmp_path: Path, tree: Path
) -> None:
    code = f"""
import sys, json
print(json.dumps([open("{WORK}/data.txt").read(), sys.flags.isolated]))
print("\\x1b[31mred", file=sys.stderr)
sys.exit(3)
"""
    said = ran(tmp_path, tree, code)
    assert (said["code"], said["stopped"]) == (3, None)
    assert json.loads(said["stdout"]) == ["base\n", 1]
    assert said["stderr"] == "red\n"


def test_python_exec_has_no_network_and_cannot_change_the_base(tmp_path: Path, tree: Path) -> None:
    with serving({"/": "secret"}) as server:
        code = f"""
import urllib.request
try:
    print(urllib.request.urlopen("{server.url("/")}", timeout=250).read())
except OSError as error:
    print("no network")
try:
    open("{WORK}/data.txt", "w")
except OSError:
    print("read only")
"""
        said = ran(tmp_path, tree, code)
        assert (said["stdout"], server.asked) == ("no network\nread only\n", []), said
        assert (tree / "data.txt").read_text() == "base\n"
        # The same program reaches both where nothing confines it.
        bare = ran(tmp_path, tree, code.replace(WORK, str(tree)), confinement="none")
        assert "secret" in bare["stdout"]
        assert len(server.asked) == 1
    assert (tree / "data.txt").read_text() == ""


def test_python_exec_ends_at_its_limits(tmp_path: Path, tree: Path) -> None:
    said = ran(tmp_path, tree, "while True: print('x' * 10_000)")
    assert said["code"] is None
    assert "output" in said["stopped"]
    assert len(said["stdout"]) < 100_100
