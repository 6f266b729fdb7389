"""JSON pointers (RFC 6901): where in an answer something stands."""

from typing import Any


class Missing(Exception):
    """A pointer leads nowhere."""


def resolve(document: Any, pointer: str) -> Any:
    """Returns what `pointer` names in `document`; the empty one names all of it. Raises Missing."""
    if not pointer:
        return document
    if not pointer.startswith("/"):
        raise Missing("a JSON pointer is empty or begins with /")
    found = document
    for part in pointer[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and _is_index(name) and int(name) < len(found):
            found = found[int(name)]
        else:
            raise Missing(f"there is no {name!r}")
    return found


def _is_index(name: str) -> bool:
    return name.isascii() and name.isdigit() and (name == "0" or not name.startswith("0"))
