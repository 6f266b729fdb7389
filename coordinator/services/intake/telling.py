"""What the one who asked is told in `.replies/`: the state of the brief, its reasons and its questions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from coordinator.domain.brief_text import identify_text
from coordinator.domain.names import BriefId, Oid, Place
from coordinator.domain.request import Drop, Request
from coordinator.domain.world import World
from coordinator.ports import Objects

from .looking import Known, Look


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One reply: for programs, and for people."""

    fields: Mapping[str, Any]
    text: str


def reply_fields(
    request: Request, world: World, *, objects: Objects | None = None
) -> dict[str, Any]:
    """Returns the fields of the reply to a request; `objects` lets it see briefs that have ended."""
    brief = _about(request)
    found: dict[str, Any] = {"schema": 1, "id": brief}
    sighting = world.briefs.get(brief)
    if sighting is None and objects is None:
        return found
    if objects is not None and (known := Look(world, objects).find(brief)):
        return {**found, **_said(known)}
    if sighting and sighting.filed.reply:
        found["questions"] = [asdict(q) for q in sighting.filed.reply.questions]
        found["reasons"] = list(sighting.filed.reply.reasons)
    return found


def reply_text(request: Request, why: str, *, state: str, world: World, objects: Objects) -> str:
    """Returns what people are told of a request: what became of it, then what the branch says of the brief."""
    brief = _about(request)
    known = Look(world, objects).find(brief)
    said = known.reply.text if known and known.reply else ""
    return "\n\n".join(filter(None, (f"{brief or request.origin.name}: {state}", why, said)))


def refreshed(fields: Mapping[str, Any], world: World, *, objects: Objects) -> Told | None:
    """Returns the reply as it has to be now; None when it says the right thing already."""
    brief = fields.get("id")
    known = Look(world, objects).find(BriefId(brief)) if isinstance(brief, str) and brief else None
    if known is None:
        return None
    fresh = {**fields, **_said(known)}
    if fresh == dict(fields):
        return None
    text = known.reply.text if known.reply and known.reply.text else ""
    return Told(fields=fresh, text=f"{known.id}: {known.state.value}\n\n{text}".strip())


def folder_of(
    fields: Mapping[str, Any], world: World, *, objects: Objects
) -> tuple[Place, Oid] | None:
    """Returns the folder that a reply speaks of: `refreshed` says the same for as long as it is the same."""
    brief = fields.get("id")
    if not isinstance(brief, str) or not brief:
        return None
    return Look(world, objects).folder(BriefId(brief))


def _about(request: Request) -> BriefId:
    if isinstance(request, Drop):
        return identify_text(request.name, request.text).id
    return request.brief


def _said(known: Known) -> dict[str, Any]:
    reply = known.reply
    return {
        "state": known.state.value,
        "reasons": list(reply.reasons) if reply else [],
        "faults": [asdict(f) for f in reply.faults] if reply else [],
        "questions": [_plain(asdict(q)) for q in reply.questions] if reply else [],
    }


def _plain(question: dict[str, Any]) -> dict[str, Any]:
    return {**question, "choices": list(question["choices"])}
