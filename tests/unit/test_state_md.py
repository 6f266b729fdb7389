import pytest
from hypothesis import given
from hypothesis import strategies as st

from coordinator.domain import state_md
from coordinator.domain.names import BriefId, Environment, Oid
from coordinator.domain.state_md import BEGIN, END, Directives, StateSnapshot

A, B = BriefId("a-00000001"), BriefId("b-00000002")
LIVE = Environment("production")


def ids(count: int) -> tuple[BriefId, ...]:
    return tuple(BriefId(f"brief-{number:08d}") for number in range(count))


def test_the_section_says_what_is_in_flight_waiting_landed_and_live() -> None:
    text = state_md.render(
        "",
        StateSnapshot(
            open=(A,),
            waiting=(B,),
            landed="c-00000003",
            waiting_for={B: "unverified\n## not a heading"},
            live={LIVE: (Oid("1f" * 20), 3)},
        ),
    )
    assert text == state_md.STATE_TEMPLATE.removesuffix(f"{BEGIN}\n{END}\n") + (
        f"{BEGIN}\n"
        "<!-- Written by the coordinator; what is between these marks is replaced. -->\n\n"
        "## In flight (1)\n\n- a-00000001\n\n"
        "## Waiting (1)\n\n- b-00000002: unverified ## not a heading\n\n"
        "## Landed last\n\n- c-00000003\n\n"
        f"## Live\n\n- production: {'1f' * 20}, generation 3\n\n"
        f"{END}\n"
    )


def test_what_landed_is_live_or_is_waited_for_is_carried_over() -> None:
    text = state_md.render(
        "", StateSnapshot(waiting=(A, B), waiting_for={A: "question"}, landed="c-00000003")
    )
    text = state_md.render(text, StateSnapshot(live={LIVE: (Oid("1" * 40), 1)}))
    text = state_md.render(text, StateSnapshot(live={Environment("test"): (Oid("2" * 40), 9)}))
    assert "## Waiting (0)\n\nNothing." in text
    text = state_md.render(text, StateSnapshot(landed="d-00000004"))
    assert "- d-00000004\n- c-00000003\n" in text
    assert f"- production: {'1' * 40}, generation 1\n- test: {'2' * 40}, generation 9\n" in text
    again = state_md.render(
        text, StateSnapshot(live={LIVE: (Oid("3" * 40), 2)}, landed="c-00000003")
    )
    assert "- c-00000003\n- d-00000004\n" in again
    assert f"- production: {'3' * 40}, generation 2\n" in again


def test_the_reason_of_a_waiting_brief_stays_while_it_waits() -> None:
    text = state_md.render("", StateSnapshot(waiting=(A,), waiting_for={A: "question"}))
    assert "- a-00000001: question\n" in state_md.render(text, StateSnapshot(waiting=(A, B)))


def test_the_section_is_bounded() -> None:
    text = state_md.render("", StateSnapshot(open=ids(10_000), waiting=ids(21)))
    assert "## In flight (10000)" in text
    assert "- and 9980 more\n" in text
    assert "- and 1 more\n" in text
    for brief in ids(30):
        text = state_md.render(text, StateSnapshot(landed=brief))
    landed = text.partition("## Landed last\n\n")[2].partition("\n\n")[0].splitlines()
    assert landed == [f"- {brief}" for brief in reversed(ids(30)[20:])]
    assert len(text) < 5_000


def test_rendering_the_same_again_changes_nothing() -> None:
    snapshot = StateSnapshot(open=(A,), landed=B, live={LIVE: (Oid("1" * 40), 1)})
    once = state_md.render("mine\n", snapshot)
    assert state_md.render(once, snapshot) == once


@pytest.mark.parametrize(
    ("previous", "before", "after"),
    [
        ("no newline at the end", "no newline at the end\n\n", "\n"),
        ("ends\n", "ends\n\n", "\n"),
        (f"x\r\n{BEGIN}\r\nold\r\n{END}  \r\ny\udcff\r\n", "x\r\n", "  \r\ny\udcff\r\n"),
        (f"{BEGIN}\nlost its end\n{BEGIN}\n{END}\nz", f"{BEGIN}\nlost its end\n", "\nz"),
        (f"a\n{BEGIN}\n{END}\nmine\n{END}\n", "a\n", f"\nmine\n{END}\n"),
        (f"talks of `{BEGIN}` and\n", f"talks of `{BEGIN}` and\n\n", "\n"),
    ],
)
def test_all_around_the_marks_survives_byte_for_byte(
    previous: str, before: str, after: str
) -> None:
    text = state_md.render(previous, StateSnapshot(open=(A,)))
    start, end = len(before), len(text) - len(after)
    assert (text[:start], text[end:]) == (before, after)
    section = text[start:end].replace("\r\n", "\n")
    assert section.startswith(f"{BEGIN}\n")
    assert section.endswith(f"\n{END}")
    assert ("\r\n" in text[start:end]) == ("\r\n" in previous)
    assert state_md.render(text, StateSnapshot(open=(A,))) == text


@given(st.text(), st.text())
def test_hand_written_text_of_any_kind_survives(before: str, after: str) -> None:
    text = state_md.render(f"{before}\n{BEGIN}\n{END}\n{after}", StateSnapshot(open=(A,)))
    assert text.startswith(f"{before}\n{BEGIN}")
    assert text.endswith(f"{END}\n{after}")


def test_directives_are_read_outside_the_marks_only() -> None:
    text = (
        "# State\n\npaused: release week\n- **hold:** links, `a-00000001`\nhold: other\n\n"
        "```\nhold: shown\n```\n<!--\nhold: hidden\n-->\nwe put on hold: nothing here\n"
        f"{BEGIN}\npaused: not this\nhold: nor-this\n{END}\nHold: below\n"
    )
    assert state_md.directives(text) == Directives(
        paused="release week", holds=frozenset({"links", "a-00000001", "other", "below"})
    )


@pytest.mark.parametrize(
    ("line", "paused"),
    [
        ("paused:", "no reason given"),
        ("* Paused: because", "because"),
        ("paused: no", None),
        ("paused: False", None),
        ("is it paused: yes", None),
        ("paused", None),
    ],
)
def test_a_pause_needs_no_reason_and_can_be_denied(line: str, paused: str | None) -> None:
    assert state_md.directives(line).paused == paused


def test_the_template_asks_nothing_and_has_no_words_of_people() -> None:
    assert state_md.directives(state_md.STATE_TEMPLATE) == Directives()
    assert state_md.hand_written(state_md.STATE_TEMPLATE) == ""
    assert state_md.hand_written("# State\n\n## Ours\n") == ""
    assert state_md.hand_written("#hash\n") == "#hash"


def test_hand_written_text_is_what_packages_get() -> None:
    text = state_md.render("Mind the gap.\n\n<!-- a note -->\n", StateSnapshot(open=(A,)))
    assert state_md.hand_written(text + "\nBelow too.") == "Mind the gap.\n\nBelow too."
