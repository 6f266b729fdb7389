"""The front matter of a brief: the settings that are not prose, as YAML."""

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from coordinator.domain import brief_tasks, brief_yaml
from coordinator.domain.brief import Brief, Fault

KEYS = (
    "worker",
    "task_type",
    "tools",
    "priority",
    "after",
    "deadline",
    "max_tokens",
    "budget",
    "retries",
    "deploy",
    "again",
    "external",
    "tasks",
    "plan",
    "recipe",
    "recipe_with",
    "workers",
    "on_partial",
    "review",
)
_FIELDS = {"deadline": "deadline_s", "budget": "budget_usd"}
_SECTION = "front matter"
_DEFAULTS: tuple[Any, ...] = (None, [], {})
_UNSAID = (("priority", 0), ("on_partial", "hold"))


def fields(front: str) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Returns the fields of a Brief that the front matter sets, and every fault with its line."""
    entries, faults = _entries(front)
    found: dict[str, Any] = {}
    for key, node in entries:
        line = brief_yaml.line_of(node)
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.6)
            hint = f"did you mean `{near[0]}`?" if near else f"the keys are {', '.join(KEYS)}"
            faults.append(_fault("unknown-key", line, f"there is no setting {_shown(key)}", hint))
            continue
        name = _FIELDS.get(key, key)
        if name in found:
            message, hint = f"`{key}` is set twice", "keep one of the two lines"
            faults.append(_fault("duplicate-key", line, message, hint))
            continue
        if brief_yaml.is_empty(node):
            continue
        if key == "tasks":
            found[name], more = brief_tasks.read(node)
            faults += more
            continue
        read, wanted = _READERS[key]
        value = read(node)
        if value is None:
            faults.append(
                _fault("bad-value", line, f"`{key}` is not {wanted}", f"write {_EXAMPLES[key]}")
            )
        else:
            found[name] = value
    return found, tuple(faults)


def lines(front: str) -> Mapping[str, int]:
    """Returns the line of each setting in the brief, as far as the front matter can be read.

    A task is in it as `tasks:ID`.
    """
    found: dict[str, int] = {}
    for key, node in _entries(front)[0]:
        found[key] = brief_yaml.line_of(node)
        if key == "tasks":
            found |= {f"tasks:{name}": line for name, line in brief_tasks.lines(node).items()}
    return found


def render(brief: Brief) -> str:
    """Returns the front matter with its '---' lines, '' when there is nothing to set."""
    said: dict[str, Any] = {}
    for key in KEYS:
        value = _said(key, getattr(brief, _FIELDS.get(key, key)))
        if value is not False and value not in _DEFAULTS and (key, value) not in _UNSAID:
            said[key] = value
    if not said:
        return ""
    return f"---\n{yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=10_000)}---\n\n"


def with_worker(text: str, worker: str) -> str:
    """Returns the text of a brief with `worker` set in its front matter, which has none yet."""
    line = yaml.safe_dump({"worker": worker}, width=10_000)
    if text.startswith("---\n"):
        return f"---\n{line}{text[4:]}"
    return f"---\n{line}---\n\n{text}"


def _said(key: str, value: Any) -> Any:
    """Returns a setting as YAML has it."""
    match value:
        case tuple() if key == "tasks":
            return brief_tasks.render(value)
        case tuple():
            return list(value)
        case dict():
            return {k: list(v) if len(v) > 1 else v[0] for k, v in value.items()}
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _entries(front: str) -> tuple[list[tuple[str, yaml.Node]], list[Fault]]:
    """Returns key and value nodes: built by hand, so no YAML tag or date can surprise us."""
    try:
        root = yaml.compose(front, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 2 if mark else 1
        message = f"the front matter is not YAML: {error.problem or 'it cannot be read'}"
        return [], [_fault("front-matter", line, message, "write one `key: value` a line")]
    except (yaml.YAMLError, RecursionError, ValueError):
        message = "the front matter is not YAML: it cannot be read"
        return [], [_fault("front-matter", 1, message, "write one `key: value` a line")]
    if root is None:
        return [], []
    if not isinstance(root, yaml.MappingNode):
        message = "the front matter is not a mapping"
        return [], [_fault("front-matter", 2, message, "write one `key: value` a line")]
    entries: list[tuple[str, yaml.Node]] = []
    faults: list[Fault] = []
    for key, value in root.value:
        if isinstance(key, yaml.ScalarNode):
            entries.append((key.value.strip(), value))
        else:
            line = key.start_mark.line + 2
            faults.append(_fault("front-matter", line, "a key is not a word", "write `key: value`"))
    return entries, faults


_READERS: dict[str, tuple[Callable[[yaml.Node], Any], str]] = {
    "worker": (brief_yaml.words, "the name of a worker, or a list of names"),
    "task_type": (brief_yaml.word, "a word"),
    "tools": (brief_yaml.words, "a list of tools"),
    "priority": (brief_yaml.whole(-1000, 1000), "a whole number from -1000 to 1000"),
    "after": (brief_yaml.words, "the name of a brief, or a list of names"),
    "deadline": (brief_yaml.duration, "a time"),
    "max_tokens": (brief_yaml.whole(1, 10**12), "a whole number of at least 1"),
    "budget": (brief_yaml.amount, "an amount in USD"),
    "retries": (brief_yaml.whole(0, 20), "a whole number from 0 to 20"),
    "deploy": (brief_yaml.word, "the name of one environment"),
    "again": (brief_yaml.whole(1, 10**6), "a whole number of at least 1"),
    "external": (brief_yaml.yes, "true or false"),
    "plan": (brief_yaml.choice("rules", "model"), "rules or model"),
    "recipe": (brief_yaml.word, "the name of one recipe"),
    "recipe_with": (brief_yaml.texts, "a mapping of texts, or of lists of texts"),
    "workers": (brief_yaml.whole(1, 100), "a whole number from 1 to 100"),
    "on_partial": (brief_yaml.choice("hold", "land", "fail"), "hold, land or fail"),
    "review": (brief_yaml.choice("required"), "the word required"),
}
_EXAMPLES = {
    "worker": "`worker: links` or `worker: [links, sitemap]`",
    "task_type": "`task_type: links`",
    "tools": "`tools: [list, glob, read]`",
    "priority": "`priority: 5`",
    "after": "`after: sitemap` or `after: [sitemap, links]`",
    "deadline": "`deadline: 90`, `deadline: 10m` or `deadline: 2h`",
    "max_tokens": "`max_tokens: 50000`",
    "budget": "`budget: 0.50`",
    "retries": "`retries: 2`",
    "deploy": "`deploy: production`",
    "again": "`again: 1`",
    "external": "`external: true`",
    "plan": "`plan: model`",
    "recipe": "`recipe: map-reduce`",
    "recipe_with": "`recipe_with: {sections: [Today, What to do]}`",
    "workers": "`workers: 3`",
    "on_partial": "`on_partial: hold`",
    "review": "`review: required`",
}


def _shown(key: str) -> str:
    return "`" + brief_yaml.UNPRINTABLE.sub("?", key)[:40] + "`"


def _fault(code: str, line: int, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=_SECTION, message=message, hint=hint)
