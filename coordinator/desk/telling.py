"""The telling half of the desk: one brief, one commit or all the money, gone into as deep as it goes.

What only some commands need is imported where it is used, as in the viewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coordinator.desk.past import Forgetful, Past, read_past
from coordinator.desk.viewer import Viewer
from coordinator.domain.errors import BriefError, MissingObject, RepositoryError
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.record import parse
from coordinator.domain.saying import SeenCommit
from coordinator.domain.status import Link

if TYPE_CHECKING:
    from coordinator.desk.story import Stories, Story
    from coordinator.domain.expenses import Bill, By
    from coordinator.ports import SecretScan
    from coordinator.services.intake import Assessment


class Teller(Viewer):
    """A view that also reads what a list leaves out."""

    def show(self, brief: BriefId) -> Story | None:
        """Returns the story of a brief; None while it is only a file in the inbox."""
        shelved = self._shelved(brief)
        return self._stories().of(shelved) if shelved else None

    def result(self, brief: BriefId) -> bytes:
        """Returns the bytes of its report. Raises BriefError when there is none."""
        shelved = self._shelved(brief)
        if shelved is None:
            raise BriefError(f"{brief}: not accepted yet, so it has no result", hint="wait for it")
        return self._stories().result(shelved)

    def package(self, brief: BriefId, number: int) -> bytes:
        """Returns the stored package of an attempt, as it is. Raises BriefError when there is none."""
        kept = next(
            (one for one in reversed(self._kepts().of(brief)) if one.number == number), None
        )
        oid = kept.package_oid if kept else self._package_here(brief, number)
        if oid is None:
            raise BriefError(
                f"{brief}: no package of an attempt {number} is kept",
                hint=f"`coordinator show {brief}` lists its attempts",
            )
        try:
            return self._objects.content(oid)
        except MissingObject as error:
            raise BriefError(
                f"{brief}: the package of attempt {number} ({oid}) is not here any more",
                hint="only what returned something is kept for good",
            ) from error

    def cost(self, by: By) -> Bill:
        """Returns what everything that was tried has cost, and how much of it is still in HEAD."""
        from coordinator.desk import spending  # noqa: PLC0415  see above
        from coordinator.desk.surviving import Surviving  # noqa: PLC0415
        from coordinator.domain import expenses  # noqa: PLC0415

        if self.tip is None:
            return expenses.bill((), by=by, landed=(), questions={})
        trail = spending.read(self._history.commits(None, self.tip))
        surviving = Surviving(self._objects, tip=self.tip, paths=self.policy.paths)
        stands = {
            brief: parent is not None and surviving.is_in_head(brief, landing, parent)
            for brief, landing in trail.landings
            for parent in (self._history.parent(landing),)
        }
        asked: dict[BriefId, int] = {}
        for said in self._past().sayings:
            for brief in said.briefs if said.questions else ():
                asked[brief] = asked.get(brief, 0) + said.questions
        return expenses.bill(
            spending.expenses(
                trail, self._kepts().every(), trials=self._trials(), policy=self.policy
            ),
            by=by,
            landed=spending.landed(trail, stands),
            questions=asked,
        )

    def audit(self, revision: str) -> tuple[SeenCommit, tuple[Link, ...]]:
        """Walks a commit back to who asked. Raises RepositoryError for a commit that is not ours."""
        from coordinator.desk.auditing import Audit  # noqa: PLC0415  see above

        commit = self._history.commit(revision)
        if commit is None:
            raise RepositoryError(
                f"no commit is called {revision!r} here",
                hint="`git fetch` first, or use its whole id",
            )
        walk = Audit(
            objects=self._objects,
            history=self._history,
            kept=self._kepts(),
            past=self._past_with(commit),
            paths=self.policy.paths,
        )
        return commit, walk.walk(commit)

    def check(self, name: str, text: bytes, *, secrets: SecretScan) -> Assessment:
        """Returns what intake would say about a brief. Raises RepositoryError without a commit."""
        from coordinator.desk.judging import judge  # noqa: PLC0415  the rules of intake are slow to load

        if self.tip is None:
            raise RepositoryError(
                "there is no commit to check it against", hint="make the first one"
            )
        return judge(
            name,
            text,
            tip=self.tip,
            shelf=self._shelf,
            objects=self._objects,
            policy=self.policy,
            secrets=secrets,
            dropped=self._parts.dropped.briefs() if self._parts.dropped else (),
        )

    # -- helpers

    def _package_here(self, brief: BriefId, number: int) -> Oid | None:
        """Returns the package of an attempt that runs here, or returned nothing."""
        journal = self._parts.journal() if self._parts.journal is not None else None
        begun = journal.begun() if journal is not None else ()
        mine = (spec for spec, _ in begun if spec.id.brief == brief and spec.id.number == number)
        return next((spec.package for spec in mine), None)

    def _stories(self) -> Stories:
        from coordinator.desk.story import Stories  # noqa: PLC0415  see above

        assert self.tip is not None
        return Stories(
            objects=self._objects,
            history=self._history,
            kept=self._kepts(),
            shelf=self._shelf,
            past=self._past(),
            tip=self.tip,
            paths=self.policy.paths,
            trials=self._trials(),
            refs_root=self._root,
        )

    def _past_with(self, commit: SeenCommit) -> Past:
        """Returns the history of the tip, or of a commit that is not in it (another branch)."""
        past = self._past()
        if parse(commit.message) is None or any(s.oid == commit.oid for s in past.sayings):
            return past
        return read_past(self._history, self._objects, Forgetful(), commit.oid)
