import http.server
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from filelock import FileLock

from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.releases import GENERATION_FILE, REVISION_FILE
from coordinator.adapters.targets import EnvironmentTargets
from coordinator.domain.names import Environment, Oid
from coordinator.domain.policy import Target
from tests.support.patience import PATIENCE_S, with_enough
from tests.support.product_trees import Files, bare_repository, expected, plain, seen, store
from tests.support.web_server import nobody

ONE, TWO, THREE = Oid("1" * 40), Oid("2" * 40), Oid("3" * 40)
SITE = Target(environment=Environment("site"), kind="directory", path="www/site")


@pytest.fixture
def git(tmp_path: Path) -> Iterator[GitProcess]:
    with bare_repository(tmp_path) as repository:
        yield repository


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repository").mkdir()
    return tmp_path / "repository"


@pytest.fixture
def targets(git: GitProcess, repository: Path) -> EnvironmentTargets:
    return with_environment(git, repository, {})


def with_environment(
    git: GitProcess, repository: Path, more: Mapping[str, str]
) -> EnvironmentTargets:
    return EnvironmentTargets(
        git,
        repository=repository,
        scratch=repository.parent / "scratch",
        environment={"PATH": os.environ["PATH"], **more},
        look_s_max=PATIENCE_S,
    )


def command(line: str, *, live: str | None = None, timeout_s_max: float = PATIENCE_S) -> Target:
    return Target(
        environment=Environment("prod"),
        kind="command",
        command=line,
        live=live,
        timeout_s_max=timeout_s_max,
    )


def test_a_directory_holds_the_tree_and_says_what_it_is(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    files: Files = {
        **plain(**{"index.html": "<p>", "a__b.css": "b"}),
        "run": ("100755", b"#!/bin/sh\n"),
        "link": ("120000", b"index.html"),
    }
    assert targets.live(SITE) is None
    assert targets.generation(SITE) is None
    assert targets.deploy(SITE, revision=ONE, product=store(git, files), generation=1) is None
    assert (targets.live(SITE), targets.generation(SITE)) == (ONE, 1)
    found = seen((repository / "www/site").resolve())
    assert found.pop(REVISION_FILE) == ("100644", f"{ONE}\n".encode())
    assert found.pop(GENERATION_FILE) == ("100644", b"1\n")
    assert found == expected(files)
    assert str((repository / "www/site").readlink()) == f"site.releases/1-{ONE[:12]}"


def test_a_reader_never_sees_a_mixture_or_a_gap(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    def ship(number: int) -> None:
        files = plain(**{f"page{n}": f"{number}" for n in range(20)})
        revision = Oid(f"{number:040x}")
        assert (
            targets.deploy(SITE, revision=revision, product=store(git, files), generation=number)
            is None
        )

    ship(1)
    wrong: list[str] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            try:
                here = os.open(repository / "www/site", os.O_RDONLY)
            except FileNotFoundError:
                # The link was read, and what it led to is older than the kept ones by now.
                wrong.extend([] if (repository / "www/site").exists() else ["gap"])
                continue
            try:
                texts = set()
                for name in (*(f"page{n}" for n in range(20)), GENERATION_FILE):
                    file = os.open(name, os.O_RDONLY, dir_fd=here)
                    texts.add(os.read(file, 100).strip())
                    os.close(file)
            except FileNotFoundError:
                # A release older than the kept ones may go while it is read, never the standing one.
                if (repository / "www/site" / "page0").exists():
                    continue
                texts = {b"gap"}
            finally:
                os.close(here)
            if len(texts) != 1 or b"gap" in texts:
                wrong.append(repr(texts))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(2, 25):
        ship(number)
    stop.set()
    reader.join(PATIENCE_S)
    assert wrong == []
    kept = sorted(p.name for p in (repository / "www/site.releases").iterdir() if p.name[0] != ".")
    assert [name.partition("-")[0] for name in kept] == ["22", "23", "24"]


def test_rule_d1_a_lower_generation_is_refused(
    git: GitProcess, targets: EnvironmentTargets
) -> None:
    tree = store(git, plain(a="a"))
    assert targets.deploy(SITE, revision=TWO, product=tree, generation=5) is None
    assert (
        targets.deploy(SITE, revision=ONE, product=tree, generation=4)
        == "stale generation: 4 after 5"
    )
    assert (
        targets.deploy(SITE, revision=ONE, product=tree, generation=5)
        == "stale generation: 5 after 5"
    )
    assert (targets.live(SITE), targets.generation(SITE)) == (TWO, 5)


def test_the_same_generation_again_changes_nothing(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    tree = store(git, plain(a="a"))
    assert targets.deploy(SITE, revision=ONE, product=tree, generation=1) is None
    before = (repository / "www/site/a").stat().st_ino
    assert targets.deploy(SITE, revision=ONE, product=tree, generation=1) is None
    assert (repository / "www/site/a").stat().st_ino == before


def test_what_a_crash_left_half_made_is_made_anew(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    releases = repository / "www/site.releases"
    for left in (f"1-{ONE[:12]}", ".new-1-aaa"):
        (releases / left).mkdir(parents=True)
        (releases / left / "half").write_text("half")
    (releases / ".link").symlink_to("nowhere")
    tree = store(git, plain(a="a"))
    assert targets.deploy(SITE, revision=ONE, product=tree, generation=1) is None
    assert sorted(seen((repository / "www/site").resolve())) == [
        GENERATION_FILE,
        REVISION_FILE,
        "a",
    ]
    assert not (releases / ".new-1-aaa").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_what_we_did_not_make_is_not_replaced(
    git: GitProcess, targets: EnvironmentTargets, repository: Path, kind: str
) -> None:
    path = repository / "www/site"
    path.parent.mkdir()
    if kind == "folder":
        path.mkdir()
        (path / "precious").write_text("precious")
    elif kind == "file":
        path.write_text("precious")
    else:
        path.symlink_to(repository)
    reason = targets.deploy(SITE, revision=ONE, product=store(git, plain(a="a")), generation=1)
    assert reason is not None
    assert reason.endswith("move it away, or name another path in the config")
    assert not (repository / "www/site.releases").exists()
    assert kind == "link" or not path.is_symlink()


def test_an_empty_folder_may_be_taken(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    (repository / "www/site").mkdir(parents=True)
    assert (
        targets.deploy(SITE, revision=ONE, product=store(git, plain(a="a")), generation=1) is None
    )
    assert (repository / "www/site").is_symlink()


def test_a_path_that_holds_the_repository_is_refused(
    git: GitProcess, targets: EnvironmentTargets
) -> None:
    above = Target(environment=Environment("site"), kind="directory", path="..")
    reason = targets.deploy(above, revision=ONE, product=store(git, plain(a="a")), generation=1)
    assert reason is not None
    assert "holds the repository itself" in reason


def test_a_tree_with_our_file_names_is_refused(
    git: GitProcess, targets: EnvironmentTargets
) -> None:
    tree = store(git, {REVISION_FILE: ("120000", b"/etc/hostname")})
    assert (
        targets.deploy(SITE, revision=ONE, product=tree, generation=1)
        == f"the tree has a file named {REVISION_FILE}; rename it"
    )
    assert targets.live(SITE) is None


def test_two_deploys_to_one_directory_take_turns(
    git: GitProcess, targets: EnvironmentTargets, repository: Path
) -> None:
    (repository / "www/site.releases").mkdir(parents=True)
    hurried = Target(
        environment=SITE.environment, kind="directory", path="www/site", timeout_s_max=0.1
    )
    with FileLock(repository / "www/site.releases/.lock"):
        reason = targets.deploy(
            hurried, revision=ONE, product=store(git, plain(a="a")), generation=1
        )
    assert reason is not None
    assert reason.startswith("another deploy holds")


def test_a_missing_tree_is_a_reason_and_leaves_the_live_release(
    git: GitProcess, targets: EnvironmentTargets
) -> None:
    assert (
        targets.deploy(SITE, revision=ONE, product=store(git, plain(a="a")), generation=1) is None
    )
    reason = targets.deploy(SITE, revision=TWO, product=Oid("f" * 40), generation=2)
    assert reason is not None
    assert reason.startswith("could not ship: ")
    assert targets.live(SITE) == ONE


def test_a_command_gets_the_tree_and_knows_what_it_ships(git: GitProcess, repository: Path) -> None:
    out = repository / "out"
    line = (
        f"echo {{revision}} {{generation}} {{environment}} ${{HOME}} >'{out}';"
        f" env | grep ^COORDINATOR_ | sort >>'{out}'; cat a >>'{out}'; echo $MY_CREDENTIAL >>'{out}';"
        f" ls -A >>'{out}'; pwd >>'{out}'"
    )
    targets = with_environment(
        git, repository, {"MY_CREDENTIAL": "only for deploys", "HOME": "/home/x"}
    )
    tree = store(git, plain(a="text\n"))
    assert targets.deploy(command(line), revision=ONE, product=tree, generation=7) is None
    lines = out.read_text().splitlines()
    folder = lines[-1]
    assert lines == [
        f"{ONE} 7 prod /home/x",
        "COORDINATOR_ENVIRONMENT=prod",
        "COORDINATOR_GENERATION=7",
        f"COORDINATOR_REVISION={ONE}",
        f"COORDINATOR_TREE_DIR={folder}",
        "text",
        "only for deploys",
        "a",
        folder,
    ]
    assert not Path(folder).exists()


def test_an_environment_name_is_no_shell_code(git: GitProcess, repository: Path) -> None:
    target = Target(
        environment=Environment("x; touch owned"),
        kind="command",
        command=f"printf %s {{environment}} >'{repository}/out'",
    )
    targets = with_environment(git, repository, {})
    assert targets.deploy(target, revision=ONE, product=store(git, {}), generation=1) is None
    assert (repository / "out").read_text() == "x; touch owned"


def test_a_failing_command_says_why_without_our_credentials(
    git: GitProcess, repository: Path
) -> None:
    targets = with_environment(git, repository, {"DEPLOY_TOKEN": "tok-123456", "SHORT_KEY": "ab"})
    line = "echo using $DEPLOY_TOKEN and absent; exit 4"
    reason = targets.deploy(command(line), revision=ONE, product=store(git, {}), generation=1)
    assert reason == "the deploy command ended with 4\nusing *** and absent"


def test_a_command_that_hangs_is_killed(git: GitProcess, repository: Path) -> None:
    targets = with_environment(git, repository, {})

    def at_its_limit(limit_s: float) -> str:
        hangs = command("echo begun; sleep 1000", timeout_s_max=limit_s)
        reason = targets.deploy(hangs, revision=ONE, product=store(git, {}), generation=1)
        assert reason is not None
        return reason

    limit_s, reason = with_enough(at_its_limit, lambda reason: "begun" in reason)
    assert reason == f"the deploy command was killed after {limit_s:g} s\nbegun"


def test_what_a_deploy_command_starts_goes_on_running(git: GitProcess, repository: Path) -> None:
    targets = with_environment(git, repository, {})
    line = f"sleep 300 >/dev/null 2>&1 & echo $! >'{repository}/pid'"
    assert targets.deploy(command(line), revision=ONE, product=store(git, {}), generation=1) is None
    os.kill(int((repository / "pid").read_text()), 9)  # raises when it is not there


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (f"echo {ONE}", ONE),
        (f"echo version: {TWO}, built today", TWO),
        (f"echo {ONE}; exit 1", None),
        (f"echo {ONE}0", None),
        ("echo nothing", None),
        ("no-such-program", None),
    ],
)
def test_a_probe_is_a_shell_line_that_prints_the_revision(
    targets: EnvironmentTargets, line: str, found: Oid | None
) -> None:
    assert targets.live(command("true", live=line)) == found
    assert targets.live(command("true")) is None


class Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/live":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'{{"revision": "{THREE}"}}'.encode())
        elif self.path == "/binary":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"\xff" * 1000)
        else:
            self.send_error(500, THREE)

    def log_message(self, *_: object) -> None:
        pass


def test_a_probe_may_be_a_url(targets: EnvironmentTargets) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        looks = [targets.live(command("true", live=url + p)) for p in ("/live", "/binary", "/bad")]
        server.shutdown()
        thread.join()
    assert looks == [THREE, None, None]
    with nobody() as host:
        assert targets.live(command("true", live=f"http://{host}/live")) is None
    assert targets.live(command("true", live="http://[broken")) is None
