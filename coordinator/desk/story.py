"""Everything about one brief: what was asked, tried, landed and shipped, and the checklist as executed."""

from collections.abc import Mapping
from dataclasses import dataclass

from coordinator.desk import tries
from coordinator.desk.kept import Kepts
from coordinator.desk.kept_attempt import Kept
from coordinator.desk.past import Past
from coordinator.desk.shelf import Shelf
from coordinator.desk.sources import History
from coordinator.desk.trials import Trials
from coordinator.domain.brief import Fault
from coordinator.domain.checklist import Judged, Landing, Shipped, checklist
from coordinator.domain.effort import Effort, effort
from coordinator.domain.errors import BriefError
from coordinator.domain.lost_attempts import SaidLost
from coordinator.domain.names import Oid, Place, RecordPaths, RepoPath
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE, REPLY_FILE
from coordinator.domain.output import Report
from coordinator.domain.plan import Plan
from coordinator.domain.record import Verb, parse
from coordinator.domain.reply import Reply
from coordinator.domain.reply import parse as parse_reply
from coordinator.domain.saying import Saying
from coordinator.domain.status import AttemptStatus, CheckItem, Shelved
from coordinator.domain.task_progress import TaskProgress, progress
from coordinator.domain.tree import Entry
from coordinator.domain.why import Why, why
from coordinator.ports import Objects


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What `show` tells of one brief beside its status."""

    place: Place
    text: str  # brief.md, '' for a rejected one
    plan: Plan | None
    attempts: tuple[AttemptStatus, ...]
    conflicts: tuple[str, ...]
    faults: tuple[Fault, ...]
    commits: tuple[Saying, ...]
    checklist: tuple[CheckItem, ...]
    reply: str
    effort: Effort | None = None
    tasks: tuple[TaskProgress, ...] = ()  # where each is, of a plan with several
    change: str | None = None  # what waits for a human, as a diff or the text of a report
    why: Why | None = None


class Stories:
    """Reads stories and results at one tip."""

    def __init__(
        self,
        *,
        objects: Objects,
        history: History,
        kept: Kepts,
        shelf: Shelf,
        past: Past,
        tip: Oid,
        paths: RecordPaths,
        trials: Trials,
        refs_root: str,
    ) -> None:
        self._root = refs_root
        self._trials = trials
        self._objects = objects
        self._history = history
        self._kept = kept
        self._shelf = shelf
        self._past = past
        self._tip = tip
        self._paths = paths

    def of(self, shelved: Shelved) -> Story:
        """Returns the story of a brief of the tip."""
        files = self._shelf.folder(self._tip, shelved.id, shelved.place)
        reply = parse_reply(self._content(files, REPLY_FILE))
        kept = self._kept.of(shelved.id)
        plan = self._content(files, PLAN_FILE)
        held = reply is not None and reply.held == "conflict"
        attempts = self._attempts(shelved, kept)
        took = effort(self._trials.tried(shelved.id, kept))
        landing = self._landing(shelved)
        planned = _plan(plan)
        return Story(
            place=shelved.place,
            text=self._content(files, BRIEF_FILE).decode("utf-8", "replace"),
            plan=planned,
            attempts=attempts,
            conflicts=(reply.reasons or (reply.text,)) if held and reply else (),
            faults=reply.faults if reply else (),
            commits=self._past.of(shelved.id),
            checklist=self._checklist(shelved, kept, landing),
            reply=reply.text if reply else "",
            effort=took,
            tasks=self._tasks(shelved, planned, kept),
            change=self._change(shelved, reply, kept),
            why=why(
                shelved.id,
                plan=planned,
                folder=self._paths.folder(shelved.place, shelved.id),
                refs_root=self._root,
                landing=landing.record if landing else None,
                attempts=attempts,
                effort=took,
            ),
        )

    def _tasks(
        self, shelved: Shelved, plan: Plan | None, kept: tuple[Kept, ...]
    ) -> tuple[TaskProgress, ...]:
        """Returns where the tasks of a graph are; nothing for a plan of one task."""
        if plan is None or len(plan.tasks) < 2:
            return ()
        begun = self._trials.begun(shelved.id)
        return progress(plan, tries.of_round(shelved.round, kept, begun))

    def _change(self, shelved: Shelved, reply: Reply | None, kept: tuple[Kept, ...]) -> str | None:
        """Returns what a held changeset would do to the files, else the report that would land."""
        if shelved.place is not Place.WAITING or reply is None or reply.changeset is None:
            return None
        before, after = reply.changeset_base, reply.changeset_result
        if before and after and before != after:
            return self._history.patch(Oid(before), Oid(after))
        accepted = [k.output for k in kept if k.is_accepted and k.output]
        reports = [one.body.text for one in accepted if isinstance(one.body, Report)]
        return reports[-1] if reports else None

    def _attempts(self, shelved: Shelved, kept: tuple[Kept, ...]) -> tuple[AttemptStatus, ...]:
        """Returns the kept attempts, and those that returned nothing, which only the journal and commits name."""
        numbers = {one.number for one in kept}
        lost = {one.number: one for one in self._trials.lost(shelved.id)}
        returned = [one.status() for one in kept]
        others = [_lost(one) for number, one in lost.items() if number not in numbers]
        return tuple(sorted((*returned, *others), key=lambda one: one.n))

    def result(self, shelved: Shelved) -> bytes:
        """Returns the exact bytes of the report. Raises BriefError when there is none."""
        files = self._shelf.folder(self._tip, shelved.id, shelved.place)
        beside = next((e for name, e in files.items() if name.startswith("result.")), None)
        if beside is not None:
            return self._objects.content(beside.oid)
        landing = self._past.last(shelved.id, Verb.LAND)
        found = self._written(shelved, landing.oid) if landing else None
        if found is not None:
            return found
        what = "landed no report: it changed files" if landing else "has no result yet"
        raise BriefError(
            f"{shelved.id}: this brief {what}",
            hint=f"`coordinator show {shelved.id}` tells what came of it",
        )

    def _written(self, shelved: Shelved, landing: Oid) -> bytes | None:
        """Returns the report where OUTPUT FORMAT wanted it: the file with an accepted attempt's text."""
        kept = [k for k in self._kept.of(shelved.id) if k.is_accepted]
        wanted = {self._kept.wanted_path(k) for k in kept} - {None}
        tree = self._objects.tree_of(landing)
        for path in sorted(str(w) for w in wanted):
            content = self._objects.read(tree, RepoPath(path))
            if content is not None:
                return content
        reports = [
            k.output.body.text for k in kept if k.output and isinstance(k.output.body, Report)
        ]
        return reports[-1].encode() if reports else None

    def _checklist(
        self, shelved: Shelved, kept: tuple[Kept, ...], landing: Landing | None
    ) -> tuple[CheckItem, ...]:
        judged: list[Judged] = [one.judged() for one in kept if one.is_authored]
        shipped = [
            Shipped(
                oid=said.oid,
                environment=said.environment or said.about,
                revision=said.revision or "",
                live=said.live or "",
            )
            for said in self._past.of(shelved.id)
            if said.verb == Verb.DEPLOY
        ]
        return checklist(landing, judged, shipped, deploy=shelved.deploy)

    def _landing(self, shelved: Shelved) -> Landing | None:
        said = self._past.last(shelved.id, Verb.LAND)
        commit = self._history.commit(said.oid) if said else None
        record = parse(commit.message) if commit else None
        parent = self._history.parent(commit.oid) if commit else None
        if commit is None or record is None or parent is None:
            return None
        return Landing(
            oid=commit.oid,
            parent=parent,
            product=self._objects.product(self._objects.tree_of(commit.oid)),
            parent_product=self._objects.product(self._objects.tree_of(parent)),
            record=record,
        )

    def _content(self, files: Mapping[str, Entry], name: str) -> bytes:
        entry = files.get(name)
        return self._objects.content(entry.oid) if entry and not entry.is_tree else b""


def _lost(said: SaidLost) -> AttemptStatus:
    return AttemptStatus(
        n=said.number,
        worker=said.worker,
        verdict="lost",
        reasons=(said.reason,),
        package_oid=None,
        output_oid=None,
        confinement="none",
        cost_usd=said.cost_usd,
        ref="",
        oid=None,
        task=said.task,
        role=said.role,
        tokens_in=said.tokens_in,
        tokens_out=said.tokens_out,
    )


def _plan(content: bytes) -> Plan | None:
    try:
        return Plan.model_validate_json(content) if content else None
    except ValueError:
        return None
