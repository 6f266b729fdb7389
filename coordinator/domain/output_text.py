"""The words of a worker: what may steer a terminal, turn text round or hide it goes at the door."""

from typing import Any

from coordinator.domain.output import Changes, CouldNot, Output, RefusedEntry, Report
from coordinator.domain.record import clean, one_line

_REFUSED_MAX = 100
_WHY_CHARS_MAX = 500


def plain(output: Output) -> Output:
    """Returns an output whose text is cleaned (see record.clean), in JSON too; files stay as they are.

    Paths of edits and a patch stay too: they are judged, and a cleaned name would be another name.
    """
    match output.body:
        case Report() as report:
            fields: dict[str, Any] = {"text": clean(report.text), "data": _cleaned(report.data)}
        case Changes() as changes:
            refused = changes.refused[:_REFUSED_MAX]
            fields = {
                "summary": clean(changes.summary),
                "refused": tuple(_plain_entry(entry) for entry in refused),
            }
        case CouldNot() as could_not:
            fields = {"text": clean(could_not.text)}
    said = {
        "body": output.body.model_copy(update=fields),
        "confinement": one_line(output.confinement),
    }
    return output.model_copy(update=said)


def _plain_entry(entry: RefusedEntry) -> RefusedEntry:
    return RefusedEntry(
        path=_shown(entry.path), code=one_line(entry.code), why=one_line(entry.why)[:_WHY_CHARS_MAX]
    )


def _shown(path: str) -> str:
    """Returns a path with what is not printable written out: it is evidence, and no name any more."""
    told = path.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in told)[:_WHY_CHARS_MAX]


def _cleaned(value: Any) -> Any:
    match value:
        case str():
            return clean(value)
        case list():
            return [_cleaned(one) for one in value]
        case dict():
            return {clean(str(key)): _cleaned(one) for key, one in value.items()}
        case _:
            return value
