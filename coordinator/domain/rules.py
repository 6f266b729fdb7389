"""The numbered rules that decisions cite, and the constitution that says them to people."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its number never changes its meaning."""

    number: int
    sentence: str


RULES: tuple[Rule, ...] = (
    Rule(1, "Only the coordinator commits to the branch, and only it writes the record paths."),
    Rule(2, "A brief says what it wants, from what, and within which bounds before anyone works."),
    Rule(3, "No secret enters the repository."),
    Rule(4, "A worker changes only what SCOPE names."),
    Rule(5, "A change lands only on the tip that it was checked on."),
    Rule(6, "What is not verified is held, unless the house says otherwise."),
    Rule(7, "Two workers never work on the same path at once."),
    Rule(8, "Nothing is deployed that is not on the branch."),
    Rule(9, "A deploy counts only when what is live has been looked at."),
    Rule(10, "A human decides what rules cannot."),
)

CLEAR, SECRETS, RECORDS, SCOPE, UNVERIFIED, HUMAN = 2, 3, 1, 4, 6, 10

_RESTS_ON = {
    "secret": SECRETS,
    "record-path": RECORDS,
    "protected-path": SCOPE,
    "submodule": SCOPE,
    "lfs": SCOPE,
}


def resting(codes: tuple[str, ...]) -> int:
    """Returns the number of the rule that an intake verdict with these fault codes rests on."""
    return next((_RESTS_ON[code] for code in codes if code in _RESTS_ON), CLEAR)


def render() -> str:
    """Returns the text of constitution.md."""
    numbered = "\n".join(f"{rule.number}. {rule.sentence}" for rule in RULES)
    return (
        "# Constitution\n\n"
        "The rules of this house. Every decision in the log cites the one it rests on as `Rule: n`.\n"
        "Rules 1 to 10 are the coordinator's and hold whatever stands here; add your own from 11 on:\n"
        "workers read them.\n\n"
        f"{numbered}\n"
    )
