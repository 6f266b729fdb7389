"""The rules of intake, pure: what rejects a brief. docs/briefs.md lists them."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coordinator.domain import planning, token_estimate
from coordinator.domain.brief import Brief, Estimate, Fault, Input, Kind
from coordinator.domain.brief_items import PROSE
from coordinator.domain.brief_paths import pathlike, sentence_end
from coordinator.domain.choosing import quotes
from coordinator.domain.clean_path import is_below, is_git
from coordinator.domain.names import ProfileName, RecordPaths
from coordinator.domain.policy import Policy
from coordinator.domain.tree import literal_folder, matches
from coordinator.domain.web import ungranted

FILE_TOKENS = 1_000  # what one file among the inputs counts for
URL_TOKENS = 5_000
URLS_MAX = 50  # each is fetched before an attempt starts
START_S = 1.0  # what any attempt takes before it reads the first file


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What intake has to look up: at the tip, and among the other briefs."""

    missing: tuple[Input, ...] = ()  # inputs that name nothing at the tip
    near: tuple[str, ...] = ()  # paths that may have been meant instead
    files: int = 0  # how many files the inputs name
    special: Mapping[str, str] = field(default_factory=dict)  # literal paths: 'submodule' or 'lfs'
    after: Mapping[str, str] = field(default_factory=dict)  # name -> 'unknown', 'ended' or a circle
    listed: Mapping[str, tuple[str, ...]] | None = (
        None  # what a recipe divides: files by their item
    )


def estimate(brief: Brief, *, chars: int, facts: Facts, policy: Policy) -> Estimate:
    """Returns what a brief is expected to use: tokens against the speed of its workers."""
    urls = sum(item.kind == "url" for item in brief.inputs)
    tokens = token_estimate.expected(chars) + FILE_TOKENS * facts.files + URL_TOKENS * urls
    profiles = [p for name in planning.profiles(brief, policy) if (p := policy.profile(name))]
    usd = round(sum(tokens * p.usd_per_token for p in profiles), 6)
    is_known = bool(profiles) and not planning.asks_model(brief, policy)
    return Estimate(
        seconds=round(max((START_S + tokens / p.tokens_per_s for p in profiles), default=0.0), 1),
        tokens=tokens * max(1, len(profiles)),
        cost_usd=usd if is_known else None,
    )


def faults(
    brief: Brief, *, chars: int, facts: Facts, policy: Policy, lines: Mapping[str, int]
) -> tuple[Fault, ...]:
    """Returns every reason to reject a brief that is well formed."""
    said = _Faults(lines)
    _task(brief, policy, said)
    _limits(brief, estimate(brief, chars=chars, facts=facts, policy=policy), policy, said)
    _workers(brief, policy, said)
    _urls(brief, policy, said)
    _dependencies(facts, said)
    _bounds(brief, facts, policy.paths, said)
    _names(brief, policy, said)
    _plan(brief, facts, policy, said)
    return tuple(sorted(said.found, key=lambda fault: fault.line))


def on_record_path(pattern: str, paths: RecordPaths) -> bool:
    """Tells whether a path or glob is aimed at the record paths; '**' is not, though it covers them."""
    folder = literal_folder(pattern)
    if paths.owns(folder):
        return True
    files = (paths.plan_file, paths.state_file)
    return is_below(folder, paths.memory) and any(matches(file, pattern) for file in files)


def acts_on_something(brief: Brief) -> bool:
    """Tells whether a brief names anything at all to work on."""
    named = [item for item in brief.inputs if item.label != PROSE]
    words = (sentence_end(word) for word in brief.task.split())
    return bool(
        named
        or brief.scope_in
        or brief.output_format.path
        or quotes(brief.task)
        or any(pathlike(word) or "://" in word for word in words)
    )


class _Faults:
    """Collects faults and finds their lines."""

    def __init__(self, lines: Mapping[str, int]) -> None:
        self.lines = lines
        self.found: list[Fault] = []

    def add(self, code: str, section: str, message: str, hint: str) -> None:
        line = self.lines.get(section, 0)
        name = section if section.isupper() else "front matter" if section else ""
        self.found.append(Fault(code=code, line=line, section=name, message=message, hint=hint))


def _task(brief: Brief, policy: Policy, said: _Faults) -> None:
    chars = len(brief.task)
    if not chars:
        hint = "write TASK: one sentence, with a verb"
        said.add("task-missing", "TASK", "TASK is missing", hint)
    elif chars < policy.task_chars_min:
        message = f"TASK has {chars} characters; {policy.task_chars_min} is the least"
        said.add("task-short", "TASK", message, "say what shall be done, and to what")
    if not acts_on_something(brief):
        message = "the brief names nothing to act on"
        hint = "name paths, globs or URLs in INPUTS and SCOPE, or quote what to look for in TASK"
        said.add("nothing-to-act-on", "TASK", message, hint)


def _limits(brief: Brief, expected: Estimate, policy: Policy, said: _Faults) -> None:
    deadline = brief.deadline_s
    if deadline is not None and deadline < policy.deadline_s_min:
        message = f"the deadline is {deadline:g} s; {policy.deadline_s_min:g} s is the least"
        said.add("deadline-short", "deadline", message, "give it more time")
    elif deadline is not None and deadline < expected.seconds:
        message = f"the deadline is {deadline:g} s, and about {expected.seconds:g} s are estimated"
        hint = "give it more time, or name fewer inputs"
        said.add("deadline-estimate", "deadline", message, hint)
    if planning.asks_model(brief, policy):
        return  # whose the inputs will be, and how many of them, is not known yet
    workers = planning.profiles(brief, policy)
    each = expected.tokens // max(1, len(workers))
    if brief.max_tokens is not None and each > brief.max_tokens:
        message = f"about {each:,} tokens are estimated; max_tokens is {brief.max_tokens:,}"
        said.add("too-long", "max_tokens", message, "raise max_tokens, or name fewer inputs")
    for profile in (p for name in workers if (p := policy.profile(name))):
        if each > profile.limits.tokens_max:
            most = profile.limits.tokens_max
            message = f"about {each:,} tokens are estimated; {profile.name} takes {most:,}"
            said.add("too-long", "INPUTS", message, "name fewer inputs, or split the brief")


def _workers(brief: Brief, policy: Policy, said: _Faults) -> None:
    known = [str(p.name) for p in policy.profiles]
    for name in brief.worker:
        if policy.profile(name) is None:
            message = f"there is no worker {name!r}"
            said.add("unknown-worker", "worker", message, _near(name, known, "the workers are"))
    if planning.is_divided(brief, policy):
        return  # each task has a worker and tools of its own: see `plan_faults`
    for profile in (p for name in planning.profiles(brief, policy) if (p := policy.profile(name))):
        for tool in (t for t in brief.tools if t not in profile.tools):
            message = f"{profile.name} is not granted the tool {tool!r}"
            hint = _near(tool, sorted(profile.tools), "its tools are")
            said.add("ungranted-tool", "tools", message, hint)


def _urls(brief: Brief, policy: Policy, said: _Faults) -> None:
    urls = [item.value for item in brief.inputs if item.kind == "url"]
    for url, why in ungranted(urls, policy.network_hosts):
        message = f"{url} cannot be fetched: {why}"
        hint = (
            "add the host to `hosts` of [network] in .orchestrator/config.toml, or leave the URL out"
            if why.endswith("[network] hosts")
            else "write it as https://host/path"
        )
        said.add("ungranted-url", "INPUTS", message, hint)
    if len(urls) > URLS_MAX:
        message = f"INPUTS names {len(urls)} URLs; {URLS_MAX} is the most"
        said.add("too-long", "INPUTS", message, "name fewer URLs, or split the brief")
    if brief.external:
        _external(brief, policy, said)


def _external(brief: Brief, policy: Policy, said: _Faults) -> None:
    workers = [p for name in planning.profiles(brief, policy) if (p := policy.profile(name))]
    # Of several tasks only some look at links.
    able = [p for p in workers if "check_url" in p.tools]
    if planning.asks_model(brief, policy):
        workers = able  # the planner itself looks at none
    for profile in able or workers if planning.is_split(brief) else workers:
        granted = profile.tools & set(brief.tools) if brief.tools else profile.tools
        if "check_url" not in granted:
            message = f"{profile.name} is not granted the tool 'check_url', which `external` needs"
            hint = "name the worker links, and grant check_url where `tools` names tools"
            said.add("ungranted-tool", "external", message, hint)
    if brief.output_format.kind is Kind.CHANGES:
        message = "external links are looked at for a report, and changes are wanted"
        said.add("bad-value", "external", message, "ask for a list, a table, json or a report")
    if not policy.network_hosts:
        message = "no external link can be looked at: [network] lists no hosts"
        hint = "add the hosts to `hosts` of [network] in .orchestrator/config.toml"
        said.add("ungranted-url", "external", message, hint)


def _dependencies(facts: Facts, said: _Faults) -> None:
    for name, state in facts.after.items():
        if state == "unknown":
            message = f"`after` names {name!r}, and there is no such brief"
            said.add("unknown-brief", "after", message, "drop that brief first, or in the same go")
        elif state == "ended":
            message = f"`after` names {name!r}, which was not completed"
            said.add("ended-brief", "after", message, "retry that brief, then drop this one again")
        else:
            message = f"`after` goes round in a circle: {state}"
            said.add("circular", "after", message, "leave one of these out")


def _bounds(brief: Brief, facts: Facts, paths: RecordPaths, said: _Faults) -> None:
    path = brief.output_format.path
    wanted = [("SCOPE", p) for p in brief.scope_in] + ([("OUTPUT FORMAT", path)] if path else [])
    for section, named in wanted:
        folder = literal_folder(named)
        if on_record_path(named, paths):
            message = f"{named} is on the record paths, which only the coordinator writes"
            said.add("record-path", section, message, "name product files only")
        elif is_git(folder) or is_below(folder, ".orchestrator"):
            message = f"{named} belongs to git or to the rules of the house"
            said.add(
                "protected-path", section, message, "change it by hand, in a commit of your own"
            )
        elif kind := facts.special.get(named):
            shown = "in a submodule" if kind == "submodule" else "stored with git-lfs"
            message = f"{named} is {shown}; no worker can change it"
            said.add(kind, section, message, "change it by hand, or name other files")


def _names(brief: Brief, policy: Policy, said: _Faults) -> None:
    for item in brief.acceptance:
        if item.kind == "check" and policy.check(item.value) is None:
            known = [c.name for c in policy.checks]
            message = f"there is no check {item.value!r}"
            hint = _near(item.value, known, "the checks are") if known else (
                f"describe it as [checks.{item.value}] in .orchestrator/config.toml"
            )  # fmt: skip
            said.add("unknown-check", "ACCEPTANCE", message, hint)
    if brief.deploy and policy.target(brief.deploy) is None:
        known = [str(t.environment) for t in policy.environments]
        message = f"there is no environment {brief.deploy!r}"
        hint = _near(brief.deploy, known, "the environments are") if known else (
            f"describe it as [environments.{brief.deploy}] in .orchestrator/config.toml"
        )  # fmt: skip
        said.add("unknown-environment", "deploy", message, hint)


def _plan(brief: Brief, facts: Facts, policy: Policy, said: _Faults) -> None:
    """A brief that says which tasks it is made of says them without a fault."""
    for fault in planning.faults(brief, policy, facts.listed):
        section = f"tasks:{fault.task}"
        where = section if section in said.lines else "recipe" if brief.recipe else "tasks"
        where = "plan" if brief.plan == "model" else where
        said.add(fault.code, where, fault.message, fault.hint)


def _near(name: str, known: Sequence[str], listed: str) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    near = near or [word for word in known if len(name) > 2 and word.startswith(name)]
    return f"did you mean {near[0]!r}?" if near else f"{listed} {', '.join(known) or 'none'}"


def profiles_of(brief: Brief, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that a brief goes to, known ones only."""
    return tuple(name for name in planning.profiles(brief, policy) if policy.profile(name))
