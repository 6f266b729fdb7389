"""Walks one commit of ours back to who asked for it, and says plainly which object it could not find."""

import re
from collections.abc import Iterator, Mapping

from coordinator.desk.kept import Kepts
from coordinator.desk.kept_attempt import Kept
from coordinator.desk.past import Past
from coordinator.desk.shelf import front_matter
from coordinator.desk.sources import History
from coordinator.domain import attempt_notes
from coordinator.domain.brief_text import identify_text
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import BriefId, Oid, Place, RecordPaths, RepoPath, digest
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE
from coordinator.domain.plan import Plan
from coordinator.domain.record import Record, Verb, parse
from coordinator.domain.saying import SeenCommit
from coordinator.domain.status import Link
from coordinator.ports import Objects

_CONSTITUTION = RepoPath(".orchestrator/constitution.md")
_CONFIG = RepoPath(".orchestrator/config.toml")
_OID = re.compile(r"^[0-9a-f]{40}$")


class Audit:
    """The walk: landing, changeset, attempts, packages, brief, requester, and the rules applied."""

    def __init__(
        self, *, objects: Objects, history: History, kept: Kepts, past: Past, paths: RecordPaths
    ) -> None:
        self._objects = objects
        self._history = history
        self._kept = kept
        self._past = past
        self._paths = paths

    def walk(self, commit: SeenCommit) -> tuple[Link, ...]:
        """Returns the chain. Raises RepositoryError for a commit that is not one of ours."""
        record = parse(commit.message)
        if record is None or not record.trailers:
            raise RepositoryError(
                f"{commit.oid[:12]}: not made by the coordinator (by {commit.author})",
                hint="`coordinator log` lists the commits that are",
            )
        return tuple(self._links(commit, record))

    def _links(self, commit: SeenCommit, record: Record) -> Iterator[Link]:
        verb = "landing" if record.verb is Verb.LAND else str(record.verb)
        who = _first(record, "Decided-By") or commit.author
        yield Link(kind=verb, oid=commit.oid, who=who, why=record.subject)
        if record.verb is Verb.LAND:
            yield self._changeset(commit, record)
            for value in record.values("Attempt"):
                yield from self._attempt(value)
        if record.verb is Verb.DEPLOY:
            yield from self._revision(record)
        elif record.brief is not None:
            yield from self._brief(record.brief, commit.oid, record)
        yield from self._rules(commit, record)

    def _revision(self, record: Record) -> Iterator[Link]:
        """A deploy goes on with the commit that it shipped."""
        revision = _first(record, "Revision")
        shipped = self._history.commit(revision) if _OID.match(revision) else None
        if shipped is None:
            yield _missing("landing", revision, "the revision that was shipped")
            return
        said = parse(shipped.message)
        if said is None or not said.trailers:
            yield Link(kind="foreign", oid=shipped.oid, who=shipped.author, why="shipped as found")
            return
        yield from self._links(shipped, said)

    def _changeset(self, commit: SeenCommit, record: Record) -> Link:
        gated = _first(record, "Gated-Tree")
        product = self._objects.product(self._objects.tree_of(commit.oid))
        who = f"review: {_first(record, 'Review') or 'not said'}"
        base = _first(record, "Base")
        if gated != product:
            why = f"the landing names {gated or 'no gated tree'}, but the commit holds {product}"
            return Link(kind="changeset", oid=product, who=who, why=why, missing=True)
        checks = _first(record, "Checks") or "no checks"
        why = f"worked on {base[:12]}; gated as this tree: {checks}"
        said = _first(record, "Changeset")
        why += f"; changeset {said}" if said else ""
        return Link(kind="changeset", oid=product, who=who, why=why)

    def _attempt(self, value: str) -> Iterator[Link]:
        """`<worker>/<n> accepted <ref> <oid>`, `... rejected <code> <ref> <oid>` or `... lost <why>`.

        One that nobody has judged is `superseded` or `unjudged`; `as <role>` says what it was for, where
        that was no task, and `evaluator` and `planner` stand in the verdict's place.
        """
        words = value.split()
        if len(words) > 1 and words[1] in ("lost", "running"):
            yield Link(kind="attempt", oid="", who="coordinator", why=f"{value}: left no output")
            return
        if len(words) < 4 or not _OID.match(words[-1]):
            yield _missing("attempt", "", f"the trailer cannot be read: {value}")
            return
        label, verdict, oid = words[0], " ".join(words[1:-2]), Oid(words[-1])
        ref = self._kept.placed(words[-2])
        self._kept.fetch({ref: oid})
        if not self._kept.has(oid):
            yield _missing("attempt", oid, f"{label} {verdict}: {ref} is neither here nor there")
            return
        kept = self._kept.read(ref, oid, self._kept.verdict_of(ref))
        worker = str(kept.spec.profile) if kept.spec else "unknown worker"
        role = attempt_notes.as_role(kept.spec.role) if kept.spec else ""
        verdict = verdict.removesuffix(role)
        yield Link(kind="attempt", oid=oid, who=worker, why=f"{label} {verdict}{role}")
        yield self._package(kept, label)
        yield self._part("output", kept.output_oid, worker, f"what {label} returned")
        if verdict in attempt_notes.UNJUDGED:
            return
        findings = "; ".join(kept.reasons()) or "every criterion was met"
        yield self._part("verdict", kept.verdict_oid, "review", f"{label} {verdict}: {findings}")

    def _package(self, kept: Kept, label: str) -> Link:
        package = self._kept.package(kept)
        said = f"what {label} was told"
        if package is not None:
            said += f": {package.description.partition(chr(10))[0]}"
        return self._part("package", kept.package_oid, "coordinator", said)

    def _part(self, kind: str, oid: Oid | None, who: str, why: str) -> Link:
        if oid is None or not self._kept.has(oid):
            return _missing(kind, oid or "", why)
        return Link(kind=kind, oid=oid, who=who, why=why)

    def _brief(self, brief: BriefId, commit: Oid, record: Record) -> Iterator[Link]:
        accept = self._past.last(brief, Verb.ACCEPT)
        first = next((s for s in self._past.of(brief) if s.verb in (Verb.ACCEPT, Verb.ASK)), accept)
        if first is None:
            yield _missing("brief", "", f"no commit accepts or asks about {brief}")
            return
        said = self._history.commit(first.oid)
        accepted = parse(said.message) if said else None
        requester = _first(accepted, "Requested-By") or _first(record, "Requested-By") or "unknown"
        # The text may have been completed by answers, so what counts is the one that landed.
        at = commit if record.verb is Verb.LAND else accept.oid if accept else first.oid
        yield self._brief_file(brief, at, record, requester)
        yield from self._plan(brief, at)
        source = _first(accepted, "Source")
        why = f"{first.verb}ed {brief}" + (f", from {source}" if source else "")
        yield Link(kind="requester", oid=first.oid, who=requester, why=why)

    def _brief_file(self, brief: BriefId, commit: Oid, record: Record, who: str) -> Link:
        files = self._folder(brief, commit)
        entry = files.get(BRIEF_FILE)
        if entry is None:
            return _missing("brief", "", f"no brief.md of {brief} at {commit[:12]}")
        content = self._objects.content(entry)
        said = identify_text(brief, content).digest
        wanted = _first(record, "Brief-Digest")
        if wanted and said != wanted:
            return _missing("brief", entry, f"the landing names {wanted}, but brief.md is {said}")
        return Link(kind="brief", oid=entry, who=who, why=f"{_task_of(content)} ({said})")

    def _plan(self, brief: BriefId, commit: Oid) -> Iterator[Link]:
        """The numbers that the plan of several tasks rests on, a link each."""
        entry = self._folder(brief, commit).get(PLAN_FILE)
        if entry is None:
            return
        try:
            plan = Plan.model_validate_json(self._objects.content(entry))
        except ValueError:
            yield _missing("plan", entry, f"the plan.json of {brief} cannot be read")
            return
        for note in plan.notes:
            yield Link(kind="plan", oid=entry, who=plan.rule, why=note)

    def _folder(self, brief: BriefId, commit: Oid) -> Mapping[str, Oid]:
        tree = self._objects.tree_of(commit)
        for place in Place:
            entry = self._objects.entry(tree, self._paths.folder(place, brief))
            if entry is not None and entry.is_tree:
                return {name: e.oid for name, e in self._objects.listing(entry.oid).items()}
        return {}

    def _rules(self, commit: SeenCommit, record: Record) -> Iterator[Link]:
        tree = self._objects.tree_of(commit.oid)
        cited = [*record.values("Rule"), *record.values("Decided-By")]
        for rule in dict.fromkeys(value for value in cited if value):
            yield self._rule(tree, rule)

    def _rule(self, tree: Oid, said: str) -> Link:
        """A number is a line of the constitution, `rule NAME@DIGEST` rests on the config of that digest."""
        if said.startswith("human "):
            return Link(
                kind="decision", oid="", who=said.removeprefix("human "), why="a person decided"
            )
        path = _CONSTITUTION if said.isdigit() else _CONFIG
        entry = self._objects.entry(tree, path)
        if entry is None or entry.is_tree:
            return Link(kind="rule", oid="", who=said, why=f"there is no {path}: the defaults hold")
        content = self._objects.content(entry.oid)
        if not said.isdigit():
            own = digest(content).removeprefix("sha256:").startswith(said.rpartition("@")[2])
            why = f"as {path} says" if own else f"by an earlier {path} or its defaults"
            return Link(kind="rule", oid=entry.oid, who=said, why=why)
        lines = content.decode("utf-8", "replace").splitlines()
        line = next((one for one in lines if one.strip(" -*").startswith(f"{said}. ")), None)
        if line is None:
            return _missing("rule", entry.oid, f"{path} has no rule {said}")
        return Link(kind="rule", oid=entry.oid, who=f"rule {said}", why=line.strip(" -*"))


def _first(record: Record | None, key: str) -> str:
    return next(iter(record.values(key)), "") if record else ""


def _missing(kind: str, oid: str, why: str) -> Link:
    return Link(kind=kind, oid=oid, who="", why=f"missing: {why}", missing=True)


def _task_of(content: bytes) -> str:
    """Returns the sentence of TASK for a person to recognise the brief by."""
    text = content.decode("utf-8", "replace")
    if front_matter(content):
        text = text.partition("\n---\n")[2]
    found = re.search(r"^(?:#+\s*TASK\s*\n+|TASK:\s*)(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else "the brief"
