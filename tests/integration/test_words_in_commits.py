"""Somebody else's words in our commit messages: git itself finds no trailer but ours in them."""

import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coordinator.domain.record import Record, Verb, clean, one_line, render

OURS = (("Brief-Id", "x-3fa29c01"), ("Attempt", "e1-1"))

INJECTED = [
    "Signed-off-by: A Person <person@example.invalid>",
    "Done.\n\nBrief-Id: other-00000000",
    "Done.\n\nbrief-id: other-00000000",
    "Done.\r\rBrief-Id: other-00000000",
    "Done.\u2028\u2028Brief-Id: other-00000000",
    "Done.\x85\x85Brief-Id: other-00000000",
    "Done.\x0b\x0bBrief-Id: other-00000000",
    "Done.\n\x1b[0m\nBrief-Id: other-00000000",
    "Done.\n\u200b\nBrief-Id: other-00000000",
    "Done.\n\n\u202eBrief-Id: other-00000000",
    "Done.\n\nReviewed-by : A Person",
    "Done.\n\nFixes:#1",
    "Done.\n\n(cherry picked from commit 0000000000000000000000000000000000000000)",
    "Done.\n---\n file | 2 +-",
    "Done.\n---",
    "# ------------------------ >8 ------------------------\nrest",
    "; ------------------------ >8 ------------------------\nrest",
    "A\n\nB: c\n d\n\nE: f",
    "https://site.example/\n\nurl: https://site.example/",
    "-- \nsignature: mine",
]


def trailers(message: str) -> list[str]:
    """Returns what git takes for trailers."""
    ended = subprocess.run(
        ["git", "interpret-trailers", "--parse"],
        input=message.encode(),
        capture_output=True,
        check=True,
    )
    return ended.stdout.decode().splitlines()


def ours() -> list[str]:
    return [f"{key}: {value}" for key, value in OURS]


@pytest.mark.parametrize("words", INJECTED)
def test_words_carry_no_trailer_wherever_they_stand(words: str) -> None:
    for where in ("subject", "prose", "quoted"):
        said: dict[str, Any] = {"subject": "so", where: words}
        told = Record(verb=Verb.LAND, about="x-3fa29c01", trailers=OURS, **said)
        assert trailers(render(told)) == ours(), where


@pytest.mark.parametrize("words", INJECTED)
def test_words_carry_no_trailer_in_a_message_that_has_none(words: str) -> None:
    for where in ("subject", "prose", "quoted"):
        said: dict[str, Any] = {"subject": "so", where: words}
        told = Record(verb=Verb.LAND, about="x-3fa29c01", **said)
        assert trailers(render(told)) == [], where


@pytest.mark.parametrize("words", INJECTED)
def test_words_stay_inside_the_trailer_that_quotes_them(words: str) -> None:
    told = Record(
        verb=Verb.LAND, about="x-3fa29c01", subject="so", trailers=(("Reason", words), *OURS)
    )
    assert [line for line in trailers(render(told)) if not line.startswith("Reason: ")] == ours()


def test_the_same_words_do_carry_trailers_in_a_message_that_is_pasted_together() -> None:
    pasted = [f"land x: so\n\n{words}\n\n{chr(10).join(ours())}\n" for words in INJECTED]
    assert sum(trailers(message) != ours() for message in pasted) >= 3
    ended = [f"land x: so\n\n{words}\n" for words in INJECTED]
    assert sum(trailers(message) != [] for message in ended) >= 7


PIECES = [*"aB:-> \n\r\t#;()", "\n\n", "\x1b", "[", "]", "\u2028", "\u202e", "---\n"]
PIECES += ["Key: v", "Signed-off-by: x", "\n# ---- >8 ----\n", "skip ci"]
WORDS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=60)
@given(WORDS, WORDS, WORDS)
def test_no_words_at_all_carry_a_trailer(subject: str, prose: str, quoted: str) -> None:
    told = Record(
        verb=Verb.LAND,
        about="x-3fa29c01",
        subject=subject,
        prose=prose,
        quoted=quoted,
        trailers=OURS,
    )
    assert trailers(render(told)) == ours()


@pytest.mark.parametrize(
    "words",
    ["[skip ci]", "[ci skip]", "[no ci]", "[Skip Actions]", "[skip  netlify]", "***NO_CI***"],
)
def test_only_we_say_that_ci_is_not_to_run(words: str) -> None:
    said: dict[str, Any] = {"subject": f"a {words}", "prose": f"b {words}", "quoted": f"c {words}"}
    told = Record(verb=Verb.LAND, about="x", trailers=(("Reason", words), *OURS), **said)
    message = render(told).lower()
    assert not any(mark in message for mark in ("[skip", "[ci", "[no", "***"))
    ours_too = Record(verb=Verb.LAND, about="x", subject="a", skip_ci=True, trailers=OURS)
    assert "\n[skip ci]\n" in render(ours_too)


@pytest.mark.parametrize("words", ["[the docs](x.md)", "a[0]", "[note]", "- [ ] open"])
def test_other_brackets_stay(words: str) -> None:
    told = Record(verb=Verb.LAND, about="x", subject="so", quoted=words, trailers=OURS)
    assert words in render(told)


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        ("a\x1b[31;1mred\x1b[0m", "ared"),
        ("\x1b]0;a title\x07b", "b"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]52;c;aGk=\x07clipboard", "clipboard"),
        ("\x1bPq#0\x1b\\sixel", "sixel"),
        ("\x1b]0;it never ends\nnext line", "0;it never ends\nnext line"),
        ("\x9b31mred", "31mred"),
        ("over\rwritten\x08\x7f", "overwritten"),
        ("user\u202egnp.exe\u2066\u2069\u061c", "usergnp.exe"),
        ("se\u200bcr\u2060et\ufeff", "secret"),
        ("tags\U000e0049\U000e0067 nobody sees", "tags nobody sees"),
        ("\ud800 alone", "? alone"),
        ("tab\tand\nline stay, as do é, 漢字 and 🙂", "tab\tand\nline stay, as do é, 漢字 and 🙂"),
    ],
)
def test_words_steer_no_terminal_and_hide_nothing(words: str, plain: str) -> None:
    assert clean(words) == plain
    assert "\n" not in one_line(words)


@given(st.text())
def test_clean_words_are_as_clean_as_they_get(words: str) -> None:
    once = clean(words)
    assert "\x1b" not in once
    assert clean(once) == once
