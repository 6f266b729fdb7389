"""The rules of the house: what a committed config.toml may change while we run."""

from dataclasses import dataclass, field
from typing import Literal

from .doctrine import Doctrine
from .failure_policy import Breaking, Limit, Retrying, Speculation
from .names import Environment, ProfileName, RecordPaths, RepoPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one attempt may use."""

    wall_clock_s_max: float = 300.0
    idle_s_max: float = 120.0
    output_bytes_max: int = 4_000_000
    tokens_max: int = 200_000
    cost_usd_max: float = 0.0  # of one attempt; 0 = no money at all, for workers that cost none
    turns_max: int = 40  # answers of a model
    memory_bytes_max: int = 4_000_000_000  # of one process
    processes_max: int = 256
    disk_bytes_max: int = 1_000_000_000  # of all that it writes
    files_max: int = 50_000  # of all that it makes


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A named command over a tree: a check of `[checks.NAME]` or a `[[gate]]`; `run` is a shell line."""

    name: str
    run: str
    setup: str | None = None
    setup_inputs: tuple[
        str, ...
    ] = ()  # globs: what setup makes is kept for as long as these files stay
    timeout_s_max: float = 600.0
    paths: tuple[
        str, ...
    ] = ()  # only run when a changed path matches one of these globs; () = always


ProfileKind = Literal["tool", "command", "claude", "claude-code", "codex", "openai-compatible"]
Layers = Literal["strict", "none"]
"""How a worker or a check is confined: by every layer, or knowingly by none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars for a million tokens, where the price table does not know the model."""

    input_usd: float
    output_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A model server. The key is in the daemon's environment variable `key_env`, and nowhere else."""

    name: str
    api: Literal["anthropic", "openai"]
    base_url: str
    key_env: str  # "": it wants none


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        name="anthropic",
        api="anthropic",
        base_url="https://api.anthropic.com",
        key_env="ANTHROPIC_API_KEY",
    ),
    Endpoint(
        name="openai",
        api="openai",
        base_url="https://api.openai.com/v1",
        key_env="OPENAI_API_KEY",
    ),
)
"""The model servers that a profile may name without a word in config.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confinement:
    """Where checks and gates run, and what the confined may see of this machine besides /usr."""

    checks: Layers = "strict"
    read: tuple[str, ...] = ()  # absolute paths, bound read-only at the same place
    path: tuple[str, ...] = ()  # folders that come first on PATH


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLine:
    """How a program is run as a worker, and where it leaves its answer.

    An argument that is exactly `{inputs}` or `{scope}` becomes all paths of INPUTS or SCOPE at the base;
    `{package}`, `{work}` and `{out}` are a file and two folders.
    """

    argv: tuple[str, ...] = ()
    ok_codes: tuple[int, ...] = (0,)
    answer: str = "stdout"  # or a file below the out folder
    answer_pointer: str | None = None  # JSON pointer (RFC 6901) to the answer in it
    usage_pointers: tuple[tuple[str, str], ...] = ()  # of tokens_in, tokens_out, cost_usd
    changes: Literal["folder", "patch"] = "folder"  # what it did to the tree, or a diff as answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of worker that may be dispatched."""

    name: ProfileName
    kind: ProfileKind = "tool"
    description: str = ""
    capabilities: frozenset[str] = frozenset()
    output_kinds: frozenset[str] = frozenset()  # of list, json, table, report, changes
    tools: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    tokens_per_s: float = 50_000.0  # speed used for estimates
    usd_per_token: float = 0.0  # used for estimates
    confinement: Layers = "strict"
    network: Literal["none", "model"] = "none"  # model: its endpoint, through the key proxy
    endpoint: str = ""
    model: str = ""
    effort: str = ""
    output_tokens_max: int = 16_000  # of one answer of the model
    price: Price | None = None
    system: str = ""  # what the worker is told before the package
    command: CommandLine = field(default_factory=CommandLine)
    read: tuple[str, ...] = ()  # more of this machine that it may see, beside Confinement.read

    @property
    def limited_as(self) -> frozenset[str]:
        """Returns the names by which `[limits.NAME]` may mean it: its own, its kind, its model, its endpoint."""
        return frozenset({self.name, self.kind, self.model, self.endpoint} - {""})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One environment: where it is, how to ship to it, and how to look at what is live."""

    environment: Environment
    kind: Literal["directory", "command"]
    path: str | None = None  # directory: absolute, or relative to the repository's top
    command: str | None = (
        None  # command: a shell line; {revision} {generation} {environment} are filled in
    )
    live: str | None = None  # a URL, or a shell line that prints the live revision
    health_polls: int = 2  # how many looks in a row must show the revision
    poll_s: float = 1.0
    timeout_s_max: float = 300.0
    revert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitPolicy:
    """How commits are made: identity (empty = the user's own), signature and sign-off."""

    name: str = ""
    email: str = ""
    sign: bool = False
    signoff: bool = False
    skip_ci: bool = True


PROTECTED: tuple[str, ...] = (
    # what a hosting site runs when it is pushed, and who must look at it
    ".github/workflows",
    ".github/actions",
    ".gitlab-ci.yml",
    ".gitlab/ci",
    ".forgejo",
    ".gitea",
    ".circleci",
    ".buildkite",
    ".woodpecker",
    ".woodpecker.y*ml",
    ".drone.yml",
    ".travis.yml",
    ".tekton",
    ".appveyor.yml",
    "appveyor.yml",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "Jenkinsfile",
    "**/CODEOWNERS",
    # what other agents take for orders
    "**/AGENTS.md",
    "**/AGENTS.override.md",
    "**/CLAUDE.md",
    "**/CLAUDE.local.md",
    "**/GEMINI.md",
    "**/.claude",
    "**/.codex",
    "**/.cursor",
    "**/.cursorrules",
    "**/.mcp.json",
    ".github/copilot-instructions.md",
    ".github/instructions",
    ".windsurfrules",
    ".clinerules",
    # what runs when a person opens the folder, or commits in it
    "**/.vscode",
    "**/.idea",
    "**/.envrc",
    ".devcontainer",
    ".devcontainer.json",
    ".husky",
    ".githooks",
    ".pre-commit-config.yaml",
)
"""What runs by itself, or is obeyed: it waits for a human unless `[landing] protect_automation` is false."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Read from the blob at the tip; a faulty one keeps the last good one and says so."""

    paths: RecordPaths = field(default_factory=RecordPaths)
    remote_poll_s: float = 15.0
    lease_s: float = 120.0
    record_interval_s: float = 2.0
    follow_checkout: bool = False
    queue_max: int = 10_000
    task_chars_min: int = 20
    deadline_s_min: float = 10.0
    attempts_parallel_max: int = 4
    retries: int = 2
    aging_s: float = 600.0
    aging_step_s: float = 60.0  # a brief that waits gains a point of priority in this time
    retrying: Retrying = field(default_factory=Retrying)
    breaking: Breaking = field(default_factory=Breaking)
    speculation: Speculation = field(default_factory=Speculation)
    limits: tuple[Limit, ...] = ()
    checks: tuple[Command, ...] = ()
    gates: tuple[Command, ...] = ()
    planner: str = ""  # the profile that splits briefs into tasks; "": rules alone do
    plan: Literal["asked", "always"] = "asked"  # when it is asked, where a brief says nothing
    synthesizer: str = ""  # the profile that writes one report of several in free text; "": nobody
    evaluator: str = ""  # the profile that judges prose; "": whoever has the capability
    unverified: Literal["land", "hold"] = "hold"
    landing_review: Literal["", "required"] = ""  # required: a person looks at every change
    remind_s: float = 86_400.0  # what waits for a person longer is said again
    protected: tuple[str, ...] = PROTECTED
    commit: CommitPolicy = field(default_factory=CommitPolicy)
    environments: tuple[Target, ...] = ()
    network_hosts: tuple[str, ...] = ()
    usd_per_brief: float = 5.0
    usd_per_day: float = 50.0
    unknown_price: Literal["refuse", "allow"] = "refuse"  # of a model that nobody knows it of
    profiles: tuple[Profile, ...] = ()
    confinement: Confinement = field(default_factory=Confinement)
    endpoints: tuple[Endpoint, ...] = ENDPOINTS
    memory_tokens_max: int = 1_500  # of decisions and lessons in one package; 0 = none
    search_url: str = ""  # of the search endpoint behind the tool web_search
    doctrine: Doctrine = field(default_factory=Doctrine)
    digest: str = ""  # of the config blob, quoted by decisions that rest on it

    def profile(self, name: str) -> Profile | None:
        """Returns the profile called `name`."""
        return next((p for p in self.profiles if p.name == name), None)

    def endpoint(self, name: str) -> Endpoint | None:
        """Returns the model server called `name`."""
        return next((e for e in self.endpoints if e.name == name), None)

    def check(self, name: str) -> Command | None:
        """Returns the `[checks.NAME]` called `name`."""
        return next((c for c in self.checks if c.name == name), None)

    def target(self, environment: str) -> Target | None:
        """Returns the environment called `environment`."""
        return next((t for t in self.environments if t.environment == environment), None)


PROTECTED_ALWAYS: tuple[RepoPath, ...] = (RepoPath(".orchestrator"), RepoPath(".git"))
