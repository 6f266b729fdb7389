"""ACCEPTANCE and OUTPUT FORMAT, as far as rules can tell, and how far an output can be trusted for it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

from coordinator.domain import link_criterion, report_rows
from coordinator.domain.brief import Brief, Criterion, Kind
from coordinator.domain.names import RepoPath
from coordinator.domain.output import Report
from coordinator.domain.pattern import TEXT_CHARS_MAX, pattern
from coordinator.domain.prohibitions import looked_at
from coordinator.domain.resulting import Resulting, is_report
from coordinator.domain.sitemap_criterion import only_sitemaps
from coordinator.domain.tree import literal_folder, matches
from coordinator.domain.verdict import Finding, Trust

BUILT_IN = frozenset({"links", "sitemap", "search", "merge"})
REPORT_BYTES_MAX = 4_000_000


def shape(resulting: Resulting, brief: Brief) -> Finding:
    """Returns whether the output is of the kind that OUTPUT FORMAT asks for."""
    kind = brief.output_format.kind or Kind.REPORT
    return Finding(
        code="shape", criterion=f"OUTPUT FORMAT: {kind}", **_met(_shape_fault(resulting, kind))
    )


def built_in(
    resulting: Resulting, capabilities: Iterable[str], brief: Brief
) -> tuple[Finding, ...]:
    """Returns what the built-in workers promise for changes: the rule of each capability."""
    if is_report(brief):
        return ()
    rules = {"links": link_criterion.only_link_targets, "sitemap": only_sitemaps}
    return tuple(rule(resulting) for name, rule in rules.items() if name in set(capabilities))


def criteria(resulting: Resulting, brief: Brief) -> tuple[Finding, ...]:
    """Returns a finding for each item of ACCEPTANCE but `check:`, for the schema and for prose.

    `matches` looks at the text of a report, or at the resulting content of every changed file.
    """
    findings: list[Finding] = []
    if brief.output_format.json_schema is not None:
        rule = "OUTPUT FORMAT: the JSON schema"
        findings.append(_schema_finding(resulting, brief.output_format.json_schema, rule))
    findings += [_finding(item, resulting) for item in brief.acceptance if item.kind != "check"]
    if brief.scope_prose.strip():
        findings.append(_prose("scope", brief.scope_prose.strip()))
    findings += looked_at(resulting, brief=brief)
    return tuple(findings)


def trust(findings: Iterable[Finding], brief: Brief, capabilities: Iterable[str]) -> Trust:
    """Returns how far accepted findings can be relied on; every one of them is met or unchecked.

    unverified: nothing was checked but form and scope. partly verified: something that was asked is
    prose. verified: all that was asked has been checked, and there was something to check.
    """
    seen = tuple(findings)
    form = ("shape", "scope")
    checked = any(f.met for f in seen if f.code not in form)
    rows = brief.output_format.kind in (Kind.LIST, Kind.JSON, Kind.TABLE)
    is_built_in = bool(BUILT_IN & set(capabilities))
    if not checked and not rows and not is_built_in:
        return Trust.UNVERIFIED
    free_text = brief.output_format.kind in (Kind.REPORT, None) and not checked
    unchecked = any(f.met is None for f in seen)
    return Trust.PARTLY if unchecked or free_text else Trust.VERIFIED


def _shape_fault(resulting: Resulting, kind: Kind) -> str | None:
    body = resulting.body
    if kind is Kind.CHANGES:
        if isinstance(body, Report):
            return "changes were asked for, a report came"
        return None if resulting.changes else "nothing changes: return noop when nothing has to"
    if not isinstance(body, Report):
        return "a report was asked for, changes came"
    if len(body.text.encode("utf-8", "replace")) > REPORT_BYTES_MAX:
        return f"it is larger than {REPORT_BYTES_MAX} bytes"
    if kind is Kind.REPORT:
        return None if body.text.strip() else "it is empty"
    found = report_rows.read(body.text, kind)
    return found if isinstance(found, str) else None


def _finding(item: Criterion, resulting: Resulting) -> Finding:
    match item.kind:
        case "schema":
            return _named_schema(item, resulting)
        case "matches":
            return _matches(item, resulting)
        case "only":
            globs = listed(item.value)
            bad = [c.path for c in resulting.changes if not any(matches(c.path, g) for g in globs)]
            return Finding(code="only", criterion=item.text, **_met(_some(bad)))
        case "exists":
            missing = [path for path in listed(item.value) if not _exists(path, resulting)]
            return Finding(code="exists", criterion=item.text, **_met(_some(missing)))
        case _:
            return _prose("prose", item.text)


def listed(value: str) -> tuple[str, ...]:
    """Returns the paths of a comma-separated value, without quotes and backticks."""
    parts = (part.strip().strip("`\"'").removeprefix("./") for part in re.split(r"[,\n]", value))
    return tuple(part for part in parts if part)


def _exists(path: str, resulting: Resulting) -> bool:
    if not any(char in path for char in "*?["):
        return resulting.tree.entry(RepoPath(path.rstrip("/"))) is not None
    return any(matches(found, path) for found in resulting.tree.files(literal_folder(path)))


def _named_schema(item: Criterion, resulting: Resulting) -> Finding:
    said = item.value.strip()
    if not said.startswith("{"):
        # Read from the base: a worker must not bring the schema that it is judged by.
        entry = resulting.base.entry(RepoPath(said.strip("`\"'").removeprefix("./")))
        content = resulting.bytes_of(entry)
        if content is None:
            told = f"there is no schema at {said}"
            return Finding(code="schema", criterion=item.text, met=False, evidence=told)
        said = content.decode("utf-8", "replace")
    try:
        schema = report_rows.strict_json(said)
    except ValueError as error:
        told = f"the schema is not JSON: {error}"
        return Finding(code="schema", criterion=item.text, met=False, evidence=told)
    return _schema_finding(resulting, schema, item.text)


def _schema_finding(resulting: Resulting, schema: Any, criterion: str) -> Finding:
    return Finding(
        code="schema", criterion=criterion, **_met(_some(_schema_faults(resulting, schema)))
    )


def _schema_faults(resulting: Resulting, schema: Any) -> list[str]:
    from coordinator.domain.schema import faults  # noqa: PLC0415 - slow to load, and rarely asked for

    bad: list[str] = []
    for where, text in _texts(resulting, only_json=True):
        try:
            value = report_rows.strict_json(text)
        except ValueError as error:
            bad.append(f"{where} is not JSON: {error}")
        else:
            bad += [f"{where}{fault}" for fault in faults(value, schema)]
    return bad


def _matches(item: Criterion, resulting: Resulting) -> Finding:
    wanted = pattern(item.value)
    texts = _texts(resulting)
    if wanted is None or sum(len(text) for _, text in texts) > TEXT_CHARS_MAX:
        told = "the pattern cannot be used" if wanted is None else "there is too much text"
        return Finding(code="matches", criterion=item.text, met=None, evidence=told)
    if not texts and resulting.changes:
        told = "no changed file is left to look in"
        return Finding(code="matches", criterion=item.text, met=False, evidence=told)
    answers = [(where, wanted.search(text)) for where, text in texts]
    if any(answer is None for _, answer in answers):
        told = "the pattern takes too long"
        return Finding(code="matches", criterion=item.text, met=None, evidence=told)
    bad = [f"not found in {where}" for where, answer in answers if not answer]
    return Finding(code="matches", criterion=item.text, **_met(_some(bad)))


def _texts(resulting: Resulting, *, only_json: bool = False) -> list[tuple[str, str]]:
    """Returns what a criterion on text looks at: the report, or each changed file that is still there."""
    if isinstance(resulting.body, Report):
        return [("the report", resulting.body.text)]
    files = [
        (change.path, content.decode("utf-8", "replace"))
        for change in resulting.changes
        if (content := resulting.bytes_of(change.after)) is not None
    ]
    return [(path, text) for path, text in files if not only_json or path.endswith(".json")]


def _prose(code: str, text: str) -> Finding:
    return Finding(code=code, criterion=text, met=None, evidence="prose, which no rule can check")


def _some(bad: Sequence[str]) -> str | None:
    if not bad:
        return None
    return "; ".join(bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")


def _met(fault: str | None) -> dict[str, Any]:
    """Returns the two fields of a finding; evidence is stored as UTF-8, whatever a name is made of."""
    plain = (fault or "yes").encode("utf-8", "backslashreplace").decode()
    return {"met": fault is None, "evidence": plain}
