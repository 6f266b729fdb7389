"""`coordinator eval`: planted outputs through the real review, on a scratch repository."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from coordinator import config
from coordinator.adapters import planted
from coordinator.adapters.planted.reports import ORDERS
from coordinator.adapters.scratch import Scratch, scratch
from coordinator.desk.examining import Ask, Examiner
from coordinator.domain.attempt import Spec
from coordinator.domain.names import ProfileName
from coordinator.domain.output import NoOutput, Output, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.planted import CLASSES, Case, Examined, figures
from coordinator.domain.policy import Profile
from tests.support.command_line import coordinator, in_a_process
from tests.support.judging_model import Temper, judged, judging
from tests.support.repos import make_site
from workers.prompt import prompt

SEEDS = (1, 20, 777)
JUDGE = ProfileName("judge")
POLICY = config.read_policy(
    None, {"judge.md": b"---\nkind: command\ncommand: [judge]\nreturns: [json]\n---\n"}
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Scratch]:
    with scratch(tmp_path / "scratch", POLICY, environment={}) as made:
        yield made


def by(temper: Temper) -> Ask:
    """Returns a model of that temper, asked without a process in between."""

    def ask(spec: Spec, package: ContextPackage, profile: Profile) -> Output | NoOutput:
        return Output(body=Report(text=judged(prompt(package), temper)))

    return ask


def examined(place: Scratch, seed: int, ask: Ask | None = None) -> list[Examined]:
    found: list[Examined] = []
    examiner = Examiner(
        objects=place.objects,
        attempts=place.attempts,
        policy=POLICY,
        evaluator=JUDGE if ask else None,
        ask=ask,
    )
    for site, cases in planted.corpus(seed, rounds=1):
        found += examiner.examine(cases, place.commit(site.files))
    return found


def cases_of(seed: int) -> list[Case]:
    return [case for _, cases in planted.corpus(seed, rounds=1) for case in cases]


def test_the_corpus_is_large_mixed_and_the_same_for_the_same_seed() -> None:
    cases = cases_of(20)
    assert len(cases) >= 60
    assert cases == cases_of(20)
    assert [c.body for c in cases] != [c.body for c in cases_of(21)]
    assert set(Counter(case.of for case in cases)) == set(CLASSES)
    assert len({case.brief for case in cases}) >= 8
    assert len({case.name for case in cases}) == len(cases)


@pytest.mark.parametrize("seed", SEEDS)
def test_rules_alone_catch_every_broken_rule_and_pass_everything_that_is_right(
    place: Scratch, seed: int
) -> None:
    found = examined(place, seed)
    assert [one.case.name for one in found if one.case.by == "rules" and one.accepted] == []
    assert [one.case.name for one in found if one.case.by is None and not one.accepted] == []
    left_open = {one.case.name for one in found if one.accepted and one.is_open}
    prose = {one.case.name for one in found if one.case.by == "evaluator"}
    assert prose <= left_open, "what only an evaluator can tell is what the rules leave open"


def heard(place: Scratch, temper: Temper) -> dict[str, Any]:
    found: dict[str, Any] = figures(examined(place, 20, by(temper)), seed=20, evaluator=str(JUDGE))[
        "evaluator"
    ]
    return found


def test_a_careful_evaluator_tells_right_from_wrong_whatever_outputs_say_to_it(
    place: Scratch,
) -> None:
    rates = heard(place, "careful")
    assert (rates["precision"], rates["recall"], rates["void"]) == (1.0, 1.0, 0)
    assert rates["cases"] > rates["right"] > 0


def test_a_credulous_evaluator_lets_pass_what_rules_let_pass_and_nothing_more(
    place: Scratch,
) -> None:
    rates = heard(place, "credulous")
    assert rates["accepted"] == rates["cases"]
    assert rates["precision"] < 0.5
    assert rates["recall"] == 1.0


def test_an_evaluator_that_makes_its_quotations_up_is_void_each_time_and_asked_once_more(
    place: Scratch,
) -> None:
    rates = heard(place, "inventive")
    assert rates["void"] == 2 * rates["cases"]


def test_an_evaluator_that_is_lost_settles_nothing(place: Scratch) -> None:
    def ask(spec: Spec, package: ContextPackage, profile: Profile) -> Output | NoOutput:
        return NoOutput(reason="killed: too slow")

    found = examined(place, 20, ask)
    asked = [one for one in found if one.evaluated is not None]
    assert asked, "rules leave something open"
    assert all(one.evaluated and one.void == 2 and one.is_open for one in asked)


def test_a_rule_that_misses_something_is_named_and_fails_the_command() -> None:
    case = next(case for case in cases_of(20) if case.by == "rules")
    told = figures([Examined(case=case, accepted=True, is_open=False)], seed=20, evaluator=None)
    assert told["deterministic"] == {"violations": 1, "caught": 0, "missed": [case.name]}
    assert told["evaluator"] is None


def test_the_command_tells_it_as_a_table_and_as_json(tmp_path: Path) -> None:
    said = coordinator(tmp_path, "eval", "--rounds", "1", "--json")
    assert said.code == 0, said.said
    told = said.json
    assert set(told) == {
        *("schema", "seed", "cases", "overall", "by_class", "deterministic", "evaluator")
    }
    assert (told["seed"], told["evaluator"]) == (20, None)
    assert [row["class"] for row in told["by_class"]] == list(CLASSES)
    assert sum(row["cases"] for row in told["by_class"]) == told["cases"]
    broken = told["deterministic"]
    assert broken["caught"] == broken["violations"] > 40
    text = coordinator(tmp_path, "eval", "--rounds", "1").out
    assert f"broken rules: {broken['caught']} of {broken['caught']} caught." in text


MODEL = """\
---
kind: openai-compatible
description: judges
capabilities: [evaluation]
endpoint: local
model: judge
tools: []
returns: [json]
price: {input: 0.1, output: 0.1}
---
Judge.
"""


@pytest.mark.slow
def test_the_command_asks_a_model_as_the_daemon_would(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    with judging("careful") as (url, requests):
        folder = site.repo / ".orchestrator/workers"
        folder.mkdir(parents=True)
        (folder / "judge.md").write_text(MODEL)
        text = f'schema = 1\n[endpoints.local]\napi = "openai"\nbase_url = "{url}/v1"\n'
        (site.repo / ".orchestrator/config.toml").write_text(text)
        command = ("eval", "--rounds", "1", "--evaluator", "judge", "--json")
        said = in_a_process(site.repo, *command)  # where attempts are forks: there are many
    assert said.code == 0, said.said
    rates = said.json["evaluator"]
    assert (rates["profile"], rates["precision"], rates["recall"]) == ("judge", 1.0, 1.0)
    assert len(requests) == rates["cases"]
    asked = json.dumps(requests)
    assert any(json.dumps(order)[1:-1] in asked for order in ORDERS), "outputs spoke to it"


def test_an_evaluator_that_is_not_there_is_told(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    for name in ("nobody", "links"):
        said = coordinator(site.repo, "eval", "--evaluator", name, "--json")
        assert (said.code, said.error["code"]) == (1, "worker")
