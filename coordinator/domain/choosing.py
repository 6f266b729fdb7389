"""Which worker a brief goes to when it names none, by a rule its author can predict.

`task_type` names a capability. Without one, the first word of TASK that names a capability decides; the words
of `search`, and a quoted pattern, count only when no other capability is named and no sitemap file is.
The first worker that has the capability, returns what OUTPUT FORMAT wants and may use the tools that the brief
names is chosen; the others that do, in their order, take its place when it could not do it.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from coordinator.domain.brief import Brief, Kind
from coordinator.domain.brief_paths import pathlike
from coordinator.domain.names import ProfileName
from coordinator.domain.policy import Policy, Profile

_WORDS: dict[str, str] = {
    "sitemap": r"sitemaps?",
    "links": r"(?:hyper)?links?|anchors?|hrefs?",
    "search": r"search(?:es)?|find|finds|inventory|inventories|grep|greps|todos?|fixmes?"
    r"|patterns?|occurrences?|mentions?|matches|matching",
}
_LAST = "search"
ROLES = frozenset(
    ("evaluation", "merge", "copy", "planning")
)  # what no brief is about: a word of TASK does not name it
_LITERALS = re.compile(r"`[^`]*`|\"[^\"]*\"|https?://\S+|(?<!\S)/\S.*?/[ims]*(?=[\s,;.]|\Z)")
_PATHS = re.compile(r"\S*[/.][\w*]\S*")


def chosen(brief: Brief, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers of a brief in order; () when none is named and none can be chosen."""
    if brief.worker:
        return tuple(dict.fromkeys(brief.worker))
    capability = wanted(brief, policy)
    able = substitutes(brief, policy) or tuple(
        p.name for p in policy.profiles if capability in p.capabilities
    )
    return able[:1]


def substitutes(brief: Brief, policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that may do a brief, in order, each when those before it could not.

    A brief that names its worker wants that one: there are none then.
    """
    if brief.worker:
        return ()
    capability, kind = wanted(brief, policy), brief.output_format.kind
    return tuple(
        p.name
        for p in policy.profiles
        if capability in p.capabilities and is_fit(p, kind=kind, tools=brief.tools)
    )


def is_fit(profile: Profile, *, kind: Kind | None, tools: Sequence[str]) -> bool:
    """Tells whether a worker returns what is wanted, and may use these tools."""
    returns = kind is None or not profile.output_kinds or kind.value in profile.output_kinds
    return returns and profile.tools.issuperset(tools)


def wanted(brief: Brief, policy: Policy) -> str | None:
    """Returns the capability that a brief asks for, None when none can be told."""
    known = dict.fromkeys(c for p in policy.profiles for c in sorted(p.capabilities))
    return brief.task_type or _capability(brief.task, tuple(known))


@lru_cache(maxsize=256)  # each TASK is asked about at every look
def _capability(task: str, known: tuple[str, ...]) -> str | None:
    """Returns the capability that TASK names, of those that are known."""
    words = _PATHS.sub(" ", _LITERALS.sub(" ", task))
    found = {
        capability: match.start()
        for capability in known
        if capability != _LAST and capability not in ROLES and (match := _named(capability, words))
    }
    if found:
        return min(found, key=lambda capability: found[capability])
    quoted = quotes(task)
    if "sitemap" in known and not quoted and re.search(r"sitemap[\w-]*\.xml", task, re.IGNORECASE):
        return "sitemap"
    return _LAST if _LAST in known and (quoted or _named(_LAST, words)) else None


def quotes(task: str) -> bool:
    """Tells whether TASK quotes a pattern: /re/, or text in backticks or quotes that is no path."""
    found = [match[0] for match in _LITERALS.finditer(task)]
    return any(
        not text.startswith("http") and (text.startswith("/") or not pathlike(text.strip('`"')))
        for text in found
    )


def _named(capability: str, text: str) -> re.Match[str] | None:
    words = _WORDS.get(capability) or re.escape(capability)
    return re.search(rf"(?<![\w-])(?:{words})(?![\w-])", text, re.IGNORECASE)
