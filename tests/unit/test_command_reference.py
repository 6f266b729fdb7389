"""The page about the commands is what the commands say."""

import ast
import re
from pathlib import Path

from coordinator import cli
from coordinator.adapters.sandbox.cell import Unavailable
from coordinator.cli.reference import reference
from coordinator.domain import errors

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"


def test_the_page_is_what_help_says() -> None:
    wanted = "make it with `python -m coordinator.cli.reference > docs/cli.md`"
    assert PAGE.read_text(encoding="utf-8") == reference(), wanted


def test_the_first_line_of_every_help_is_imperative_and_has_no_period() -> None:
    sections = reference().split("```\n")[1::2]
    first_lines = [section.split("\n\n")[1].strip().splitlines()[0] for section in sections]
    assert len(first_lines) > 25
    assert [line for line in first_lines if line.endswith(".") or not line[0].isupper()] == []


def test_the_contract_lists_every_code_that_an_error_has() -> None:
    tree = ast.parse(Path(cli.__file__).read_text(encoding="utf-8"))
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call)]
    named = [one.args[0] for one in calls if getattr(one.func, "id", "") == "complain"]
    said = {one.value for one in named if isinstance(one, ast.Constant)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    raised = {kind.code for kind in kinds if issubclass(kind, errors.CoordinatorError)}
    contract = (PAGE.parent / "contract.md").read_text(encoding="utf-8")
    line = next(one for one in contract.splitlines() if one.startswith("Error codes: "))
    assert set(re.findall(r"`(\w+)`", line)) == said | raised | {Unavailable.code}
