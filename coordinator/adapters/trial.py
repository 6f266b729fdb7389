"""One worker tried on a small task in a scratch repository: the same pool, rooms and cells as in earnest."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coordinator.adapters.scratch import scratch
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.names import ZERO, BriefId, Epoch, Oid, TaskId
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import (
    Constraints,
    ContextPackage,
    PackageInput,
    Scope,
    WantedOutput,
)
from coordinator.domain.policy import Policy, Profile

FILES: Mapping[str, str] = {
    "README.md": "# A scratch repository\n\nIt teh has two words in the wrong order.   \n",
    "pages/index.html": '<a href="about.html">About</a>\n<a href="gone.html">Gone</a>\n',
    "pages/about.html": '<a href="index.html">Home</a>\n',
    "pages/sitemap.xml": "<urlset><url><loc>https://site.example/</loc></url></urlset>\n",
    "src/sample.py": "def twice( x ):\n    return x*2   \n",
    "src/sample.js": "const  twice = (x) => {return x*2}\n",
    "tests/test_sample.py": "def test_two_and_two():\n    assert 2 + 2 == 4\n",
}


_Kind = Literal["list", "report", "changes"]
_BUILT_IN: Mapping[str, str] = {
    "sitemap": "List the pages that pages/sitemap.xml misses.",
    "links": "List the broken links in pages.",
    "search": "List the lines with `index`.",
    "copy": "Return the data word for word.",
    "merge": "Put the two lists together, each row once.",
}
_LISTS = ("- about.html\n- gone.html\n", "- gone.html\n- index.html\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a worker was asked, and what it came to."""

    asked: str
    kind: str
    outcome: Output | NoOutput


def attempt(
    profile: Profile, policy: Policy, *, folder: Path, environment: Mapping[str, str]
) -> Trial:
    """Returns what `profile` makes of a small task, in `folder`, which must be empty. Blocks until it ends."""
    with scratch(folder, policy, environment=environment) as place:
        base = place.commit(FILES)
        package = _package(profile, base)
        outcome = place.ask(_spec(profile, base), package, profile)
    kind = package.constraints.output_format.kind
    return Trial(asked=package.description, kind=kind, outcome=outcome)


def _spec(profile: Profile, base: Oid) -> Spec:
    return Spec(
        id=AttemptId(brief=BriefId("trial-00000000"), epoch=Epoch("trial"), number=1),
        round=1,
        task=TaskId("only"),
        profile=profile.name,
        base=base,
        package=ZERO,
        wall_clock_s_max=profile.limits.wall_clock_s_max,
        cost_usd_max=profile.limits.cost_usd_max,
        tokens_max=profile.limits.tokens_max,
    )


def _package(profile: Profile, base: Oid) -> ContextPackage:
    kind, asked = _asked(profile)
    return ContextPackage(
        brief_id=BriefId("trial-00000000"),
        task_id=TaskId("only"),
        attempt=1,
        task_type=min(profile.capabilities, default=str(profile.name)),
        description=asked,
        tools_available=tuple(sorted(profile.tools)),
        constraints=Constraints(
            deadline_seconds=profile.limits.wall_clock_s_max,
            max_tokens=profile.limits.tokens_max,
            output_format=WantedOutput(kind=kind),
            max_retries=0,
        ),
        input_data=_inputs(profile),
        acceptance_criteria=(),
        base=base,
        scope=Scope(inside=("**",), outside=()),
        do_not=(),
    )


def _asked(profile: Profile) -> tuple[_Kind, str]:
    """Returns the kind of output that is asked for, and the task: for a built-in one, what it is made for."""
    own = _BUILT_IN.get(profile.name) if profile.kind == "tool" else None
    kinds = profile.output_kinds or {"report"}
    if own is not None:
        return "list" if "list" in kinds else "report", own
    if "report" in kinds:
        asked = "Say in one sentence what README.md is about, and list what `index` occurs in."
        return "report", asked
    if "changes" in kinds:
        return "changes", "Mend the misspelling in README.md, and nothing else."
    return "list", 'List the lines with "index".'


def _inputs(profile: Profile) -> tuple[PackageInput, ...]:
    """Returns the files of the scratch repository; whoever works on data gets two lists instead."""
    if profile.capabilities.isdisjoint(("merge", "copy")):
        return (PackageInput(kind="glob", value="**", paths=tuple(sorted(FILES))),)
    return tuple(PackageInput(kind="data", value=text, content=text) for text in _LISTS)
