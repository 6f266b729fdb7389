"""The folders of briefs at a tip, read once for each folder object, and the ready lines of plan.md."""

import logging
from collections.abc import Iterable, Mapping

from coordinator.domain import plan_md, reply
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import identify, identify_text, parse, render
from coordinator.domain.names import BriefId, Oid, Place, RepoPath, digest
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE, REPLY_FILE
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.request import Drop, Origin, Request
from coordinator.domain.tree import Entry
from coordinator.domain.world import Filed
from coordinator.ports import Objects

logger = logging.getLogger(__name__)

_Page = tuple[tuple[Request, ...], tuple[str, ...]]  # what plan.md asks for, and its faults


class Shelves:
    """Reads briefs from trees; what did not change since the last look is not read again."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._filed: dict[Oid, Filed] = {}
        self._live: tuple[tuple[Oid, RepoPath], tuple[Filed, ...]] | None = None
        self._ended: tuple[tuple[Entry | None, ...], Mapping[BriefId, Place]] | None = None
        self._ended_at: tuple[Oid, RepoPath] | None = None
        self._planned: tuple[tuple[Oid, RepoPath], _Page] | None = None

    def live(self, tree: Oid, policy: Policy) -> Iterable[Filed]:
        """Returns every brief that is open, waiting or landed; only those stay in memory."""
        key = tree, policy.paths.briefs
        if self._live is None or self._live[0] != key:
            self._live = key, tuple(self._read(tree, policy))
        return self._live[1]

    def _read(self, tree: Oid, policy: Policy) -> Iterable[Filed]:
        kept: dict[Oid, Filed] = {}
        for place in (Place.OPEN, Place.WAITING, Place.LANDED):
            for brief, folder in self._folders(tree, place, policy):
                filed = self._filed.get(folder)
                if filed is None or filed.id != brief or filed.place is not place:
                    filed = self._file(brief, place, folder)
                kept[folder] = filed
                yield filed
        self._filed = kept

    def _folders(self, tree: Oid, place: Place, policy: Policy) -> Iterable[tuple[BriefId, Oid]]:
        top = self._top(tree, place, policy)
        if top is None or not top.is_tree:
            return
        for name, entry in self._objects.listing(top.oid).items():
            if not entry.is_tree:
                continue
            if place is Place.WAITING:
                yield BriefId(name), entry.oid
                continue
            for brief, folder in self._objects.listing(entry.oid).items():
                if folder.is_tree:
                    yield BriefId(brief), folder.oid

    def _top(self, tree: Oid, place: Place, policy: Policy) -> Entry | None:
        return self._objects.entry(tree, RepoPath(f"{policy.paths.briefs}/{place.value}"))

    def terminal(self, tree: Oid, policy: Policy) -> Mapping[BriefId, Place]:
        """Returns where every ended brief is; listed again only when one more has ended."""
        key = tree, policy.paths.briefs
        if self._ended is not None and self._ended_at == key:
            return self._ended[1]
        places = (Place.DONE, Place.REJECTED)
        tops = tuple(self._top(tree, place, policy) for place in places)
        if self._ended is None or self._ended[0] != tops:
            found = {
                brief: place for place in places for brief, _ in self._folders(tree, place, policy)
            }
            self._ended = tops, found
        self._ended_at = key
        return self._ended[1]

    def _file(self, brief: BriefId, place: Place, folder: Oid) -> Filed:
        files = self._objects.listing(folder)
        text = files.get(BRIEF_FILE)
        plan = self._plan(files[PLAN_FILE].oid) if PLAN_FILE in files else None
        said = (
            reply.parse(self._objects.content(files[REPLY_FILE].oid))
            if REPLY_FILE in files
            else None
        )
        name = (plan.name if plan else "") or (said.name if said else "")
        name = name or brief.rpartition("-")[0]
        content = self._objects.content(text.oid) if text else b""
        parsed = parse(content, name=name) if text else None
        value = parsed if isinstance(parsed, Brief) else Brief(name=name)
        identity = identify_text(name, content) if value is parsed else identify(value)
        return Filed(
            id=brief,
            place=place,
            folder=folder,
            blob=text.oid if text else Oid("0" * 40),
            digest=identity.digest,
            brief=value,
            plan=plan,
            reply=said,
        )

    def _plan(self, oid: Oid) -> Plan | None:
        try:
            return Plan.model_validate_json(self._objects.content(oid))
        except ValueError as error:
            logger.warning("plan.json unreadable oid=%s: %s", oid, error)
            return None

    def plan_lines(self, tree: Oid, policy: Policy) -> tuple[Request, ...]:
        """Returns the ready lines of plan.md as drops; read again only when the tree is another one."""
        return self._plan_page(tree, policy)[0]

    def plan_faults(self, tree: Oid, policy: Policy) -> tuple[str, ...]:
        """Returns what is wrong with plan.md, each with its line and what to do."""
        return self._plan_page(tree, policy)[1]

    def _plan_page(self, tree: Oid, policy: Policy) -> _Page:
        page = policy.paths.plan_file
        if self._planned is not None and self._planned[0] == (tree, page):
            return self._planned[1]
        text = (self._objects.read(tree, page) or b"").decode("utf-8", "replace")
        found: list[Request] = []
        faults = [f"{page}:{f.line}: {f.message}: {f.hint}" for f in plan_md.parse(text).faults]
        for line in plan_md.ready(text):
            content = self._objects.read(tree, RepoPath(line.path))
            if content is None:
                faults.append(
                    f"{page}:{line.line}: {line.path} is not there: add it, or take the line away"
                )
            else:
                found.append(_planned(line, content))
        self._planned = ((tree, page), (tuple(found), tuple(faults)))
        return self._planned[1]


def _planned(line: plan_md.PlanLine, text: bytes) -> Drop:
    parsed = parse(text, name=line.name)
    if isinstance(parsed, Brief) and line.after:
        after = tuple(dict.fromkeys((*parsed.after, *line.after)))
        text = render(parsed.model_copy(update={"after": after})).encode()
    origin = Origin(source="plan", name=line.name, by="plan.md", token=digest(text))
    return Drop(name=line.name, text=text, origin=origin)
