"""What intake looks up: briefs that are filed already, and what inputs and scope are at the tip."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from coordinator.domain import recipes
from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Brief, Identity, Input, Kind
from coordinator.domain.brief_paths import is_glob
from coordinator.domain.brief_text import identify_text, parse
from coordinator.domain.intake_notes import Here
from coordinator.domain.intake_rules import Facts
from coordinator.domain.names import BriefId, Digest, Oid, Place, RepoPath, slug
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE, REPLY_FILE
from coordinator.domain.plan import Plan
from coordinator.domain.progress import place_of
from coordinator.domain.recipes_sorted import FILES_MAX
from coordinator.domain.reply import Reply
from coordinator.domain.status import State, state_of
from coordinator.domain.tree import literal_folder, matches
from coordinator.domain.world import Filed, World
from coordinator.ports import Objects

Siblings = Mapping[str, Brief]  # other briefs in the inbox, by the slug of their name

_LFS = b"version https://git-lfs.github.com/spec/"
_NEAR_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A brief that has a folder at the tip."""

    here: Here
    digest: Digest
    name: str
    brief: Brief | None  # None: there is no brief.md, or it cannot be read any more
    plan: Plan | None
    reply: Reply | None

    @property
    def id(self) -> BriefId:
        """Returns its id."""
        return self.here.id

    @property
    def state(self) -> State:
        """Returns its public state."""
        return state_of(self.here.place, self.reply)

    @property
    def requests(self) -> tuple[str, ...]:
        """Returns the tokens of the requests that have been carried out on it."""
        said = self.reply.requests if self.reply else ()
        return tuple(dict.fromkeys((*said, *(self.plan.requests if self.plan else ()))))

    @property
    def identity(self) -> Identity:
        """Returns what it is known by now."""
        return Identity(id=self.id, digest=self.digest)

    @property
    def is_asked_by_intake(self) -> bool:
        """Tells whether it waits for its author, and nobody has worked on it."""
        return self.here.place is Place.WAITING and self.plan is None

    @property
    def is_refused_by_intake(self) -> bool:
        """Tells whether intake rejected it: only its digest and the reasons were kept."""
        return self.here.place is Place.REJECTED and self.here.blob is None


class Look:
    """One look at one tip; remembers how many files a pattern names."""

    def __init__(self, world: World, objects: Objects) -> None:
        self._world = world
        self._objects = objects
        self._tree = objects.tree_of(world.tip)
        self._counts: dict[str, int] = {}

    def find(self, brief: BriefId) -> Known | None:
        """Returns the brief of that id, wherever its folder is."""
        sighting = self._world.briefs.get(brief)
        if sighting is not None:
            return _known(sighting.filed)
        return self._read(brief, *ended) if (ended := self._ended(brief)) is not None else None

    def folder(self, brief: BriefId) -> tuple[Place, Oid] | None:
        """Returns where its folder is, and the tree: while both are the same, so is all that `find` says."""
        seen = self._world.briefs.get(brief)
        return (seen.filed.place, seen.filed.folder) if seen is not None else self._ended(brief)

    def content(self, oid: Oid) -> bytes:
        """Returns a blob."""
        return self._objects.content(oid)

    def facts(self, brief: Brief, *, siblings: Siblings, refused: frozenset[str]) -> Facts:
        """Returns what the rules need to know about the tip and the other briefs."""
        missing: list[Input] = []
        files = 0
        for item in brief.inputs:
            if item.kind not in ("path", "glob"):
                continue
            count = self._files(item)
            if not count and not self._promised(item, brief, siblings):
                missing.append(item)
            files += count
        return Facts(
            missing=tuple(missing),
            near=self._near(missing),
            files=files,
            special=self._special(brief),
            after={
                name: state
                for name in brief.after
                if (state := self._dependency(name, brief, siblings, refused))
            },
            listed=self.listed(brief),
        )

    def listed(self, brief: Brief) -> Mapping[str, tuple[str, ...]] | None:
        """Returns the files that each item of INPUTS names, where a recipe divides them; else None.

        No more than one too many of them: then they are not divided by their files.
        """
        if not recipes.divides(brief):
            return None
        items = [item.value for item in brief.inputs if item.kind in ("path", "glob")]
        return {item: tuple(islice(self._named(item), FILES_MAX + 1)) for item in items}

    def _named(self, item: str) -> Iterator[str]:
        for path, _ in self._objects.walk(self._tree, literal_folder(item)):
            if matches(path, item) and not self._world.policy.paths.owns(path):
                yield path

    def _ended(self, brief: BriefId) -> tuple[Place, Oid] | None:
        for place in (Place.DONE, Place.REJECTED):
            folder = self._world.policy.paths.folder(place, brief)
            entry = self._objects.entry(self._tree, folder)
            if entry is not None and entry.is_tree:
                return place, entry.oid
        return None

    def _files(self, item: Input) -> int:
        """Returns how many files an input names; an empty folder and a submodule count as one."""
        key = f"{item.kind}:{item.value}"
        if key not in self._counts:
            self._counts[key] = self._count(item)
        return self._counts[key]

    def _count(self, item: Input) -> int:
        named_exactly = item.kind == "path" and item.value != "**"
        folder = RepoPath(item.value) if named_exactly else literal_folder(item.value)
        entry = self._objects.entry(self._tree, folder)
        if entry is None:
            return 0
        if not entry.is_tree:
            return int(named_exactly or matches(folder, item.value))
        below = self._objects.walk(self._tree, folder)
        if named_exactly:
            return max(1, sum(1 for _ in below))
        return sum(matches(path, item.value) for path, _ in below)

    def _promised(self, item: Input, brief: Brief, siblings: Siblings) -> bool:
        """Tells whether a brief that comes first is to write what is not there yet."""
        return any(
            matches(item.value, path)
            for name in brief.after
            for other in self._called(name, siblings)
            for path in (
                other.scope_in
                if other.output_format.kind is Kind.CHANGES
                else filter(None, (other.output_format.path,))
            )
        )

    def _called(self, name: str, siblings: Siblings) -> list[Brief]:
        live = [
            s.filed.brief
            for s in self._world.briefs.values()
            if s.filed.id == name or s.filed.id.rpartition("-")[0] == slug(name)
        ]
        sibling = siblings.get(slug(name))
        return [*live, sibling] if sibling else live

    def _near(self, missing: list[Input]) -> tuple[str, ...]:
        """Returns existing paths that look like a missing one: its neighbours in the same folder."""
        found: dict[str, None] = {}
        for item in missing:
            if is_glob(item.value):
                continue
            folder, _, name = item.value.rpartition("/")
            entry = self._objects.entry(self._tree, RepoPath(folder))
            if entry is None or not entry.is_tree:
                continue
            names = list(self._objects.listing(entry.oid))
            for near in difflib.get_close_matches(name, names, n=_NEAR_MAX, cutoff=0.6):
                found[f"{folder}/{near}" if folder else near] = None
        return tuple(found)

    def _special(self, brief: Brief) -> dict[str, str]:
        found = {}
        wanted = [*brief.scope_in, *filter(None, (brief.output_format.path,))]
        for named in wanted:
            kind = self._kind(literal_folder(named), is_file=not is_glob(named))
            if kind:
                found[named] = kind
        return found

    def _kind(self, path: RepoPath, *, is_file: bool) -> str | None:
        parts = path.split("/") if path else []
        for end in range(1, len(parts) + 1):
            entry = self._objects.entry(self._tree, RepoPath("/".join(parts[:end])))
            if entry is None:
                return None
            if entry.mode == "160000":
                return "submodule"
            if end == len(parts) and is_file and entry.mode.startswith("100"):
                return "lfs" if self._objects.content(entry.oid)[:200].startswith(_LFS) else None
        return None

    def _dependency(
        self, name: str, brief: Brief, siblings: Siblings, refused: frozenset[str]
    ) -> str | None:
        """Returns what is wrong with coming after `name`, or None."""
        circle = self._circle(name, brief, siblings)
        if circle:
            return " -> ".join(circle)
        if slug(name) in refused:
            return "ended"
        if slug(name) in siblings:
            return None
        place = place_of(name, self._world)
        if place is None:
            there = self.find(BriefId(name))
            place = there.here.place if there else None
        if place is None:
            return "unknown"
        return "ended" if place is Place.REJECTED else None

    def _circle(self, first: str, brief: Brief, siblings: Siblings) -> tuple[str, ...] | None:
        """Returns the way from the brief back to itself, when `first` leads there."""
        me = slug(brief.name)
        seen: set[str] = set()
        ways: list[tuple[str, ...]] = [(brief.name, first)]
        while ways:
            way = ways.pop()
            name = way[-1]
            if slug(name) == me:
                return way
            if slug(name) in seen:
                continue
            seen.add(slug(name))
            ways += [
                (*way, after) for other in self._called(name, siblings) for after in other.after
            ]
        return None

    def _read(self, brief: BriefId, place: Place, folder: Oid) -> Known:
        files = self._objects.listing(folder)
        text, planned, said = (files.get(name) for name in (BRIEF_FILE, PLAN_FILE, REPLY_FILE))
        reply = reply_text.parse(self._objects.content(said.oid)) if said else None
        plan = _plan(self._objects.content(planned.oid)) if planned else None
        name = (plan.name if plan else "") or (reply.name if reply else "")
        name = name or brief.rpartition("-")[0]
        content = self._objects.content(text.oid) if text else b""
        parsed = parse(content, name=name) if text else None
        value = parsed if isinstance(parsed, Brief) else None
        told = reply.digest if reply else ""
        digest = identify_text(name, content).digest if value else Digest(told)
        return Known(
            here=Here(brief, place, text.oid if text else None, folder),
            digest=digest,
            name=name,
            brief=value,
            plan=plan,
            reply=reply,
        )


def _known(filed: Filed) -> Known:
    has_text = bool(filed.blob.strip("0"))
    return Known(
        here=Here(filed.id, filed.place, filed.blob if has_text else None, filed.folder),
        digest=filed.digest,
        name=filed.brief.name,
        brief=filed.brief if has_text else None,
        plan=filed.plan,
        reply=filed.reply,
    )


def _plan(content: bytes) -> Plan | None:
    try:
        return Plan.model_validate_json(content)
    except ValueError:
        return None
