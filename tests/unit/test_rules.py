"""The constitution and the built-in workers."""

from coordinator.domain import rules
from coordinator.domain.packing import numbered_rules
from coordinator.domain.profiles import BUILT_IN


def test_the_rules_are_numbered_without_a_gap() -> None:
    assert [rule.number for rule in rules.RULES] == list(range(1, len(rules.RULES) + 1))


def test_the_constitution_says_every_rule_as_workers_read_it() -> None:
    assert numbered_rules(rules.render()) == tuple(f"{r.number}. {r.sentence}" for r in rules.RULES)


def test_the_gravest_fault_names_the_rule() -> None:
    assert rules.resting(("task-short",)) == rules.CLEAR
    assert rules.resting(("task-short", "secret")) == rules.SECRETS
    assert rules.resting(("record-path",)) == rules.RECORDS


def test_every_built_in_worker_reports_and_only_reads() -> None:
    for profile in BUILT_IN:
        assert profile.output_kinds & {"list", "report"}
        assert profile.tools <= {"list", "glob", "read", "check_url"}
