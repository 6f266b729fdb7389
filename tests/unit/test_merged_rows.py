"""No conflict is dropped: every row of every output is in the result or in the question, and no other."""

import json
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain.brief import Kind
from coordinator.domain.merged_rows import MergedRows, merged, tables
from coordinator.domain.report_rows import canonical, write
from coordinator.domain.row_keys import keyed

NAMES = ("a", "b", "c")
ROW = st.tuples(
    st.sampled_from(["x", "y", "`Z`", "z/", '"x"']), st.sampled_from(["1", "2", "OK", "ok"])
)
OUTPUTS = st.lists(st.lists(ROW, max_size=4, unique_by=lambda row: row[0]), min_size=1, max_size=3)
KINDS = st.sampled_from([Kind.LIST, Kind.TABLE, Kind.JSON])
Output = Sequence[tuple[str, str]]


def text(kind: Kind, output: Output) -> str:
    match kind:
        case Kind.JSON:
            return json.dumps([{"id": key, "n": value} for key, value in output])
        case Kind.TABLE:
            return "|id|n|\n|-|-|\n" + "".join(f"|{key}|{value}|\n" for key, value in output)
        case _:
            return "".join(f"- {key}: {value}\n" for key, value in output) or "- none\n"


def put(kind: Kind, outputs: Sequence[Output], names: Sequence[str] = NAMES) -> MergedRows:
    found = tables([text(kind, one) for one in outputs], kind)
    assert found is not None
    return merged(tuple(names)[: len(outputs)], found)


@given(KINDS, OUTPUTS)
def test_every_row_is_in_the_result_or_in_the_question(kind: Kind, outputs: list[Output]) -> None:
    found = put(kind, outputs)
    read = tables([text(kind, one) for one in outputs], kind)
    assert read is not None
    told = {(place.where, name) for place in found.places for name, _ in place.sides}
    kept = {row.says for row in found.rows.rows}
    wheres = {row.about: row.key for row in found.rows.rows}
    for name, rows in zip(NAMES, keyed(read), strict=False):
        for row in rows.rows:
            assert row.says in kept or (wheres[row.about], name) in told
    for place in found.places:
        assert len({said for _, said in place.sides}) > 1


@given(KINDS, OUTPUTS)
def test_no_row_appears_that_nobody_reported(kind: Kind, outputs: list[Output]) -> None:
    found = put(kind, outputs)
    read = tables([text(kind, one) for one in outputs], kind)
    assert read is not None
    reported = [canonical(row.raw) for rows in read for row in rows.rows]
    assert {canonical(row.raw) for row in found.rows.rows} <= set(reported)
    assert len({row.about for row in found.rows.rows}) == len(found.rows.rows)
    named = {name for source in found.sources for name in source.names}
    assert named <= set(NAMES[: len(outputs)])


@given(KINDS, OUTPUTS, st.randoms(use_true_random=False))
def test_the_order_of_outputs_changes_nothing_but_the_order_of_rows(
    kind: Kind, outputs: list[Output], random: Random
) -> None:
    order = list(range(len(outputs)))
    random.shuffle(order)
    one = put(kind, outputs)
    other = put(kind, [outputs[i] for i in order], [NAMES[i] for i in order])

    def seen(found: MergedRows) -> tuple[object, ...]:
        contested = {place.where.casefold().strip('`"/') for place in found.places}
        sides = {frozenset(place.sides) for place in found.places}
        says = {
            row.says for row in found.rows.rows if row.key not in {p.where for p in found.places}
        }
        names = {frozenset(source.names) for source in found.sources}
        return contested, sides, says, names if not found.places else None

    assert seen(one) == seen(other)


@given(KINDS, OUTPUTS)
def test_what_was_merged_reads_as_its_kind_and_merges_into_itself(
    kind: Kind, outputs: list[Output]
) -> None:
    found = put(kind, outputs)
    again = tables([write(found.rows) or "- none\n"], kind)
    assert again is not None
    assert [row.raw for row in merged(("a",), again).rows.rows] == [
        row.raw for row in found.rows.rows
    ]


@pytest.mark.parametrize(
    ("one", "two", "rows"),
    [
        ('[{"n": 1, "path": "a"}]', '[{"path": "A/", "n": 1}]', 1),
        ('[{"n": 1, "path": "a"}, {"n": 2, "path": "A"}]', '[{"path": "A/", "n": 1}]', 3),
        ('[{"id": 1, "key": "a"}, {"id": 1, "key": "b"}]', '[{"id": 2, "key": "a"}]', 2),
        ('[{"q": 1}, {"r": 2}]', '[{"r": 2}]', 2),
        ('["a", "b"]', '["B"]', 2),
        ('[1, "1"]', "[1]", 2),
        ('{"a": 1, "b": 1}', '{"b": 1, "c": 1}', 3),
    ],
)
def test_which_field_is_the_key_and_what_counts_as_equal(one: str, two: str, rows: int) -> None:
    found = tables([one, two], Kind.JSON)
    assert found is not None
    assert len(merged(("a", "b"), found).rows.rows) == rows


def test_an_array_in_one_object_and_no_array_in_another_is_one_value() -> None:
    found = tables(['{"a": [1]}', '{"a": 1}'], Kind.JSON)
    assert found is not None
    assert [place.where for place in merged(("a", "b"), found).places] == ["a"]
