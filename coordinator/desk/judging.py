"""Asks intake what it would say about a brief, over a world of what the tip holds and nothing under way."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from coordinator.desk.shelf import Shelf
from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import identify, parse
from coordinator.domain.names import ZERO, BriefId, Epoch, Oid, Place
from coordinator.domain.note import BRIEF_FILE, PLAN_FILE, REPLY_FILE
from coordinator.domain.plan import Plan
from coordinator.domain.policy import Policy
from coordinator.domain.status import Shelved
from coordinator.domain.world import Filed, Sighting, World
from coordinator.ports import Objects, SecretScan
from coordinator.services.intake import Assessment, assess


def judge(
    name: str,
    text: bytes,
    *,
    tip: Oid,
    shelf: Shelf,
    objects: Objects,
    policy: Policy,
    secrets: SecretScan,
    dropped: Iterable[tuple[str, bytes]],
) -> Assessment:
    """Returns what intake says about `text` at `tip`, beside the briefs that wait in the inbox."""
    siblings: dict[str, Brief] = {}
    for other, content in dropped:
        brief = parse(content, name=other)
        if other != name and isinstance(brief, Brief):
            siblings[other] = brief
    return assess(
        name,
        text,
        world_of(tip, shelf=shelf, objects=objects, policy=policy),
        objects=objects,
        secrets=secrets,
        siblings=siblings,
    )


def world_of(tip: Oid, *, shelf: Shelf, objects: Objects, policy: Policy) -> World:
    """Returns what a tick would see at `tip` with nothing under way."""
    shelved = shelf.all(tip)
    live = [one for one in shelved if not one.place.terminal]
    briefs = {
        one.id: _sighting(_filed(one, tip, shelf=shelf, objects=objects), order)
        for order, one in enumerate(live)
    }
    bare = World.at(tip, policy, epoch=Epoch("desk"))
    return replace(bare, briefs=briefs, terminal=_terminal(shelved))


def _terminal(shelved: Iterable[Shelved]) -> Mapping[BriefId, Place]:
    return {one.id: one.place for one in shelved if one.place.terminal}


def _filed(one: Shelved, tip: Oid, *, shelf: Shelf, objects: Objects) -> Filed:
    files = shelf.folder(tip, one.id, one.place)
    text, planned, said = (files.get(name) for name in (BRIEF_FILE, PLAN_FILE, REPLY_FILE))
    parsed = parse(objects.content(text.oid), name=one.name) if text else None
    brief = parsed if isinstance(parsed, Brief) else Brief(name=one.name)
    return Filed(
        id=one.id,
        place=one.place,
        folder=ZERO,
        blob=text.oid if text else ZERO,
        digest=identify(brief).digest,
        brief=brief,
        plan=Plan.model_validate_json(objects.content(planned.oid)) if planned else None,
        reply=reply_text.parse(objects.content(said.oid)) if said else None,
    )


def _sighting(filed: Filed, order: int) -> Sighting:
    return Sighting(filed=filed, order=order, age_s=0.0, attempts=(), claim=None)
