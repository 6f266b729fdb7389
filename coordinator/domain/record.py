"""What one commit says: a verb, one prose message, trailers. Rendered and parsed here and nowhere else."""

import re
import textwrap
from dataclasses import dataclass
from enum import StrEnum

from .names import BriefId


class Verb(StrEnum):
    """The first word of every subject that we write."""

    ACCEPT = "accept"
    ASK = "ask"
    REJECT = "reject"
    LAND = "land"
    HOLD = "hold"
    FAIL = "fail"
    CANCEL = "cancel"
    DEPLOY = "deploy"
    REVERT = "revert"


FORMAT = 1  # of all trailers; who meets a higher one is too old to write beside it
FORMAT_TRAILER = ("Format", str(FORMAT))
SUBJECT_CHARS_MAX = 72
_PROSE_WIDTH = 88
_NUMBER = re.compile(r"[0-9]{1,9}")
_PROMISES = frozenset(
    "a an and are as at be but by for from has have if in into is it its not of on or over"  # noqa: SIM905  a list of fifty lines says no more
    " than that the their them then this to under was were what where which who with".split()
)
_TRAILER = re.compile(r"^([A-Z][A-Za-z]*(?:-[A-Za-z]+)*): (.*)$")
# Colours and cursor moves; then what sets titles, clipboards and links, with all that it carries.
_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)|[ -/]*[@-_])"
)
# Controls; then marks that turn or hide text, and letters that nobody sees (tags).
_UNSAFE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# What hosting sites take for "no CI for this commit", wherever it stands in the message.
_SKIPS = re.compile(
    r"\[(?=[^\]\n]*\b(?:skip|no)\b)([^\]\n]{0,40})\]|\*\*\*NO_CI\*\*\*", re.IGNORECASE
)
# Where git ends a message before its trailers: a patch's divider, a scissors line.
_DIVIDER = re.compile(r"---(\s|$)|[#;@!$%^&|:] -+ >8")
_LAST_WORDS = re.compile(r"[A-Za-z0-9-]+[ \t]*:|\(cherry picked from commit ")  # git's own grammar


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One commit message of ours. `quoted` is somebody else's text: it can carry no trailer."""

    verb: Verb
    about: str  # brief id, or the environment for a deploy
    subject: str
    prose: str = ""
    quoted: str = ""
    trailers: tuple[tuple[str, str], ...] = ()
    skip_ci: bool = False

    def values(self, key: str) -> tuple[str, ...]:
        """Returns every value of the trailer `key`, in order."""
        return tuple(v for k, v in self.trailers if k == key)

    @property
    def format(self) -> int:
        """Returns the highest number of its Format trailers; 0 without any."""
        return max((int(v) for v in self.values("Format") if _NUMBER.fullmatch(v)), default=0)

    @property
    def brief(self) -> BriefId | None:
        """Returns the Brief-Id trailer."""
        return next((BriefId(v) for v in self.values("Brief-Id")), None)


def clean(text: str) -> str:
    """Returns `text` without escapes, controls, bidi marks and lone surrogates; newlines and tabs stay."""
    return _UNSAFE.sub("", _ESCAPES.sub("", text)).encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """Returns `text` cleaned and on one line."""
    return " ".join(clean(text).split())


def render(record: Record) -> str:
    """Returns the commit message; parse(render(r)) gives verb, about, subject and trailers back."""
    subject = _harmless(one_line(record.subject))
    head = f"{record.verb} {record.about}: {subject}"
    parts = [head]
    if len(head) > SUBJECT_CHARS_MAX:
        parts = [_cut(head, keep=len(head) - len(subject))]
        if not one_line(record.prose).startswith(subject):
            parts.append(_wrap(subject))
    if record.prose.strip():
        parts.append(_wrap(_harmless(clean(record.prose))))
    if record.quoted.strip():
        quoted = _harmless(clean(record.quoted)).splitlines()
        parts.append("\n".join(f"> {line}".rstrip() for line in quoted))
    if record.skip_ci:
        parts.append("[skip ci]")
    if record.trailers:
        said = ((key, _harmless(one_line(value))) for key, value in record.trailers)
        parts.append("\n".join(f"{key}: {value}" for key, value in said))
    elif len(parts) > 1 and any(_LAST_WORDS.match(line) for line in parts[-1].splitlines()):
        parts[-1] = textwrap.indent(parts[-1], "  ")
    return "\n\n".join(parts) + "\n"


def parse(message: str) -> Record | None:
    """Returns what one of our messages says, or None for a commit that is not of our grammar."""
    paragraphs = message.strip("\n").split("\n\n")
    first, _, subject = paragraphs[0].partition(": ")
    verb, _, about = first.partition(" ")
    if verb not in set(Verb) or not about or " " in about or not subject:
        return None
    trailers: tuple[tuple[str, str], ...] = ()
    matches = [_TRAILER.match(line) for line in paragraphs[-1].splitlines()]
    if len(paragraphs) > 1 and all(matches):
        trailers = tuple((m[1], m[2]) for m in matches if m)
    return Record(
        verb=Verb(verb),
        about=about,
        subject=subject,
        prose="\n\n".join(paragraphs[1 : -1 if trailers else None]),
        trailers=trailers,
    )


def _harmless(text: str) -> str:
    """Returns `text` without what would keep CI from running: only `skip_ci` says that."""
    return _SKIPS.sub(lambda found: f"({found[1] or 'no CI'})", text)


def _cut(head: str, *, keep: int) -> str:
    """Returns `head` cut after a whole word, and not after one that promises another.

    The whole subject stands in the body, so nothing needs to say that there is more.
    """
    words = head[: SUBJECT_CHARS_MAX + 1].split(" ")[:-1]
    while words and words[-1].strip(",;:(").lower() in _PROMISES:
        words.pop()
    cut = " ".join(words).rstrip(" ,;:(-")
    return cut if len(cut) > keep else head[: SUBJECT_CHARS_MAX - 1] + "…"


def _wrap(prose: str) -> str:
    """Wraps each paragraph; one that would read as trailers, or as the end of it all, is indented."""
    wrapped = []
    for paragraph in re.split(r"\n\s*\n", prose.strip()):
        lines = [
            textwrap.fill(line, _PROSE_WIDTH, break_long_words=False, break_on_hyphens=False)
            for line in paragraph.splitlines()
        ]
        text = "\n".join(lines)
        if any(_TRAILER.match(line) or _DIVIDER.match(line) for line in text.splitlines()):
            text = textwrap.indent(text, "  ")
        wrapped.append(text)
    return "\n\n".join(wrapped)
