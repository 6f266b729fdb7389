"""Reads kept attempts: package, output, spec and verdict, here or brought from the remote without a ref."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from pydantic import TypeAdapter

from coordinator.desk.kept_attempt import Kept
from coordinator.desk.sources import Archive
from coordinator.domain import attempt_notes, evaluating
from coordinator.domain.attempt import Returned, Spec
from coordinator.domain.errors import MissingObject
from coordinator.domain.names import BriefId, Oid
from coordinator.domain.output import Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.verdict import Verdict
from coordinator.ports import Objects

_ATTEMPTS = "/attempts/"
_VERDICTS = "/verdicts/"
_USUAL_ROOT = "refs/orchestrator"
_VERDICT: TypeAdapter[Verdict] = TypeAdapter(Verdict)


class Kepts:
    """The kept attempts of briefs."""

    def __init__(self, objects: Objects, archive: Archive, *, refs_root: str) -> None:
        self._objects = objects
        self._archive = archive
        self._root = refs_root

    def here(self, brief: BriefId) -> tuple[Kept, ...]:
        """Returns the attempts of `brief` that are kept here, oldest first."""
        attempts = self._archive.here(f"{self._root}{_ATTEMPTS}{brief}/")
        verdicts = self._archive.here(f"{self._root}{_VERDICTS}{brief}/")
        return self._sorted(attempts, verdicts)

    def of(self, brief: BriefId) -> tuple[Kept, ...]:
        """Returns every attempt of `brief`, oldest first; asks the remote only when none is here."""
        kept = self.here(brief)
        if kept:
            return kept
        folders = (f"{self._root}{kind}{brief}" for kind in (_ATTEMPTS, _VERDICTS))
        found = self._archive.there(*folders) or {}
        self.fetch(found)
        return self._sorted(
            {ref: oid for ref, oid in found.items() if _ATTEMPTS in ref},
            {ref: oid for ref, oid in found.items() if _VERDICTS in ref},
        )

    def every(self) -> Mapping[BriefId, tuple[Kept, ...]]:
        """Returns the attempts of all briefs: those kept here, and those that the remote can lend."""
        kinds = [f"{self._root}{kind}" for kind in (_ATTEMPTS, _VERDICTS)]
        found = dict(self._archive.there(*kinds) or {})
        for kind in kinds:
            found |= self._archive.here(kind)
        self.fetch(found)
        briefs: dict[BriefId, dict[str, Oid]] = {}
        for ref, oid in found.items():
            if _ATTEMPTS in ref:
                briefs.setdefault(brief_of_ref(ref), {})[ref] = oid
        return {brief: self._sorted(refs, found) for brief, refs in briefs.items()}

    def _sorted(self, attempts: Mapping[str, Oid], verdicts: Mapping[str, Oid]) -> tuple[Kept, ...]:
        kept = [
            self.read(ref, oid, verdicts.get(ref.replace(_ATTEMPTS, _VERDICTS, 1)))
            for ref, oid in attempts.items()
        ]
        return _evaluated(
            sorted(kept, key=lambda k: (k.spec.round if k.spec else 0, k.number, k.ref))
        )

    def fetch(self, wanted: Mapping[str, Oid]) -> None:
        """Brings the objects of refs that are not here; what the remote lacks stays missing."""
        lacking = [ref for ref, oid in wanted.items() if not self.has(oid)]
        if lacking and not self._archive.bring(lacking):
            for ref in lacking:  # one that is gone must not keep the others away
                self._archive.bring([ref])

    def has(self, oid: Oid) -> bool:
        """Tells whether an object is here."""
        try:
            self._objects.content(oid)
        except MissingObject:
            try:
                self._objects.tree_of(oid)
            except MissingObject:
                return False
        return True

    def placed(self, ref: str) -> str:
        """Returns where a ref that a trailer names stands here: the house may keep them elsewhere."""
        return self._root + ref.removeprefix(_USUAL_ROOT) if ref.startswith(_USUAL_ROOT) else ref

    def verdict_of(self, attempt_ref: str) -> Oid | None:
        """Returns the verdict blob beside an attempt, asking the remote when it is not here."""
        ref = attempt_ref.replace(_ATTEMPTS, _VERDICTS, 1)
        oid = self._archive.here(ref).get(ref)
        if oid is not None:
            return oid
        found = self._archive.there(ref.rpartition("/")[0]) or {}
        if ref in found:
            self.fetch({ref: found[ref]})
        return found.get(ref)

    def read(self, ref: str, commit: Oid, verdict: Oid | None) -> Kept:
        """Returns one attempt; a part that is missing or of a newer format is None."""
        try:
            files = self._objects.listing(self._objects.tree_of(commit))
        except MissingObject:
            files = {}
        package, output, spec = (
            files.get(f"{name}.json") for name in ("package", "output", "spec")
        )
        judged = _verdict(self._content(verdict))
        return Kept(
            ref=ref,
            commit=commit,
            spec=_spec(self._content(spec.oid if spec else None)),
            output=_output(self._content(output.oid if output else None)),
            verdict=judged,
            effective=judged,
            verdict_oid=verdict,
            package_oid=package.oid if package else None,
            output_oid=output.oid if output else None,
        )

    def package(self, kept: Kept) -> ContextPackage | None:
        """Returns what the worker was told."""
        content = self._content(kept.package_oid)
        try:
            return ContextPackage.model_validate_json(content) if content else None
        except ValueError:
            return None

    def wanted_path(self, kept: Kept) -> str | None:
        """Returns where the package wanted a report to be written."""
        package = self.package(kept)
        return package.constraints.output_format.path if package else None

    def _content(self, oid: Oid | None) -> bytes:
        try:
            return self._objects.content(oid) if oid else b""
        except MissingObject:
            return b""


def _evaluated(kept: Iterable[Kept]) -> tuple[Kept, ...]:
    """Returns the same with the verdict that counts of each, by the evaluations among them."""
    found = tuple(kept)
    whole = {
        k.ref: Returned(
            spec=k.spec, commit=k.commit, output=k.output, result=None, verdict=k.verdict
        )
        for k in found
        if k.spec is not None and k.output is not None
    }
    by_round: dict[int, list[Returned]] = {}
    for attempt in whole.values():
        by_round.setdefault(attempt.spec.round, []).append(attempt)
    return tuple(
        replace(
            k,
            effective=evaluating.combined(one, by_round[one.spec.round]),
            superseded=attempt_notes.is_superseded(one, by_round[one.spec.round]),
        )
        if (one := whole.get(k.ref)) is not None
        else k
        for k in found
    )


def brief_of_ref(ref: str) -> BriefId:
    """Returns the brief of the ref of an attempt or a verdict."""
    return BriefId(ref.rpartition("/")[0].rpartition("/")[2])


def _spec(content: bytes) -> Spec | None:
    try:
        return Spec.model_validate_json(content) if content else None
    except ValueError:
        return None


def _output(content: bytes) -> Output | None:
    try:
        return Output.model_validate_json(content) if content else None
    except ValueError:
        return None


def _verdict(content: bytes) -> Verdict | None:
    try:
        return _VERDICT.validate_json(content) if content else None
    except ValueError:
        return None
