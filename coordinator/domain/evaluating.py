"""What an evaluator says of prose criteria: parsed, held against the output, and combined with the verdict kept.

Rules come first: an evaluator is asked about what they leave open, and about nothing else. It decides
nothing by itself. A judgement counts only with a quotation that stands in the output word for word, and the
verdict that follows from all of them is worked out anew at each look, so it is stored nowhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from coordinator.domain import report_rows
from coordinator.domain.attempt import NOBODYS_FAULT, Attempt, Lost, Returned, Running
from coordinator.domain.names import ProfileName
from coordinator.domain.output import Body, CouldNot, Report
from coordinator.domain.policy import Policy
from coordinator.domain.verdict import (
    Accept,
    Finding,
    Reject,
    Revise,
    Trust,
    Verdict,
    feedback,
)
from coordinator.domain.world import Sighting

CAPABILITY = "evaluation"
TRIES_MAX = 2  # one evaluation, and one more when it was void, malformed or lost
EVIDENCE_CHARS_MIN = 8  # less is found in any text
_SHOWN_CHARS = 300
_ALL_MAX = 8  # restarts included

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "judgements": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "criterion": {"type": "integer"},
                    "met": {"type": "boolean"},
                    "evidence": {"type": "string"},
                    "why": {"type": "string"},
                },
                "required": ["criterion", "met", "evidence", "why"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["judgements"],
    "additionalProperties": False,
}
"""The answer of an evaluator: one judgement for each numbered criterion."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What was said of one criterion, as it was said."""

    criterion: int
    met: bool
    evidence: str
    why: str


def open_findings(verdict: Verdict | None) -> tuple[Finding, ...]:
    """Returns what an accepted output leaves open, in order: criterion 1 of its evaluation is the first."""
    if not isinstance(verdict, Accept):
        return ()
    return tuple(finding for finding in verdict.findings if finding.met is None)


def parse(body: Body) -> tuple[Judgement, ...] | str:
    """Returns the judgements of an answer, or what is wrong with it; one fault voids the whole."""
    if not isinstance(body, Report):
        return "it is no JSON answer"
    try:
        said = body.data if body.data is not None else report_rows.strict_json(body.text)
    except ValueError as error:
        return f"it is not JSON: {error}"
    if not isinstance(said, dict) or set(said) != {"judgements"}:
        return 'it is not an object with "judgements" alone'
    items = said["judgements"]
    if not isinstance(items, list):
        return '"judgements" is no list'
    found = []
    for number, item in enumerate(items, 1):
        fields = {"criterion": int, "met": bool, "evidence": str, "why": str}
        if not isinstance(item, dict) or set(item) != set(fields):
            return f"judgement {number} has not exactly {', '.join(fields)}"
        # type(), not isinstance: True is no number here, and 1 no truth.
        wrong = [name for name, kind in fields.items() if type(item[name]) is not kind]
        if wrong:
            return f'"{wrong[0]}" of judgement {number} is no {fields[wrong[0]].__name__}'
        found.append(Judgement(**item))
    return tuple(found)


def judged(asked: Sequence[Finding], shown: str, body: Body) -> Verdict:
    """Returns the verdict on an evaluation: `asked` is what was open, `shown` the output that it was shown.

    Accept: its findings count. Revise: it is malformed or in part void; what is not void counts all the same.
    """
    if isinstance(body, CouldNot):
        code = body.why.replace("_", "-")
        return Reject(code=code, findings=(), feedback=(f"{code}: {body.text}",))
    said = parse(body)
    if isinstance(said, str):
        return _malformed(said)
    strange = sorted({j.criterion for j in said if not 0 < j.criterion <= len(asked)})
    if strange:
        return _malformed(f"there is no criterion {strange[0]}: they are 1 to {len(asked)}")
    plain = _plain(shown)
    pairs = [
        _said([j for j in said if j.criterion == number], one, plain)
        for number, one in enumerate(asked, 1)
    ]
    findings = tuple(finding for finding, _ in pairs)
    void = tuple(why for _, why in pairs if why)
    if void:
        return Revise(findings=findings, feedback=void)
    left = any(finding.met is None for finding in findings)
    return Accept(trust=Trust.PARTLY if left else Trust.VERIFIED, findings=findings)


def evaluators(policy: Policy) -> tuple[ProfileName, ...]:
    """Returns the workers that may evaluate: the one that the house names, then those with the capability."""
    able = (p.name for p in policy.profiles if CAPABILITY in p.capabilities)
    named = (ProfileName(policy.evaluator),) if policy.evaluator else ()
    return tuple(dict.fromkeys((*named, *able)))


def about(author: Returned, attempts: Iterable[Attempt]) -> tuple[Attempt, ...]:
    """Returns the evaluations of an output, oldest first. Nobody reviews their own output."""
    return tuple(
        a
        for a in attempts
        if a.spec.role == "evaluator"
        and a.spec.about == author.spec.id.number
        and a.spec.profile != author.spec.profile
    )


def following(author: Returned, sighting: Sighting) -> ProfileName | None:
    """Returns who evaluates an output next; None when nobody shall, or it is under way."""
    able = [name for name in sighting.evaluators if name != author.spec.profile]
    tried = about(author, sighting.attempts)
    if not able or not open_findings(author.verdict) or _under_way(tried):
        return None
    if isinstance(combined(author, sighting.attempts), Revise):
        return None  # one thing that is not met decides
    counted = [a for a in tried if not (isinstance(a, Lost) and a.reason in NOBODYS_FAULT)]
    heard = bool(counted) and isinstance(_verdict(counted[-1]), Accept)
    if heard or len(counted) >= TRIES_MAX or len(tried) >= _ALL_MAX:
        return None
    used = {attempt.spec.profile for attempt in counted}
    return next((name for name in able if name not in used), able[0])


def effective(author: Returned, sighting: Sighting) -> Verdict | None:
    """Returns the verdict that counts: the one kept, with what was evaluated; None while that is awaited."""
    awaited = _under_way(about(author, sighting.attempts)) or following(author, sighting)
    return None if awaited else combined(author, sighting.attempts)


def combined(author: Returned, attempts: Iterable[Attempt]) -> Verdict | None:
    """Returns the verdict kept with every judgement so far: one that says no outweighs any that says yes."""
    kept = author.verdict
    if not isinstance(kept, Accept):
        return kept
    said = [
        (f"{a.spec.profile}/{a.spec.id.number}", finding)
        for a in about(author, attempts)
        if isinstance(verdict := _verdict(a), Accept | Revise)
        for finding in verdict.findings
    ]
    if not said:
        return kept
    findings = tuple(_settled(finding, said) for finding in kept.findings)
    if findings == kept.findings:
        return kept
    if any(finding.met is False for finding in findings):
        return Revise(findings=findings, feedback=feedback(findings))
    return Accept(trust=_trust(kept, findings), findings=findings)


def _verdict(attempt: Attempt) -> Verdict | None:
    return attempt.verdict if isinstance(attempt, Returned) else None


def _under_way(tried: Sequence[Attempt]) -> bool:
    return any(
        isinstance(a, Running) or (isinstance(a, Returned) and a.verdict is None) for a in tried
    )


def _settled(finding: Finding, said: Sequence[tuple[str, Finding]]) -> Finding:
    """Returns an open finding as evaluators have settled it; any other as it is."""
    if finding.met is not None:
        return finding
    same = [
        (who, f) for who, f in said if (f.code, f.criterion) == (finding.code, finding.criterion)
    ]
    # False sorts before True, so a no comes first; what is void comes last and leaves it open.
    same.sort(key=lambda pair: (pair[1].met is None, bool(pair[1].met)))
    if not same:
        return finding
    who, heard = same[0]
    return finding.model_copy(update={"met": heard.met, "evidence": f"{who}: {heard.evidence}"})


def _trust(kept: Accept, findings: Sequence[Finding]) -> Trust:
    if all(finding.met for finding in findings):
        return Trust.VERIFIED
    settled = any(b.met and a.met is None for a, b in zip(kept.findings, findings, strict=True))
    return Trust.PARTLY if settled and kept.trust is Trust.UNVERIFIED else kept.trust


def _said(said: Sequence[Judgement], asked: Finding, shown: str) -> tuple[Finding, str]:
    """Returns what is known of one criterion, and why its judgement is void ('' when it is not)."""
    told, void, met = "it was not judged", "", None
    if len({j.met for j in said}) > 1:
        void = "it was judged twice, and not alike"
    elif said:
        quoted = _plain(said[0].evidence)
        if quoted not in shown:
            void = f"the evidence is not in the output: {_cut(quoted)}"
        elif len(quoted) < min(EVIDENCE_CHARS_MIN, len(shown) or 1):
            void = "the evidence is too short to show anything"
        else:
            met, told = said[0].met, f'"{_cut(quoted)}": {_cut(_plain(said[0].why))}'
    finding = asked.model_copy(
        update={"met": met, "evidence": f"the verdict was void: {void}" if void else told}
    )
    return finding, f"criterion {asked.criterion}: {void}" if void else ""


def _malformed(why: str) -> Revise:
    return Revise(findings=(), feedback=(f"the answer does not have the wanted form: {why}",))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "…"
