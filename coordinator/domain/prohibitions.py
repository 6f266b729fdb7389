"""DO NOT, as far as it can be checked: paths, new files, number of lines, lines that match."""

from collections.abc import Sequence

from coordinator.domain.brief import Brief, Prohibition
from coordinator.domain.lines import Delta, delta
from coordinator.domain.output import Report
from coordinator.domain.pattern import pattern
from coordinator.domain.resulting import Resulting
from coordinator.domain.tree import matches
from coordinator.domain.verdict import Finding


def broken(resulting: Resulting, *, brief: Brief) -> tuple[Finding, ...]:
    """Returns a finding for each checkable item of DO NOT that the resulting tree breaks."""
    return tuple(f for f in looked_at(resulting, brief=brief) if f.met is False)


def looked_at(resulting: Resulting, *, brief: Brief) -> tuple[Finding, ...]:
    """Returns a finding for every item of DO NOT; prose ones have `met` None.

    The report at its own path is what the brief asked for: it counts as no new file and no changed line,
    and its text counts for lines that match.
    """
    items = brief.do_not
    deltas: dict[str, Delta] = {}
    if any(item.kind in ("max_lines", "matches") for item in items):
        deltas = {
            change.path: delta(resulting.bytes_of(change.before), resulting.bytes_of(change.after))
            for change in resulting.own_changes
        }
    return tuple(_finding(item, resulting, deltas) for item in items)


def _finding(item: Prohibition, resulting: Resulting, deltas: dict[str, Delta]) -> Finding:
    match item.kind:
        case "path":
            bad = [c.path for c in resulting.own_changes if matches(c.path, item.value)]
            return _said(item, bad, f"no changed path is {item.value}")
        case "new_files":
            bad = [c.path for c in resulting.own_changes if c.before is None]
            return _said(item, bad, "no new file")
        case "max_lines":
            count, most = sum(d.size for d in deltas.values()), int(item.value)
            told = f"{count} lines added or removed, {most} allowed"
            return _said(item, [told] if count > most else [], told)
        case "matches":
            return _no_line_matches(item, resulting, deltas)
        case "prose":
            return Finding(
                code="do-not",
                criterion=item.text,
                met=None,
                evidence="prose, which no rule can check",
            )


def _no_line_matches(item: Prohibition, resulting: Resulting, deltas: dict[str, Delta]) -> Finding:
    forbidden = pattern(item.value)
    if forbidden is None:
        return Finding(
            code="do-not", criterion=item.text, met=None, evidence="the pattern cannot be used"
        )
    added = {path: found.added for path, found in deltas.items()}
    if isinstance(resulting.body, Report):
        added["the report"] = tuple(resulting.body.text.split("\n"))
    bad: list[str] = []
    for where, lines in added.items():
        answers = [forbidden.search(line.rstrip("\r\n")) for line in lines]
        if None in answers:
            told = f"{where}: the pattern takes too long on it"
            return Finding(code="do-not", criterion=item.text, met=None, evidence=told)
        bad += [
            f"{where}: {line.strip()[:120]}"
            for line, answer in zip(lines, answers, strict=True)
            if answer
        ]
    return _said(item, bad, "no added line matches")


def _said(item: Prohibition, bad: Sequence[str], good: str) -> Finding:
    shown = ", ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
    # A name may hold bytes that are no text: evidence is stored as UTF-8.
    plain = shown.encode("utf-8", "backslashreplace").decode()
    return Finding(code="do-not", criterion=item.text, met=not bad, evidence=plain or good)
