"""One attempt as its refs keep it, in the words of everybody who tells of it."""

from dataclasses import dataclass

from coordinator.domain.attempt import SUPERSEDED, Spec
from coordinator.domain.checklist import Judged
from coordinator.domain.effort import Tried
from coordinator.domain.names import Oid
from coordinator.domain.output import CouldNot, Output
from coordinator.domain.status import AttemptStatus
from coordinator.domain.verdict import Accept, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One attempt as its refs say. What cannot be read is None."""

    ref: str
    commit: Oid
    spec: Spec | None
    output: Output | None
    verdict: Verdict | None
    verdict_oid: Oid | None
    package_oid: Oid | None
    output_oid: Oid | None
    effective: Verdict | None = None  # the verdict with what evaluators said of it
    superseded: bool = False  # nobody judges it: another attempt beside it was accepted first

    @property
    def is_authored(self) -> bool:
        """Tells whether it is an attempt at a task itself, and not one that judges another."""
        return self.spec is None or self.spec.role == "author"

    @property
    def is_accepted(self) -> bool:
        """Tells whether its output is good enough, by all that is known of it."""
        return self.is_authored and isinstance(self.effective, Accept)

    @property
    def number(self) -> int:
        """Returns the number that trailers carry."""
        return self.spec.id.number if self.spec else int(self.ref.rpartition("-")[2] or 0)

    def status(self) -> AttemptStatus:
        """Returns it in the words of the contract."""
        return AttemptStatus(
            n=self.number,
            worker=str(self.spec.profile) if self.spec else "",
            verdict=self.effective.verdict if self.effective else "none",
            reasons=self.reasons(),
            package_oid=self.package_oid,
            output_oid=self.output_oid,
            confinement=self.output.confinement if self.output else "none",
            cost_usd=self.output.usage.cost_usd if self.output else None,
            ref=self.ref,
            oid=self.commit,
            task=str(self.spec.task) if self.spec else "",
            role=self.spec.role if self.spec else "author",
            about=self.spec.about if self.spec else None,
            model=self.spec.model if self.spec else "",
            tokens_in=self.output.usage.tokens_in if self.output else None,
            tokens_out=self.output.usage.tokens_out if self.output else None,
        )

    def tried(self) -> Tried:
        """Returns what it took and came to, for the effort of its brief."""
        used = self.output.usage if self.output else None
        return Tried(
            number=self.number,
            task=str(self.spec.task) if self.spec else None,
            round=self.spec.round if self.spec else 0,
            role=self.spec.role if self.spec else "author",
            tokens=used.tokens_in + used.tokens_out if used else None,
            usd=used.cost_usd if used else None,
            verdict=self.effective,
        )

    def judged(self) -> Judged:
        """Returns what its verdict found, for the checklist."""
        return Judged(
            oid=self.commit,
            accepted=self.is_accepted,
            findings=self.effective.findings if self.effective else (),
        )

    def reasons(self) -> tuple[str, ...]:
        """Returns why it was not accepted, or what an accepted one leaves open."""
        verdict = self.effective
        if self.superseded:
            return (SUPERSEDED,)
        if verdict is None:
            body = self.output.body if self.output else None
            return (f"{body.why}: {body.text}",) if isinstance(body, CouldNot) else ()
        if isinstance(verdict, Accept):
            return tuple(
                f"{f.criterion}: {f.evidence}" for f in verdict.findings if f.met is not True
            )
        return verdict.feedback or tuple(f.evidence for f in verdict.findings if f.met is False)
