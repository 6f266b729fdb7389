"""The glossary has each word once, in its order, and the words that the rest of the documentation rests on."""

from pathlib import Path

ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in (Path(__file__).parents[2] / "docs/glossary.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith("| word ")
]
WANTED = {
    *("breaker", "coupling", "doctrine", "effort", "evaluator", "lift", "limit", "multiplier"),
    *("planner", "recipe", "revision", "role", "round", "synthesizer", "turn"),
}


def test_each_word_stands_once_with_its_meaning_and_in_its_order() -> None:
    assert all(len(row) == 2 and all(row) for row in ROWS)
    words = [word for word, _ in ROWS]
    assert words == sorted(set(words), key=str.casefold)


def test_the_words_of_orchestration_are_in_it() -> None:
    assert WANTED.difference(word for word, _ in ROWS) == set()
