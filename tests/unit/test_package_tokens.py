"""What each part of a package takes, by source."""

from coordinator.domain import package_tokens, token_estimate


def test_every_part_that_says_something_is_a_source_and_the_total_is_their_sum() -> None:
    sources = package_tokens.by_source(
        {
            "format": 1,
            "brief_id": "tidy-3fa29c01",
            "description": "x" * 300,
            "tools_available": ["read", "grep"],
            "input_data": [
                {"kind": "path", "value": "docs/guide.md"},
                {"kind": "data", "value": "a b c d e f g h", "content": "y" * 3000},
            ],
            "memory": ["state.md:\nWe ship on Fridays.", "constitution.md:\n1. Be kind."],
            "do_not": [],
            "feedback": ["scope: SCOPE: out of it"],
            "something_newer": {"lessons": "z" * 30},
        }
    )
    tokens = {one.source: one.tokens for one in sources}
    assert list(tokens) == [
        "task",
        "tools",
        "input 1: path docs/guide.md",
        "input 2: data a b c d e f ...",
        "memory: state.md",
        "rules: constitution.md",
        "feedback",
        "something newer",
        "envelope",
    ]
    assert tokens["task"] == 100
    assert tokens["input 2: data a b c d e f ..."] > 1000
    assert package_tokens.total(sources) == sum(tokens.values())


def test_what_is_set_aside_for_a_text_is_more_than_what_is_expected_of_it() -> None:
    assert token_estimate.of_text("é" * 6) == 4  # bytes count, not letters
    assert token_estimate.expected(12) == 3
    assert token_estimate.at_most(12) == 4
