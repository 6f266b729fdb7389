"""The workers that come with the coordinator, which need no model, and where the others are described."""

from collections.abc import Mapping

from coordinator.domain.names import Oid, ProfileName, RepoPath
from coordinator.domain.policy import Limits, Profile
from coordinator.domain.tree import Entry

WORKERS = RepoPath(".orchestrator/workers")
TOOLS = frozenset(("list", "glob", "read"))
_REPORTS = frozenset(("list", "json", "table", "report"))
TOKENS_WITHOUT_MODEL_MAX = 200_000_000
"""The most that is put before a worker that asks no model, and so has no context to overflow."""

_LIMITS = Limits(wall_clock_s_max=300.0, idle_s_max=300.0, tokens_max=TOKENS_WITHOUT_MODEL_MAX)

BUILT_IN: tuple[Profile, ...] = (
    Profile(
        name=ProfileName("sitemap"),
        description="HTML pages missing from a sitemap.xml, or dead in it; reports, or changes it",
        capabilities=frozenset(("sitemap",)),
        output_kinds=_REPORTS | {"changes"},
        tools=TOOLS,
        limits=_LIMITS,
        tokens_per_s=1_000_000.0,
    ),
    Profile(
        name=ProfileName("links"),
        description="broken relative links and anchors in Markdown and HTML; reports, or mends them",
        capabilities=frozenset(("links",)),
        output_kinds=_REPORTS | {"changes"},
        tools=TOOLS | {"check_url"},  # which a package has where its brief asks for it
        limits=_LIMITS,
        tokens_per_s=500_000.0,
    ),
    Profile(
        name=ProfileName("search"),
        # A planner knows of it what is said here, and its task comes to nothing without a pattern.
        description="an inventory of what matches the pattern that its objective has as `text` or /expression/",
        capabilities=frozenset(("search",)),
        output_kinds=_REPORTS,
        tools=TOOLS,
        limits=_LIMITS,
        tokens_per_s=1_000_000.0,
    ),
    Profile(
        name=ProfileName("merge"),
        description="what earlier tasks returned, put together row by row",
        capabilities=frozenset(("merge",)),
        output_kinds=_REPORTS - {"report"},
        tools=TOOLS,
        limits=_LIMITS,
        tokens_per_s=1_000_000.0,
    ),
    Profile(
        name=ProfileName("copy"),
        description="the data of INPUTS as a report, word for word",
        capabilities=frozenset(("copy",)),
        output_kinds=frozenset(("report",)),
        tools=TOOLS,
        limits=_LIMITS,
        tokens_per_s=1_000_000.0,
    ),
)


def worker_files(listing: Mapping[str, Entry]) -> tuple[tuple[str, Oid], ...]:
    """Returns the worker files of the folder with this listing: name and blob, sorted."""
    files = {n: e.oid for n, e in listing.items() if n.endswith(".md") and e.mode.startswith("100")}
    return tuple(sorted(files.items()))
