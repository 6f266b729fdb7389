"""The entries that the coordinator itself writes: from answers of people, from failures, questions and red gates.

Plain rules make them, from what commits and attempts say; the same facts give the same entry, so one that
is written already is known by its id.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from . import partial_answers
from .attempt import Attempt, Returned
from .brief import Brief
from .markdown_lines import without_fence
from .memory_md import MemoryEntry, quoted
from .names import BriefId, Oid, RepoPath
from .plan import Plan, Task
from .record import Record, Verb, clean, one_line
from .verdict import Reject, Revise, named

PATHS_MAX = 12
TITLE_CHARS_MAX = 100
PROSE_CHARS_MAX = 1_000
SAID_MAX = 5

_SAYS_NOTHING = frozenset({partial_answers.AGAIN, "again", "retry"})
_GATE = re.compile(r"the gate (\S+) fails on the result\b")
_KIND = re.compile(r"[^A-Za-z0-9_.-]+")
_TWICE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One commit that something is to be remembered from: an answer, a question, a failure."""

    commit: Oid
    brief: BriefId
    verb: Verb
    said: tuple[str, ...] = ()  # reasons of a failure, questions that were asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The brief that an entry is about: its kinds, and what it named that is there."""

    brief: BriefId
    kinds: tuple[str, ...]
    paths: tuple[RepoPath, ...]
    commit: Oid  # at which it is so
    day: str  # of today, YYYY-MM-DD

    @property
    def kind(self) -> str:
        """Returns what such briefs are called."""
        return self.kinds[0] if self.kinds else "any brief"


def source(commit: Oid, record: Record) -> Source | None:
    """Returns what is to be remembered from one commit, None for most."""
    decided = " ".join(record.values("Decided-By"))
    brief = record.brief
    if brief is None:
        return None
    match record.verb:
        case Verb.ACCEPT if record.values("Answered-By"):
            return Source(commit=commit, brief=brief, verb=record.verb)
        case Verb.ASK if "rule progress.question" in decided:
            said = record.values("Question")
            return Source(commit=commit, brief=brief, verb=record.verb, said=said)
        case Verb.FAIL if "rule progress." in decided and "progress.dependency" not in decided:
            said = record.values("Reason")
            return Source(commit=commit, brief=brief, verb=record.verb, said=said)
        case _:
            return None


def subject(
    plan: Plan,
    *,
    of: BriefId,
    kind: str | None,
    paths: Iterable[str],
    commit: Oid,
    day: str,
) -> Subject:
    """Returns what entries about a brief say of it; `paths` are those that are there."""
    profiles = dict.fromkeys(str(task.profile) for task in plan.tasks)
    wanted = [kind] if kind else list(profiles)
    return Subject(
        brief=of,
        kinds=tuple(filter(None, (_KIND.sub("-", name).strip("-.") for name in wanted)))[:SAID_MAX],
        paths=tuple(RepoPath(path) for path in list(dict.fromkeys(paths))[:PATHS_MAX]),
        commit=commit,
        day=day,
    )


def named_paths(brief: Brief) -> tuple[str, ...]:
    """Returns the paths, folders and globs that a brief names; not the whole tree, which always changes."""
    inputs = (item.value for item in brief.inputs if item.kind in ("path", "glob"))
    output = (brief.output_format.path,) if brief.output_format.path else ()
    named = (path.removeprefix("./").rstrip("/") for path in (*brief.scope_in, *inputs, *output))
    whole = ("", ".", "**", "**/*", "*")
    return tuple(dict.fromkeys(path for path in named if path not in whole))


def decisions(about: Subject, plan: Plan) -> tuple[MemoryEntry, ...]:
    """Returns a decision for each answer that says anything: what was asked, what was answered, by whom."""
    found = []
    for question, answer in plan.answers.items():
        plain = answer.strip().casefold()
        about_this_brief = partial_answers.is_one(question) and plain in partial_answers.CHOICES
        if plain in _SAYS_NOTHING or about_this_brief:
            continue
        asked = plan.questions.get(question, question)
        by = one_line(plan.answered_by.get(question, "")) or "somebody"
        prose = f"Asked:\n\n{_quoted(asked)}\n\nAnswered by {by}:\n\n{_quoted(answer)}"
        name = _id("decision", about.brief, question, answer)
        found.append(_entry(name, f"{_plain(asked)}", prose, about, paths=about.paths, kinds=()))
    return tuple(found)


def lesson_of_question(about: Subject, plan: Plan, said: Source) -> tuple[MemoryEntry, ...]:
    """Returns a lesson for each question of a worker: what briefs of that kind should say.

    What is asked about the outputs of other tasks alone is no such question: no INPUTS could have said it.
    """
    tasks = {task.id for task in plan.tasks if not _is_about_others(task)}
    found = []
    for line in said.said:
        name, _, text = line.partition(": ")
        if name.rpartition("-")[0] not in tasks or not text.strip():
            continue  # asked by a rule, about this brief alone
        prose = (
            f"A worker of the brief {about.brief} could not go on without an answer to:\n\n"
            f"{_quoted(text)}\n\nSay it in INPUTS or TASK of such briefs."
        )
        title = f"{about.kind}: say in INPUTS what was asked: {_plain(text)}"
        found.append(_lesson(("question", about.kind, text), title, prose, about))
    return tuple(found)


def lesson_of_failure(about: Subject, said: Source) -> tuple[MemoryEntry, ...]:
    """Returns a lesson of a brief that nobody could complete."""
    reasons = [reason for reason in said.said if reason.strip()][:SAID_MAX]
    if not reasons:
        return ()
    gates = _gates(said.said)
    title = f"{about.kind}: failed: {_plain(reasons[0])}"
    prose = f"The brief {about.brief} failed:\n\n{_quoted(chr(10).join(reasons))}"
    lessons = [_lesson(("failed", about.kind, *reasons), title, prose, about)]
    return (*lessons, *(_red(name, about) for name in gates))


def lessons_of_tries(
    about: Subject, attempts: Sequence[Attempt], feedback: Iterable[str]
) -> tuple[MemoryEntry, ...]:
    """Returns lessons of a brief that was completed after all: what came up twice, and gates that were red.

    `feedback` is what its attempts were told of those before them.
    """
    counted: Counter[tuple[str, str]] = Counter()
    for attempt in attempts:
        verdict = attempt.verdict if isinstance(attempt, Returned) else None
        if isinstance(verdict, Revise | Reject):
            unmet = {(f.code, f.criterion) for f in verdict.findings if f.met is False}
            counted.update(unmet)
    lessons = []
    for (code, criterion), times in counted.items():
        if times >= _TWICE:
            title = f"{about.kind}: more than one try because of {_plain(named(code, criterion))}"
            prose = (
                f"{times} attempts at the brief {about.brief} did not meet this ({code}):\n\n"
                f"{_quoted(criterion)}"
            )
            lessons.append(_lesson(("twice", about.kind, code, criterion), title, prose, about))
    return (*lessons, *(_red(name, about) for name in _gates(feedback)))


def _red(gate: str, about: Subject) -> MemoryEntry:
    title = f"{about.kind}: the gate {_plain(gate)} was red on a result"
    prose = (
        f"A result of the brief {about.brief} was reviewed and accepted, and then failed this gate. "
        "What the gate runs is worth a criterion of its own: `check:`."
    )
    return _lesson(("gate", about.kind, gate), title, prose, about)


def _gates(said: Iterable[str]) -> tuple[str, ...]:
    """Returns the gates that reasons name, each once."""
    found = (match for text in said for match in _GATE.finditer(text))
    return tuple(dict.fromkeys(match[1] for match in found))


def _is_about_others(task: Task) -> bool:
    given = task.part.inputs if task.part else ()
    return bool(given) and all(item.kind == "task" for item in given)


def _lesson(key: tuple[str, ...], title: str, prose: str, about: Subject) -> MemoryEntry:
    """Returns a lesson; it rests on files that the brief named, not on folders where anything may change."""
    files = tuple(p for p in about.paths if not any(c in p for c in "*?[") and "." in p)
    name = _id("lesson", *key)
    return _entry(name, title, prose, about, paths=files[:SAID_MAX], kinds=about.kinds)


def _entry(
    name: str,
    title: str,
    prose: str,
    about: Subject,
    *,
    paths: tuple[RepoPath, ...],
    kinds: tuple[str, ...],
) -> MemoryEntry:
    return MemoryEntry(
        id=name,
        title=_cut(title),
        date=about.day,
        commit=about.commit,
        paths=paths,
        kind=kinds,
        brief=about.brief,
        prose=prose.strip(),
    )


def _id(kind: str, *of: str) -> str:
    said = "\0".join(of).encode("utf-8", "surrogateescape")
    return f"{kind}-{hashlib.sha256(said).hexdigest()[:12]}"


def _plain(text: str) -> str:
    """Returns the first line of a text, as a title can hold it and a list can show it."""
    lines = (
        line for line in clean(text).splitlines() if line.strip() and line == without_fence(line)
    )
    return one_line(next(lines, "")).rstrip(" .")


def _cut(title: str) -> str:
    plain = one_line(title) or "untitled"
    return plain if len(plain) <= TITLE_CHARS_MAX else plain[:TITLE_CHARS_MAX].rstrip() + "..."


def _quoted(text: str) -> str:
    return quoted(clean(text).replace("\r", "\n"), chars_max=PROSE_CHARS_MAX) or "> (nothing)"
