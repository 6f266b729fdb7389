"""What intake says about one brief: `brief check` shows it, `judge` acts on it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from coordinator.domain import intake_questions, intake_rules
from coordinator.domain.brief import Brief, Estimate, Fault, Identity, Question
from coordinator.domain.brief_layout import BRIEF_BYTES_MAX, decode
from coordinator.domain.brief_text import identify, identify_text, parse, sections
from coordinator.domain.intake_rules import Facts
from coordinator.domain.names import BriefId, ProfileName, brief_id, slug
from coordinator.domain.world import World
from coordinator.ports import Objects, SecretHit, SecretScan

from .looking import Known, Look, Siblings

Verdict = Literal["accepted", "needs_clarification", "rejected"]

_HASH_CHARS = (8, 12, 16, 24, 32, 64)
_NAMELESS = "brief"
_NAME_CHARS_MAX = 200
_NO_NAME = re.compile(r"\.|.*[/\\\x00-\x1f\x7f\ud800-\udfff]", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The verdict on a text, everything that led to it, and where the same brief is filed already."""

    verdict: Verdict
    identity: Identity
    name: str
    text: str  # LF and UTF-8; '' for what must not be kept
    brief: Brief | None
    profiles: tuple[ProfileName, ...] = ()
    faults: tuple[Fault, ...] = ()
    questions: tuple[Question, ...] = ()
    estimate: Estimate
    duplicate: bool = False
    known: Known | None = None

    @property
    def state(self) -> str | None:
        """Returns the state in which the same brief is already, if it is."""
        return str(self.known.state.value) if self.known else None


def assess(
    name: str,
    text: bytes,
    world: World,
    *,
    objects: Objects,
    secrets: SecretScan,
    siblings: Mapping[str, Brief] | None = None,
) -> Assessment:
    """Returns what intake says about a brief; `siblings` are others in the inbox, by name."""
    others = {slug(other): brief for other, brief in (siblings or {}).items()}
    look = Look(world, objects)
    return Assessor(world, look, secrets).assess(name, text, siblings=others)


class Assessor:
    """Assesses briefs against one world."""

    def __init__(self, world: World, look: Look, secrets: SecretScan) -> None:
        self._world = world
        self._look = look
        self._secrets = secrets

    def assess(
        self,
        name: str,
        text: bytes,
        *,
        siblings: Siblings,
        refused: frozenset[str] = frozenset(),
    ) -> Assessment:
        """Returns what is said about a text that was dropped under `name`.

        `refused` are siblings that were rejected in the same go: nobody can come after them.

        The same brief is a duplicate (rule I1). One that intake refused, or asked about, is weighed again:
        what was missing may be there now.
        """
        safe = _NAMELESS if self._secrets.scan(name) else name
        identity, known = self._identity(safe, text)
        if known is None:
            return self.weigh(safe, text, identity=identity, siblings=siblings, refused=refused)
        if known.is_refused_by_intake or known.is_asked_by_intake:
            said = self.weigh(safe, text, identity=identity, siblings=siblings, refused=refused)
            return _known_already(said, known)
        return Assessment(
            verdict="rejected",
            identity=identity,
            name=safe,
            text="",
            brief=None,
            faults=(_duplicate(known),),
            estimate=_nothing(),
            duplicate=True,
            known=known,
        )

    def weigh(
        self,
        name: str,
        text: bytes,
        *,
        identity: Identity,
        siblings: Siblings,
        refused: frozenset[str] = frozenset(),
    ) -> Assessment:
        """Returns what the rules say about a text, whether or not it is filed."""
        plain = decode(text)
        hits = self._hits(text)
        brief = parse(text, name=name)
        bad = _name_faults(name)
        if hits:
            # Nothing of such a text may be quoted, and other messages may quote it.
            return _refused(name, identity, tuple(_secret(hit) for hit in hits))
        if isinstance(brief, tuple) or isinstance(plain, tuple):
            return _refused(name, identity, (*bad, *(brief if isinstance(brief, tuple) else ())))
        policy = self._world.policy
        facts = self._look.facts(brief, siblings=siblings, refused=refused)
        faults = intake_rules.faults(
            brief, chars=len(plain), facts=facts, policy=policy, lines=sections(plain)
        )
        faults = (*bad, *faults)
        questions = intake_questions.questions(brief, facts=facts, policy=policy)
        return Assessment(
            verdict="rejected" if faults else "needs_clarification" if questions else "accepted",
            identity=identity,
            name=name,
            text=plain,
            brief=brief,
            profiles=intake_rules.profiles_of(brief, policy),
            faults=faults,
            questions=questions,
            estimate=intake_rules.estimate(brief, chars=len(plain), facts=facts, policy=policy),
        )

    def has_secret(self, text: str) -> bool:
        """Tells whether a text that would be committed looks like it holds a secret."""
        return bool(self._secrets.scan(text))

    def _hits(self, text: bytes) -> tuple[SecretHit, ...]:
        if len(text) > BRIEF_BYTES_MAX:
            return ()  # refused for its size: it is never kept
        return self._secrets.scan(text.decode("utf-8", "replace").replace("\r\n", "\n"))

    def _identity(self, name: str, text: bytes) -> tuple[Identity, Known | None]:
        """Returns the id of a text, with a longer hash where another brief has the short one."""
        identity = identify_text(name, text)
        for chars in _HASH_CHARS:
            identity = Identity(
                id=brief_id(name, identity.digest, hash_chars=chars), digest=identity.digest
            )
            known = self._look.find(identity.id)
            if known is None or not _another(known, identity):
                return identity, known
        return identity, self._look.find(identity.id)


def reidentified(brief_id_: BriefId, brief: Brief) -> Identity:
    """Returns the identity of a brief whose text was completed: the id stays, the digest follows."""
    return Identity(id=brief_id_, digest=identify(brief).digest)


def _another(known: Known, identity: Identity) -> bool:
    """Tells whether a filed brief has this id by its own digest, and not because it was completed."""
    short = identity.id.rpartition("-")[2]
    own = known.digest.removeprefix("sha256:")
    return bool(own) and own.startswith(short) and known.digest != identity.digest


def _known_already(said: Assessment, known: Known) -> Assessment:
    return Assessment(
        verdict=said.verdict,
        identity=said.identity,
        name=said.name,
        text=said.text,
        brief=said.brief,
        profiles=said.profiles,
        faults=said.faults,
        questions=said.questions,
        estimate=said.estimate,
        duplicate=True,
        known=known,
    )


def _refused(name: str, identity: Identity, faults: tuple[Fault, ...]) -> Assessment:
    return Assessment(
        verdict="rejected",
        identity=identity,
        name=name,
        text="",
        brief=None,
        faults=faults,
        estimate=_nothing(),
    )


def _nothing() -> Estimate:
    return Estimate(seconds=0.0, tokens=0, cost_usd=None)


def _duplicate(known: Known) -> Fault:
    state = known.state.value.replace("_", " ")
    message = f"the same brief is there already: {known.id}, {state}"
    hint = "change it, or set `again: 1` in its front matter to have it done once more"
    return _fault("duplicate", 0, message, hint)


def _secret(hit: SecretHit) -> Fault:
    message = f"this line looks like it holds a secret ({hit.kind})"
    return _fault("secret", hit.line, message, "take it out, and change it if it is real")


def _name_faults(name: str) -> tuple[Fault, ...]:
    if name.strip() and len(name) <= _NAME_CHARS_MAX and not _NO_NAME.match(name):
        return ()
    message = "a brief cannot have this name"
    hint = "use letters, digits, '-' and '_', and no '.' at the start and no '/'"
    return (_fault("bad-name", 0, message, hint),)


def _fault(code: str, line: int, message: str, hint: str) -> Fault:
    return Fault(code=code, line=line, section="", message=message, hint=hint)


__all__ = ["Assessment", "Assessor", "Facts", "assess", "reidentified"]
