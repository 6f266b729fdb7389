"""doctrine.toml: the numbers of the house for plans, and who names them."""

import tomllib
from pathlib import Path

import pytest

from coordinator import config
from coordinator.config import doctrine
from coordinator.domain import planning
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import parse
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.errors import ConfigError, NewerSchemaError
from coordinator.domain.names import digest
from coordinator.domain.recipes import RECIPES
from coordinator.services.observe.house_rules import DOCTRINE, HouseRules
from tests.support.trees import Content, Trees

TEXT = b"""\
[split]
tasks_max = 5
coupling_threshold = 0.8
[recipes.research-report]
sections = ["A", "B", "C"]
writer = "search"
[recipes.map-reduce]
parts = 2
"""


def test_without_a_file_the_defaults_are_in_force_and_no_digest_is_named() -> None:
    assert doctrine.read(None) == Doctrine()
    assert doctrine.read(b"").tasks_max == Doctrine().tasks_max
    assert doctrine.read(b"").digest == digest(b"")


def test_a_file_says_numbers_and_what_recipes_are_made_with() -> None:
    said = doctrine.read(TEXT)
    assert (said.tasks_max, said.coupling_threshold, said.replans_max) == (5, 0.8, 2)
    assert said.recipes == {
        "research-report": {"sections": ("A", "B", "C"), "writer": ("search",)},
        "map-reduce": {"parts": ("2",)},
    }
    assert said.digest == digest(TEXT)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (
            b"[split]\ntask_max = 1\n",
            "split.task_max: there is no such setting; did you mean tasks_max?",
        ),
        (b"[split]\ntasks_max = 0\n", "split.tasks_max: must be greater than or equal to 1 (is 0)"),
        (b"[split]\ntasks_max = '1'\n", "split.tasks_max: must be a valid integer (is '1')"),
        (b"[recipes.solos]\nx = 1\n", "recipes.solos: the recipes are research-report, "),
        (b"[recipes.solo]\nx = 1\n", "recipes.solo.x: known here: solo, guidance"),
        (b"[splits]\n", "splits: there is no such setting; did you mean split?"),
        (b"split = ", "it is not TOML"),
        (b"\xff", "it is not UTF-8"),
    ],
)
def test_a_fault_says_where_it_is_and_what_is_known_there(text: bytes, fault: str) -> None:
    with pytest.raises(ConfigError) as caught:
        doctrine.read(text)
    assert fault in str(caught.value)
    assert str(caught.value).startswith(".orchestrator/doctrine.toml:")


def test_a_newer_file_is_not_guessed_at() -> None:
    with pytest.raises(NewerSchemaError):
        doctrine.read(b"schema = 2\n")


def test_the_file_that_init_writes_says_the_defaults_and_has_every_setting() -> None:
    assert doctrine.read(doctrine.TEMPLATE.encode()) == Doctrine(
        digest=digest(doctrine.TEMPLATE.encode())
    )
    lines = doctrine.TEMPLATE.splitlines()
    settings = [line.removeprefix("# ") for line in lines[lines.index("[split]") :]]
    said = tomllib.loads("\n".join(line for line in settings if line[:1] == "[" or " = " in line))
    assert said["split"].keys() == doctrine.Split.model_fields.keys()
    for name, parameters in said["recipes"].items():
        for key, value in parameters.items():
            default = RECIPES[name].parameters[key]
            assert default == (tuple(value) if isinstance(value, list) else (str(value),))


def test_this_repository_has_one_without_a_fault() -> None:
    own = Path(__file__).parents[2] / ".orchestrator" / "doctrine.toml"
    assert doctrine.read(own.read_bytes()).digest


def test_a_plan_names_the_doctrine_that_it_was_made_by() -> None:
    policy = config.read_policy(None, doctrine_text=TEXT)
    text = (
        b"---\nrecipe: research-report\nworker: links\n---\nTASK: Report links.\n"
        b"INPUTS: a.md\nSCOPE: a.md\nOUTPUT FORMAT: report\n"
    )
    brief = parse(text, name="x")
    assert isinstance(brief, Brief)
    plan = planning.make(brief, policy=policy)
    assert plan.doctrine == digest(TEXT)
    assert len(plan.tasks) == 5
    assert (
        planning.make(brief.model_copy(update={"recipe": None}), policy=policy).doctrine
        == plan.doctrine
    )


def test_the_doctrine_at_the_tip_is_in_force_and_a_faulty_one_keeps_the_last_good_one() -> None:
    trees = Trees()
    rules = HouseRules(trees.objects, config.read_policy)

    def look(text: Content | None) -> Doctrine:
        tree = trees.tree({"a.md": "a", **({} if text is None else {str(DOCTRINE): text})})
        return rules.look(trees.commit(tree), tree).doctrine

    assert look(None) == Doctrine()
    assert look(TEXT).tasks_max == 5
    assert look(b"[split]\ntasks_max = 0\n").tasks_max == 5
    assert "doctrine.toml" in rules.faults[0]
    assert look(None) == Doctrine()
