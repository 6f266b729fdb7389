"""Says how pieces of work are coupled at a tip, and puts the tasks of a plan in sequence where they are.

Not a verb: planning asks it, and people do. What it reads of the tree and of the history is bounded.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations, islice

from coordinator.domain import isolation, kinship, plan_edges, relations
from coordinator.domain.brief import Brief, Kind
from coordinator.domain.coupling import Coupling, Reach, coupling
from coordinator.domain.names import Oid, RecordPaths, RepoPath, TaskId
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.tasks import brief_of
from coordinator.domain.together import Together
from coordinator.domain.tree import literal_folder, matches
from coordinator.ports import CoChange, Objects

FILES_MAX = 200_000  # of a tree
READ_MAX = 1_000  # files whose imports and links are read
CHARS_MAX = 20_000_000  # of all of them
COMPANY_MAX = 200  # files that changed with one, of which each is weighed
KIN_MAX = 100


def isolated(
    plan: Plan,
    brief: Brief,
    *,
    tip: Oid,
    policy: Policy,
    objects: Objects,
    past: CoChange,
    done: frozenset[TaskId] = frozenset(),
) -> Plan:
    """Returns the plan with coupled tasks in sequence, and the numbers of each choice in its notes.

    Tasks that are `done` come first of two that are coupled, and get no order among themselves.
    """
    pairs = isolation.unordered(plan, done)
    if not pairs:
        return plan
    ground = Ground(tip, paths=policy.paths, objects=objects, past=past)
    reaches = {task.id: ground.reach(brief_of(brief, task)) for task in plan.tasks}
    links = ground.links({file for pair in pairs for one in pair for file in reaches[one].files})
    found = {
        (one, two): coupling(reaches[one], reaches[two], links=links, history=ground.history)
        for one, two in pairs
    }
    ordered = isolation.ordered(plan, found, policy.doctrine.coupling_threshold)
    return plan_edges.drawn(ordered, brief)


class Ground:
    """One tip: its files, their texts, and the history that led to it."""

    def __init__(self, tip: Oid, *, paths: RecordPaths, objects: Objects, past: CoChange) -> None:
        self._objects = objects
        self._tree = objects.tree_of(tip)
        walked = islice(objects.walk(self._tree), FILES_MAX)
        self._files = {str(path): entry.oid for path, entry in walked if not paths.owns(path)}
        self.history = Together(past.touched(tip), ours=paths.owns)

    def reach(self, asked: Brief) -> Reach:
        """Returns the files of what is asked; without a change of files, only the report is written."""
        reads = self.named([one.value for one in asked.inputs if one.kind in ("path", "glob")])
        scope = self.named(asked.scope_in) - self._inside(asked.scope_out)
        if asked.output_format.kind is Kind.CHANGES:
            return Reach(changes=scope, reads=reads)
        written = asked.output_format.path
        return Reach(
            changes=frozenset({str(written)}) if written else frozenset(), reads=scope | reads
        )

    def here(self, pattern: str) -> frozenset[str]:
        """Returns the files that a path or a glob names."""
        return self._inside([pattern])

    def named(self, patterns: Iterable[str]) -> frozenset[str]:
        """Returns the files that paths and globs name; one that is not there yet stands for itself."""
        found: set[str] = set()
        for pattern in patterns:
            hits = self._inside([pattern])
            found |= hits or {str(place) for place in [literal_folder(pattern)] if place}
        return frozenset(found)

    def between(self, sides: Sequence[frozenset[str]]) -> list[tuple[int, int, Coupling]]:
        """Returns how each two of several sets of files are coupled."""
        links = self.links({file for side in sides for file in side})
        return [
            (one, two, self._coupling(sides[one], sides[two], links))
            for one, two in combinations(range(len(sides)), 2)
        ]

    def nearest(self, side: frozenset[str], *, count: int) -> list[tuple[str, Coupling]]:
        """Returns the files that are coupled to `side` most, with the numbers."""
        company = [x for x in self.history.company(side) if x in self._files][:COMPANY_MAX]
        kin = self._kin(side)
        readable = [path for path in self._files if relations.is_readable(path)]
        links = self.links(dict.fromkeys((*sorted(side), *company, *kin, *readable)))
        linked = {x for one in side for x in links.get(one, ())}
        linked |= {one for one, there in links.items() if not side.isdisjoint(there)}
        found = [
            (path, self._coupling(side, frozenset({path}), links))
            for path in dict.fromkeys((*company, *kin, *sorted(linked)))
            if path not in side
        ]
        return sorted(found, key=lambda one: (-one[1].score, one[0]))[:count]

    def links(self, wanted: Iterable[str]) -> dict[str, frozenset[str]]:
        """Returns what files refer to; of very many only the first, in the order of `wanted` or of their names."""
        ordered = sorted(wanted) if isinstance(wanted, set | frozenset) else list(wanted)
        found: dict[str, frozenset[str]] = {}
        chars_left = CHARS_MAX
        for path in ordered:
            if len(found) >= READ_MAX or chars_left <= 0:
                break
            if relations.is_readable(path) and path in self._files:
                text = (self._objects.read(self._tree, RepoPath(path)) or b"").decode(
                    "utf-8", "replace"
                )
                chars_left -= len(text)
                found[path] = relations.targets(path, text, self._files)
        return found

    def _kin(self, side: frozenset[str]) -> list[str]:
        """Returns files with a stem or a folder of one of `side`, those with a stem first."""
        stems = {kinship.stem(path) for path in side} - {""}
        folders = {kinship.folder(path) for path in side}
        same = [path for path in self._files if kinship.stem(path) in stems]
        beside = [path for path in self._files if kinship.folder(path) in folders]
        return [*same[:KIN_MAX], *beside[:KIN_MAX]]

    def _inside(self, patterns: Iterable[str]) -> frozenset[str]:
        wanted = list(patterns)
        return frozenset(
            path for path in self._files if any(matches(path, pattern) for pattern in wanted)
        )

    def _coupling(
        self, one: frozenset[str], two: frozenset[str], links: dict[str, frozenset[str]]
    ) -> Coupling:
        return coupling(Reach(changes=one), Reach(changes=two), links=links, history=self.history)
