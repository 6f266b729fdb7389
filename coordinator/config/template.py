"""The config.toml that `init` writes: every setting, commented out at its default, with what it is for."""

from coordinator.domain.names import RecordPaths

_TEXT = """\
# The rules of the house. Read at the tip of the coordinated branch: a change works once it is
# committed and pushed, without a restart (settings marked "start" need one).
# `coordinator config` shows what is in force. Lines that begin with "# " and a key are defaults.
schema = 1

[repository]                       # start
{branch}                      # '' = the default branch of the remote
{remote}
# refs = "refs/orchestrator"       # "refs/heads/orchestrator" where the host refuses other refs

[paths]                            # start
{briefs}
{memory}

[daemon]
# interval_s = 5.0                 # start: it looks at least this often
# remote_poll_s = 15.0             # how often it fetches
# lease_s = 120.0                  # a claim without a sign of life for this long is stale
# follow_checkout = false          # fast-forward your checkout after a landing
# attempts_parallel = 4            # how many workers at once
# aging_s = 600.0                  # a brief that waited longer is no longer overtaken
# remind_s = 86400.0               # what waits for a person longer than this is said again
# aging_step_s = 60.0              # a brief that waits gains a point of priority in this time
# record_interval_s = 2.0          # at most one push of records in this time

[intake]
# queue_max = 10000
# task_chars_min = 20
# deadline_s_min = 10.0
# retries = 2                      # more attempts after a rejected one

[review]
# evaluator = ""                   # the worker that judges prose; "" = any with the capability "evaluation"

[brain]
# planner = ""                     # the worker that splits briefs into tasks; "" = rules alone do
# plan = "asked"                   # by a brief with `plan: model`; or "always", where a brief says nothing
# synthesizer = ""                 # the worker that writes one report of several in free text; "" = none

[landing]
# review = ""                      # or "required": a person looks at every change, with `coordinator approve`
# unverified = "hold"              # or "land": what nobody could check waits for `coordinator approve`
# protected = []                   # paths that always need an approval, e.g. ["LICENSE", "infra/**"]
# protect_automation = true        # so do CI files, what agents obey, what an editor or a hook runs

[commit]
# name = ""                        # '' = your own git identity
# email = ""
# sign = false
# signoff = false
# skip_ci = true                   # [skip ci] in commits that touch only briefs and memory

[network]
# hosts = []                       # hosts that INPUTS may name, e.g. ["example.org"]
# search_url = ""                  # behind the tool web_search; "" = there is none

[confinement]
# checks = "strict"                # or "none": checks and gates may read and write what you may
# read = []                        # what the confined see besides /usr, e.g. ["/opt/toolchain"]
# path = []                        # folders that come first on their PATH

[budget]
# usd_per_brief = 5.0
# usd_per_day = 50.0
# unknown_price = "refuse"         # or "allow": a model whose price nobody knows is bound by tokens alone

[memory]
# tokens_max = 1500                # of decisions and lessons in one package; 0 = none

[retry]
# pause_s = 1.0                    # after a loss that may pass; it doubles, up to
# pause_s_max = 60.0

[breaker]
# failures = 5                     # so many losses in a row, and a worker is left alone; 0 = never
# window_s = 600.0                 # losses further apart do not count together
# cool_down_s = 60.0

[speculation]
# enabled = false                  # a second attempt beside one that takes long
# factor = 2.0                     # times the median of such attempts is long
# share_max = 0.1                  # of attempts_parallel; one at least
# samples_min = 5                  # with fewer attempts before, nobody knows what is long

# A check that a brief can ask for with "check: NAME" under ACCEPTANCE.
# [checks.site]
# run = "make check"
# timeout_s = 600.0
# paths = []                       # only when a changed path matches one of these; [] = always

# A gate: every landing must pass it. May stand more than once.
# [[gate]]
# name = "tests"                   # records say it; without one: gate, gate-2, ...
# run = "make test"
# setup = "make deps"              # may use the network of [network] hosts
# setup_inputs = []                # what setup makes is kept while these files stay, e.g. ["*.lock"]
# timeout_s = 600.0
# paths = []

# What all attempts of a worker, a kind of worker, a model or an endpoint may use.
# [limits.claude-code]
# parallel = 2                     # attempts at once
# requests_per_minute = 50
# tokens_per_minute = 400000

# A model server for the workers in .orchestrator/workers/. The key itself stays in the daemon's
# environment. "anthropic" and "openai" are known without a word.
# [endpoints.local]
# api = "openai"                   # or "anthropic"
# base_url = "http://127.0.0.1:8080/v1"
# key_env = "LOCAL_MODEL_KEY"      # "" = it wants none

# Where it ships to: a folder, or a command with a look at what is live afterwards.
# [environments.production]
# kind = "directory"
# path = "/srv/www/site"
# live = "https://example.org/REVISION"
# health_polls = 2                 # so many looks in a row must show the new revision
# poll_s = 1.0
# timeout_s = 300.0
# revert = false                   # take a landing back when it does not go live

# [environments.staging]
# kind = "command"
# command = "./ship {{revision}} {{generation}} {{environment}}"
# live = "./what-is-live"          # a URL, or a command that prints the live revision
"""


def template(*, remote: str = "origin", branch: str = "", paths: RecordPaths | None = None) -> str:
    """Returns the text of a new config.toml; what differs from a default is not commented out."""
    where = paths or RecordPaths()
    return _TEXT.format(
        branch=_line("branch", branch, default=""),
        remote=_line("remote", remote, default="origin"),
        briefs=_line("briefs", where.briefs, default=RecordPaths().briefs),
        memory=_line("memory", where.memory, default=RecordPaths().memory),
    )


def _line(key: str, value: str, *, default: str) -> str:
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{"# " if value == default else ""}{key} = "{quoted}"'


TEMPLATE = template()
