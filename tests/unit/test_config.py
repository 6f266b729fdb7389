import hashlib
import tomllib
from pathlib import Path

import pytest

from coordinator import config
from coordinator.adapters import viewpoint
from coordinator.config import failing, schema
from coordinator.domain.errors import ConfigError, NewerSchemaError, RepositoryError
from coordinator.domain.failure_policy import Breaking, Limit, Retrying, Speculation
from coordinator.domain.names import Environment, RecordPaths, RepoPath
from coordinator.domain.policy import (
    ENDPOINTS,
    PROTECTED,
    Command,
    CommitPolicy,
    Confinement,
    Endpoint,
    Policy,
    Target,
)

WHOLE = b"""
schema = 1
[repository]
branch = "release/1"
remote = "upstream"
refs = "refs/heads/orchestrator"
[paths]
briefs = "./ops/briefs/"
memory = "ops/memory"
[daemon]
interval_s = 2
remote_poll_s = 3.5
lease_s = 60
follow_checkout = true
attempts_parallel = 7
aging_s = 30
aging_step_s = 3
record_interval_s = 0
[intake]
queue_max = 5
task_chars_min = 0
deadline_s_min = 1
retries = 0
[checks.site]
run = "make check"
[checks.pages]
run = "make pages"
timeout_s = 5
paths = ["public/**"]
[[gate]]
run = "true"
[[gate]]
run = "make test"
setup = "make deps"
timeout_s = 90
paths = ["src"]
[[gate]]
name = "lint"
run = "make lint"
[landing]
unverified = "land"
protected = ["LICENSE"]
[commit]
name = "The Bot"
email = "bot@example.invalid"
sign = true
signoff = true
skip_ci = false
[environments.production]
kind = "directory"
path = "/srv/www"
revert = true
[environments.staging]
kind = "command"
command = "./ship {revision}"
live = "https://example.invalid/rev"
health_polls = 5
poll_s = 0.5
timeout_s = 9
[network]
hosts = ["Example.org", "localhost:8000"]
search_url = "http://127.0.0.1:9/find?q="
[confinement]
checks = "none"
read = ["/opt/tools/"]
path = ["/opt/tools/bin"]
[endpoints.local]
api = "openai"
base_url = "http://127.0.0.1:8080/v1/"
[budget]
usd_per_brief = 0
usd_per_day = 2.5
unknown_price = "allow"
[retry]
pause_s = 0
pause_s_max = 5
[breaker]
failures = 0
window_s = 10
cool_down_s = 20
[speculation]
enabled = true
factor = 3
share_max = 0.5
samples_min = 1
[limits.claude]
parallel = 2
[limits.local]
requests_per_minute = 5
tokens_per_minute = 1000
"""


def faults(text: str) -> list[str]:
    with pytest.raises(ConfigError) as error:
        config.read_policy(text.encode())
    assert error.value.hint
    return [
        line.removeprefix(".orchestrator/config.toml: ") for line in str(error.value).splitlines()
    ]


def test_no_file_and_an_empty_one_mean_the_defaults() -> None:
    policy = config.read_policy(None)
    empty = hashlib.sha256(b"").hexdigest()
    assert policy == Policy(digest=empty, profiles=policy.profiles)
    assert config.read_policy(b"") == policy


def test_a_planner_is_a_worker_that_there_is_and_always_asks_for_one() -> None:
    policy = config.read_policy(b'[brain]\nplanner = "search"\nplan = "always"\n')
    assert (policy.planner, policy.plan) == ("search", "always")
    assert (config.read_policy(b"").planner, config.read_policy(b"").plan) == ("", "asked")
    with pytest.raises(ConfigError, match=r"brain\.planner: there is no worker mind"):
        config.read_policy(b'[brain]\nplanner = "mind"\n')
    with pytest.raises(ConfigError, match=r"brain\.plan: .* there is no planner to ask"):
        config.read_policy(b'[brain]\nplan = "always"\n')


def test_a_synthesizer_is_a_worker_that_there_is() -> None:
    assert config.read_policy(b"").synthesizer == ""
    assert config.read_policy(b'[brain]\nsynthesizer = "search"\n').synthesizer == "search"
    with pytest.raises(ConfigError) as raised:
        config.read_policy(b'[brain]\nsynthesizer = "scribe"\n')
    assert str(raised.value) == (
        ".orchestrator/config.toml: brain.synthesizer: there is no worker scribe"
    )


def test_an_evaluator_is_a_worker_of_the_house() -> None:
    text = b'[review]\nevaluator = "judge"\n'
    with pytest.raises(ConfigError) as error:
        config.read_policy(text)
    assert str(error.value) == (
        ".orchestrator/config.toml: review.evaluator: no file of .orchestrator/workers/ describes judge"
    )
    worker = b"---\nkind: command\ncommand: [judge]\nreturns: [json]\n---\n"
    assert config.read_policy(text, {"judge.md": worker}).evaluator == "judge"


MODEL = b"---\nkind: openai-compatible\nmodel: some/model-1.5\nendpoint: here\n---\n"


@pytest.mark.parametrize("name", ["codex", "openai", "links", "judge", "some/model-1.5", "here"])
def test_a_limit_is_of_a_worker_a_kind_of_them_a_model_or_an_endpoint(name: str) -> None:
    text = f'[limits."{name}"]\nparallel = 1\n'.encode()
    assert config.read_policy(text, {"judge.md": MODEL}).limits == (Limit(of=name, parallel=1),)


def test_a_limit_of_nothing_is_refused_and_every_such_name_is_said() -> None:
    text = b"[limits.claud]\nparallel = 1\n[limits.judge]\nparallel = 1\n"
    with pytest.raises(ConfigError) as error:
        config.read_policy(text)
    nothing = "no worker, kind of worker, model or endpoint has this name"
    assert str(error.value).splitlines() == [
        f".orchestrator/config.toml: limits.claud: {nothing}; did you mean claude?",
        f".orchestrator/config.toml: limits.judge: {nothing}",
    ]
    assert error.value.hint is not None
    assert error.value.hint.startswith("limits may be of anthropic, claude, claude-code, codex, ")


def test_what_is_wrong_with_other_settings_moves_no_records() -> None:
    text = (
        b"[paths]\nbriefs = 'ops/briefs'\n[review]\nevaluator = 'judge'\n[limits.x]\nparallel = 1\n"
    )
    assert viewpoint._record_paths(text).briefs == "ops/briefs"


def test_every_setting_arrives_in_the_policy() -> None:
    policy = config.read_policy(WHOLE)
    assert policy == Policy(
        paths=RecordPaths(briefs=RepoPath("ops/briefs"), memory=RepoPath("ops/memory")),
        remote_poll_s=3.5,
        lease_s=60.0,
        record_interval_s=0.0,
        follow_checkout=True,
        queue_max=5,
        task_chars_min=0,
        deadline_s_min=1.0,
        attempts_parallel_max=7,
        retries=0,
        aging_s=30.0,
        aging_step_s=3.0,
        retrying=Retrying(pause_s=0.0, pause_s_max=5.0),
        breaking=Breaking(failures=0, window_s=10.0, cool_down_s=20.0),
        speculation=Speculation(enabled=True, factor=3.0, share_max=0.5, samples_min=1),
        limits=(
            Limit(of="claude", parallel=2),
            Limit(of="local", requests_per_minute=5, tokens_per_minute=1000),
        ),
        checks=(
            Command(name="site", run="make check"),
            Command(name="pages", run="make pages", timeout_s_max=5.0, paths=("public/**",)),
        ),
        gates=(
            Command(name="gate", run="true"),
            Command(
                name="gate-2", run="make test", setup="make deps", timeout_s_max=90, paths=("src",)
            ),
            Command(name="lint", run="make lint"),
        ),
        unverified="land",
        protected=("LICENSE", *PROTECTED),
        commit=CommitPolicy(
            name="The Bot", email="bot@example.invalid", sign=True, signoff=True, skip_ci=False
        ),
        environments=(
            Target(
                environment=Environment("production"),
                kind="directory",
                path="/srv/www",
                revert=True,
            ),
            Target(
                environment=Environment("staging"),
                kind="command",
                command="./ship {revision}",
                live="https://example.invalid/rev",
                health_polls=5,
                poll_s=0.5,
                timeout_s_max=9.0,
            ),
        ),
        search_url="http://127.0.0.1:9/find?q=",
        confinement=Confinement(checks="none", read=("/opt/tools",), path=("/opt/tools/bin",)),
        endpoints=(
            Endpoint(name="local", api="openai", base_url="http://127.0.0.1:8080/v1", key_env=""),
            *ENDPOINTS,
        ),
        network_hosts=("example.org", "localhost:8000"),
        usd_per_brief=0.0,
        usd_per_day=2.5,
        unknown_price="allow",
        profiles=policy.profiles,
        digest=hashlib.sha256(WHOLE).hexdigest(),
    )


def test_the_wiring_takes_the_branch_of_the_remote_where_none_is_named() -> None:
    top = Path("/somewhere/site")
    wiring = config.read_wiring(top, None, remote_url="/hub.git", branch="trunk")
    assert wiring == config.Wiring(
        repository=top,
        run=top / ".orchestrator/run",
        remote="origin",
        remote_url="/hub.git",
        branch="trunk",
        refs_root="refs/orchestrator",
        interval_s=5.0,
        inbox=top / "briefs/inbox",
        paths=RecordPaths(),
        attempts_parallel=4,
    )


def test_the_wiring_follows_the_text() -> None:
    wiring = config.read_wiring(Path("/site"), WHOLE, remote_url="/hub.git", branch="trunk")
    assert wiring.branch == "release/1"
    assert (wiring.remote, config.remote_name(WHOLE)) == ("upstream", "upstream")
    assert wiring.refs_root == "refs/heads/orchestrator"
    assert wiring.inbox == Path("/site/ops/briefs/inbox")
    assert (wiring.interval_s, wiring.attempts_parallel) == (2.0, 7)


FAULTY = """
        unknown = 1
        [daemon]
        lease = 5
        interval_s = "5"
        attempts_parallel = 0
        [landing]
        unverified = "maybe"
        [checks.Site]
        run = "x"
        [checks.a]
        rnu = "x"
        [[gate]]
        run = "ok"
        [[gate]]
        run = "  "
        [environments.prod]
        kind = "directory"
        pth = "/srv"
        [environments.test]
        kind = "comand"
        [environments.bare]
        path = "/srv"
        [environments.ship]
        kind = "command"
        command = "./ship"
        [paths]
        briefs = "../briefs"
        memory = ".git/memory"
        [repository]
        branch = "refs/heads/main"
        remote = "-o"
        refs = "heads/x"
        [network]
        hosts = ["https://example.org/"]
        [commit]
        email = "a<b>"
        """


def test_all_faults_are_said_at_once_each_with_its_key() -> None:
    said = faults(FAULTY)
    assert sorted(said) == sorted(
        [
            (
                "unknown: there is no such setting; known here: brain, breaker, budget, checks, commit,"
                " confinement, daemon, endpoints, environments, gate, intake, landing, limits, memory,"
                " network, paths, repository, retry, review, schema, speculation"
            ),
            "daemon.lease: there is no such setting; did you mean lease_s?",
            "daemon.interval_s: must be a valid number (is '5')",
            "daemon.attempts_parallel: must be greater than or equal to 1 (is 0)",
            "landing.unverified: must be 'land' or 'hold' (is 'maybe')",
            (
                "checks.Site: must be a name of a-z, 0-9, '_' and '-', at most 63 characters"
                " (is 'Site')"
            ),
            "checks.a.run: it is required",
            "checks.a.rnu: there is no such setting; did you mean run?",
            "gate[1].run: must not be empty (is '  ')",
            "environments.prod.path: it is required",
            "environments.prod.pth: there is no such setting; did you mean path?",
            'environments.test.kind: must be "directory" or "command"',
            'environments.bare.kind: it is required, "directory" or "command"',
            "environments.ship.live: it is required",
            (
                "paths.briefs: must be a folder inside the repository: a part of it is empty, '.' or"
                " '..' (is '../briefs')"
            ),
            "paths.memory: must not be in .git or .orchestrator (is '.git/memory')",
            (
                "repository.branch: must be the short name of a branch, such as main"
                " (is 'refs/heads/main')"
            ),
            "repository.remote: must be the name of a git remote, such as origin (is '-o')",
            (
                'repository.refs: must be a ref namespace, such as "refs/orchestrator"'
                " (is 'heads/x')"
            ),
            (
                'network.hosts[0]: must be a host, such as "example.org" or "localhost:8000"'
                " (is 'https://example.org/')"
            ),
            "commit.email: must not have <, > or control characters (is 'a<b>')",
        ]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("daemon = 5", "daemon: must be a table, [daemon]"),
        ("[gate]\nrun = 'x'", "gate: must be a valid list"),
        ("schema = 0", "schema: must be 1 (is 0)"),
        ("[daemon]\nlease_s = nan", "daemon.lease_s: must be a finite number (is nan)"),
        ("[daemon]\nfollow_checkout = 1", "daemon.follow_checkout: must be a valid boolean (is 1)"),
        ("[paths]\nmemory = 'briefs/notes'", "paths: memory must not be inside briefs"),
        ("[paths]\nmemory = 'briefs'", "paths: memory must not be inside briefs"),
        ("[checks.a]\nrun = 'a\\u0000b'", "checks.a.run: must not be empty"),
        (
            "[retry]\npause_s = 100\npause_s_max = 60",
            "retry: pause_s is 100, which is more than pause_s_max, 60",
        ),
        ("[retry]\npause_s = 1e9\npause_s_max = 1e9", "retry.pause_s: must be less than"),
        ("[daemon]\nrecord_interval_s = 1e9", "daemon.record_interval_s: must be less than"),
        (
            "[environments.a]\nkind = 'directory'\npath = '/srv'\npoll_s = 1e9",
            "environments.a.poll_s: must be less than",
        ),
        (
            "[limits.claude]",
            "limits.claude: it limits nothing; known here: parallel, requests_per_minute, tokens_per_minute",
        ),
        (
            "[[gate]]\nname = 'gate-2'\nrun = 'a'\n[[gate]]\nrun = 'b'",
            "gate: gate[0] and gate[1] are both called gate-2",
        ),
    ],
)
def test_a_value_of_the_wrong_shape_is_named(text: str, said: str) -> None:
    text = text.replace("'a\\u0000b'", '"\\u0000"')
    assert faults(text)[0].startswith(said)


def test_a_text_that_is_not_toml_names_the_line() -> None:
    assert faults("schema = 1\n[daemon\n") == [
        "it is not TOML: Expected ']' at the end of a table declaration (at line 2, column 8)"
    ]
    with pytest.raises(ConfigError, match=r"config\.toml:2: it is not UTF-8"):
        config.read_policy(b"schema = 1\n# \xff\n")


def test_a_newer_schema_is_read_only() -> None:
    with pytest.raises(NewerSchemaError, match=r"schema 2 is newer .* \(1\): read-only") as error:
        config.read_policy(b"schema = 2\n[something.new]\n")
    assert error.value.code == "newer_schema"


def test_the_effective_values_say_where_each_came_from() -> None:
    shown = config.effective(
        b'[daemon]\nlease_s = 9\n[checks.site]\nrun = "x"\n[[gate]]\nrun = "y"\n'
        b'[environments.prod]\nkind = "directory"\npath = "/srv"\n'
    )
    assert shown["daemon.lease_s"] == {"value": 9.0, "source": "config.toml"}
    assert shown["daemon.remote_poll_s"] == {"value": 15.0, "source": "default"}
    assert shown["schema"] == {"value": 1, "source": "default"}
    assert shown["checks.site.run"] == {"value": "x", "source": "config.toml"}
    assert shown["checks.site.timeout_s"] == {"value": 600.0, "source": "default"}
    assert shown["gate[0].run"] == {"value": "y", "source": "config.toml"}
    assert shown["environments.prod.path"] == {"value": "/srv", "source": "config.toml"}
    assert config.effective(None)["environments"] == {"value": {}, "source": "default"}
    assert config.effective(None)["gate"] == {"value": [], "source": "default"}


def test_the_template_says_the_defaults() -> None:
    text = config.TEMPLATE.encode()
    defaults = config.read_policy(None)
    said = config.read_policy(text)
    assert said == Policy(digest=hashlib.sha256(text).hexdigest(), profiles=defaults.profiles)
    assert config.read_wiring(Path("/r"), text, remote_url="u", branch="b") == config.read_wiring(
        Path("/r"), None, remote_url="u", branch="b"
    )


def test_every_commented_setting_of_the_template_is_the_default_and_none_is_missing() -> None:
    tables, examples = config.TEMPLATE.split("# A check that a brief can ask for")
    uncommented = _uncommented(tables)
    assert set(tomllib.loads(uncommented)) == {
        *("schema", "repository", "paths", "daemon", "intake"),
        *("review", "landing", "commit", "network", "confinement", "budget", "memory"),
        *("retry", "breaker", "speculation", "brain"),
    }
    shown = config.effective(uncommented.encode())
    default = config.effective(None)
    assert {key: one["value"] for key, one in shown.items()} == {
        key: one["value"] for key, one in default.items()
    }
    assert {key for key, one in shown.items() if one["source"] == "default"} == {
        "checks",
        "limits",
        "gate",
        "endpoints",
        "environments",
    }
    policy = config.read_policy(_uncommented("# " + examples).encode())
    assert [limit.of for limit in policy.limits] == ["claude-code"]
    assert [c.name for c in policy.checks] == ["site"]
    assert [c.name for c in policy.gates] == ["tests"]
    assert [t.kind for t in policy.environments] == ["directory", "command"]
    assert policy.endpoint("local") == Endpoint(
        name="local",
        api="openai",
        base_url="http://127.0.0.1:8080/v1",
        key_env="LOCAL_MODEL_KEY",
    )


def test_the_examples_of_the_template_name_every_setting_of_their_tables() -> None:
    _, examples = config.TEMPLATE.split("# A check that a brief can ask for")
    said = tomllib.loads(_uncommented("# " + examples))
    shipping = said["environments"]
    for named, table in (
        (said["checks"]["site"], schema.Check),
        (said["gate"][0], schema.Gate),
        (said["limits"]["claude-code"], failing.Limit),
        (said["endpoints"]["local"], schema.Endpoint),
        (shipping["production"], schema.DirectoryEnvironment),
        # What both kinds have is said once.
        ({**shipping["production"], **shipping["staging"], "path": ""}, _Shipping),
    ):
        assert set(named) == set(table.model_fields)


class _Shipping(schema.CommandEnvironment):
    path: str = ""


def test_the_template_writes_what_differs_from_a_default() -> None:
    text = config.template(
        remote='odd"name',
        branch="trunk",
        paths=RecordPaths(briefs=RepoPath("ops/briefs"), memory=RepoPath("ops/memory")),
    ).encode()
    wiring = config.read_wiring(Path("/r"), text, remote_url="u", branch="main")
    assert (wiring.remote, wiring.branch) == ('odd"name', "trunk")
    assert wiring.paths == RecordPaths(briefs=RepoPath("ops/briefs"), memory=RepoPath("ops/memory"))


def test_the_top_is_the_nearest_folder_with_a_git_entry(tmp_path: Path) -> None:
    below = tmp_path / "work" / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / "work" / ".git").write_text("gitdir: ../elsewhere")
    assert config.find_top(below) == (tmp_path / "work").resolve()


def test_a_folder_outside_any_repository_is_an_error_with_a_hint() -> None:
    with pytest.raises(RepositoryError, match="not inside the work tree") as error:
        config.find_top(Path("/"))
    assert error.value.hint == "run it inside a clone, or name one with -C PATH"


def _uncommented(text: str) -> str:
    lines = []
    for line in text.splitlines():
        plain = line.removeprefix("# ")
        setting = plain.startswith("[") or " = " in plain.split("#")[0]
        lines.append(plain if setting else line)
    return "\n".join(lines)
