"""The page about the commands is what the commands say."""

from pathlib import Path

from coordinator.cli.reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_help_says() -> None:
    wanted = "make it with `python -m coordinator.cli.reference > docs/cli.md`"
    assert PAGE.read_text(encoding="utf-8") == reference(), wanted


def test_the_first_line_of_every_help_is_imperative_and_has_no_period() -> None:
    sections = reference().split("```\n")[1::2]
    first_lines = [section.split("\n\n")[1].strip().splitlines()[0] for section in sections]
    assert len(first_lines) > 25
    assert [line for line in first_lines if line.endswith(".") or not line[0].isupper()] == []
