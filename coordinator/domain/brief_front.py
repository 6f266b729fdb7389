"""The front matter of a brief: the settings that are not prose, as YAML."""

import difflib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

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
)
_FIELDS = {"deadline": "deadline_s", "budget": "budget_usd"}
_SECTION = "front matter"
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhd]\s*)+\Z")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff]")
_NUMBER_MAX = 1e12


def fields(front: str) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Returns the fields of a Brief that the front matter sets, and every fault with its line."""
    entries, faults = _entries(front)
    found: dict[str, Any] = {}
    for key, node in entries:
        line = node.start_mark.line + 2
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
        if isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null":
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
    """Returns the line of each setting in the brief, as far as the front matter can be read."""
    return {key: node.start_mark.line + 2 for key, node in _entries(front)[0]}


def render(brief: Brief) -> str:
    """Returns the front matter with its '---' lines, '' when there is nothing to set."""
    said: dict[str, Any] = {}
    for key in KEYS:
        value = getattr(brief, _FIELDS.get(key, key))
        if isinstance(value, tuple):
            value = list(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is False:
            continue
        if value not in (None, []) and not (key == "priority" and value == 0):
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


def _scalar(node: yaml.Node) -> str | None:
    plain = ("str", "int", "float", "bool", "timestamp")
    if not isinstance(node, yaml.ScalarNode):
        return None
    if node.tag.removeprefix("tag:yaml.org,2002:") not in plain:
        return None
    value = str(node.value).strip()
    return value if value and not _UNPRINTABLE.search(value) else None


def _word(node: yaml.Node) -> str | None:
    value = _scalar(node)
    return None if value is None or "," in value else value


def _words(node: yaml.Node) -> tuple[str, ...] | None:
    """Reads `a`, `a, b` and a YAML list; each word once."""
    if isinstance(node, yaml.SequenceNode):
        found = [_word(item) for item in node.value]
        return None if None in found else tuple(dict.fromkeys(w for w in found if w))
    value = _scalar(node)
    if value is None:
        return None
    return tuple(dict.fromkeys(w.strip() for w in value.split(",") if w.strip())) or None


def _yes(node: yaml.Node) -> bool | None:
    value = (_scalar(node) or "").lower()
    return None if value not in ("true", "false", "yes", "no") else value in ("true", "yes")


def _whole(lowest: int, highest: int) -> Callable[[yaml.Node], int | None]:
    def read(node: yaml.Node) -> int | None:
        value = _scalar(node)
        if value is None or not re.fullmatch(r"[+-]?\d{1,15}", value.replace("_", "")):
            return None
        number = int(value.replace("_", ""))
        return number if lowest <= number <= highest else None

    return read


def _amount(node: yaml.Node) -> float | None:
    value = _scalar(node)
    if value is None or not re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", value.removeprefix("$")):
        return None
    return float(value.removeprefix("$"))


def _duration(node: yaml.Node) -> float | None:
    """Reads seconds, or a sum such as `1h30m`."""
    value = _scalar(node)
    if value is None:
        return None
    if re.fullmatch(r"-?\d{1,12}(?:\.\d{1,12})?", value):
        return float(value)
    if len(value) > 40 or not _DURATION.match(value):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd])", value)
    total = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return total if math.isfinite(total) and total <= _NUMBER_MAX else None


_READERS: dict[str, tuple[Callable[[yaml.Node], Any], str]] = {
    "worker": (_words, "the name of a worker, or a list of names"),
    "task_type": (_word, "a word"),
    "tools": (_words, "a list of tools"),
    "priority": (_whole(-1000, 1000), "a whole number from -1000 to 1000"),
    "after": (_words, "the name of a brief, or a list of names"),
    "deadline": (_duration, "a time"),
    "max_tokens": (_whole(1, 10**12), "a whole number of at least 1"),
    "budget": (_amount, "an amount in USD"),
    "retries": (_whole(0, 20), "a whole number from 0 to 20"),
    "deploy": (_word, "the name of one environment"),
    "again": (_whole(1, 10**6), "a whole number of at least 1"),
    "external": (_yes, "true or false"),
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
}


def _shown(key: str) -> str:
    return "`" + _UNPRINTABLE.sub("?", key)[:40] + "`"


def _fault(code: str, line: int, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section=_SECTION, message=message, hint=hint)
