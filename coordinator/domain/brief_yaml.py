"""What one node of a brief's front matter says: read by hand, so no YAML tag or date can surprise us."""

import json
import math
import re
from collections.abc import Callable
from typing import Any

import yaml

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?\s*[smhd]\s*)+\Z")
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029\ufeff]")
_UNUSABLE = re.compile(r"[\x00\ud800-\udfff]")
_NUMBER_MAX = 1e12
_NODES_MAX = 2_000
_TAG = "tag:yaml.org,2002:"
_PLAIN = ("str", "int", "float", "bool", "timestamp")


def is_empty(node: yaml.Node) -> bool:
    """Tells whether nothing is said: `key:` without a value."""
    return isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}null"


def line_of(node: yaml.Node) -> int:
    """Returns the line of the brief on which a node begins: its front matter begins on line 2."""
    return int(node.start_mark.line) + 2


def entries(node: yaml.Node) -> list[tuple[str, yaml.Node]] | None:
    """Returns keys and values of a mapping with words for keys; None for all else."""
    if not isinstance(node, yaml.MappingNode):
        return None
    if not all(isinstance(key, yaml.ScalarNode) for key, _ in node.value):
        return None
    return [(str(key.value).strip(), value) for key, value in node.value]


def text(node: yaml.Node) -> str | None:
    """Reads a text of any number of lines."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.removeprefix(_TAG) not in _PLAIN:
        return None
    value = str(node.value).replace("\r\n", "\n").replace("\r", "\n")
    return value if value.strip() and not _UNUSABLE.search(value) else None


def plain(node: yaml.Node) -> Any:
    """Returns what JSON has for a node. Raises ValueError where it has nothing, or there is too much of it."""
    return _plain(node, [_NODES_MAX])


def _plain(node: yaml.Node, left: list[int]) -> Any:
    left[0] -= 1  # an alias may stand for itself, or for very much
    if left[0] < 0:
        raise ValueError("there is too much of it")
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, left) for item in node.value]
    if isinstance(node, yaml.MappingNode):
        return {str(_plain(key, left)): _plain(value, left) for key, value in node.value}
    match node.tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return str(node.value).lower() in ("true", "yes", "on")
        case "int" if re.fullmatch(r"[+-]?\d{1,15}", str(node.value)):
            return int(node.value)
        case "float" if re.fullmatch(r"[+-]?\d{1,15}\.\d{1,15}", str(node.value)):
            return float(node.value)
        case _:
            return str(node.value)


def as_text(node: yaml.Node) -> str | None:
    """Returns the text of a scalar, or of the lines that YAML has taken for a mapping."""
    pairs = entries(node)
    if pairs is None:
        return text(node)
    said = {}
    for key, value in pairs:
        try:
            said[key] = _inline(plain(value))
        except (ValueError, RecursionError):
            return None
    if {"as"} < said.keys() and len(said) == 2:  # an input: `{task: outline, as: list}`
        wants = said.pop("as")
        return "".join(f"{key}: {value} as {wants}" for key, value in said.items())
    return "\n".join(f"{key}: {value}" for key, value in said.items())


def _inline(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def scalar(node: yaml.Node) -> str | None:
    """Reads one line of text."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.removeprefix(_TAG) not in _PLAIN:
        return None
    value = str(node.value).strip()
    return value if value and not UNPRINTABLE.search(value) else None


def word(node: yaml.Node) -> str | None:
    """Reads one line of text without a comma."""
    value = scalar(node)
    return None if value is None or "," in value else value


def words(node: yaml.Node) -> tuple[str, ...] | None:
    """Reads `a`, `a, b` and a YAML list; each word once."""
    if isinstance(node, yaml.SequenceNode):
        found = [word(item) for item in node.value]
        return None if None in found else tuple(dict.fromkeys(w for w in found if w))
    value = scalar(node)
    if value is None:
        return None
    return tuple(dict.fromkeys(w.strip() for w in value.split(",") if w.strip())) or None


def yes(node: yaml.Node) -> bool | None:
    """Reads true and false."""
    value = (scalar(node) or "").lower()
    return None if value not in ("true", "false", "yes", "no") else value in ("true", "yes")


def whole(lowest: int, highest: int) -> Callable[[yaml.Node], int | None]:
    """Returns what reads a whole number from `lowest` to `highest`."""

    def read(node: yaml.Node) -> int | None:
        value = scalar(node)
        if value is None or not re.fullmatch(r"[+-]?\d{1,15}", value.replace("_", "")):
            return None
        number = int(value.replace("_", ""))
        return number if lowest <= number <= highest else None

    return read


def amount(node: yaml.Node) -> float | None:
    """Reads an amount of money."""
    value = scalar(node)
    if value is None or not re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?", value.removeprefix("$")):
        return None
    return float(value.removeprefix("$"))


def duration(node: yaml.Node) -> float | None:
    """Reads seconds, or a sum such as `1h30m`."""
    value = scalar(node)
    if value is None:
        return None
    if re.fullmatch(r"-?\d{1,12}(?:\.\d{1,12})?", value):
        return float(value)
    if len(value) > 40 or not _DURATION.match(value):
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([smhd])", value)
    total = sum(float(number) * _UNITS_S[unit] for number, unit in parts)
    return total if math.isfinite(total) and total <= _NUMBER_MAX else None


def choice(*known: str) -> Callable[[yaml.Node], str | None]:
    """Returns what reads one of the words `known`."""

    def read(node: yaml.Node) -> str | None:
        value = scalar(node)
        return value if value in known else None

    return read


def texts(node: yaml.Node) -> dict[str, tuple[str, ...]] | None:
    """Reads a mapping of texts and lists of texts; a text is a list of one."""
    found: dict[str, tuple[str, ...]] = {}
    for key, value in entries(node) or ():
        listed = value.value if isinstance(value, yaml.SequenceNode) else [value]
        said = [(text(item) or "").strip() for item in listed]
        if not said or not all(said) or key in found or UNPRINTABLE.search(key) or not key:
            return None
        found[key] = tuple(said)
    return found or None
