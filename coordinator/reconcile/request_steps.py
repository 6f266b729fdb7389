"""Steps that take in what was dropped, and tell those who dropped it what became of it."""

from collections.abc import Sequence

from coordinator.domain.request import Request
from coordinator.domain.world import World
from coordinator.ports import Lane
from coordinator.services import intake as intake_service

from . import plan_steps, remote_steps
from .kit import Kit, Told


def intake(kit: Kit, requests: Sequence[Request], world: World) -> None:
    """Judges what was dropped: notes to publish, or a reply where there is nothing to write down."""
    decisions = intake_service.judge(
        requests,
        world,
        objects=kit.ports.objects,
        secrets=kit.ports.secrets,
        timestamp=kit.ports.clock.timestamp(),
        isolate=plan_steps.isolate(kit, world),
    )
    for decision in decisions:
        name = decision.request.origin.name
        match decision:
            case intake_service.Record(note=note):
                kit.memory.pending[note.key] = note
                kit.memory.later.pop(name, None)
            case intake_service.Ignore(request=request, why=why, state=state):
                _dealt_with(kit, request, why=why, state=state, world=world)
            case intake_service.Later(request=request, why=why):
                if kit.memory.later.get(name) != why:
                    _left_there(kit, request, why)
                kit.memory.later[name] = why


def tell(kit: Kit, world: World) -> None:
    """Brings the replies in the inbox folder up to what the branch says.

    There is one for everything ever asked here, so those of briefs that stayed as they were are not looked
    at again.
    """
    objects, told = kit.ports.objects, dict[str, Told]()
    for name, fields in kit.ports.inbox.replies().items():
        told[name] = intake_service.folder_of(fields, world, objects=objects), fields
        if told[name] == kit.memory.told.get(name):
            continue
        fresh = intake_service.refreshed(fields, world, objects=objects)
        if fresh is not None:
            kit.ports.inbox.reply(name, fields=fresh.fields, text=fresh.text)
    kit.memory.told = told
    kit.memory.told_tip = world.tip


def _dealt_with(kit: Kit, request: Request, *, why: str, state: str, world: World) -> None:
    source = request.origin.source
    if source == "branch":
        kit.ports.lanes.start(
            Lane.REMOTE,
            f"remove:{request.origin.name}",
            lambda: remote_steps.remove_request(kit, request),
        )
    elif source == "folder":
        fields = intake_service.reply_fields(request, world, objects=kit.ports.objects)
        text = intake_service.reply_text(
            request, why, state=state, world=world, objects=kit.ports.objects
        )
        kit.ports.inbox.reply(
            _reply_name(request), fields={"state": state, **fields, "why": why}, text=text
        )
        kit.ports.inbox.remove(request, keep=state == "rejected")
    elif source == "plan":
        kit.memory.later[request.origin.name] = why  # the line is its author's to change


def _left_there(kit: Kit, request: Request, why: str) -> None:
    """Tells who dropped it why it is still in the inbox."""
    if request.origin.source == "folder":
        fields = {"state": "submitted", "reasons": [why], "why": why}
        kit.ports.inbox.reply(
            _reply_name(request), fields=fields, text=f"{request.origin.name}: submitted\n\n{why}"
        )


def _reply_name(request: Request) -> str:
    name = request.origin.name
    return name.rpartition(".")[0] if "." in name else name
