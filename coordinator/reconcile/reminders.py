"""Says again what has waited for a person for long: an event and a line of the log, never a commit."""

import logging

from coordinator.domain.names import Place
from coordinator.domain.world import World

from .kit import Kit

logger = logging.getLogger(__name__)


def remind(kit: Kit, world: World) -> None:
    """Tells of each brief whenever it has waited for another `remind_s`, by the date of the commit that says so.

    A daemon that starts goes on from there: what was due before counts as said, because nobody knows, and
    `status` says it all the while.
    """
    told = kit.memory.reminded
    for brief in [b for b in tuple(told) if b not in world.briefs]:
        del told[brief]
    for sighting in world.briefs.values():
        filed = sighting.filed
        if filed.place is not Place.WAITING:
            told.pop(filed.id, None)
            continue
        due = int(sighting.waits_s // world.policy.remind_s)
        folder, said = told.get(filed.id, (None, 0))
        told[filed.id] = filed.folder, due
        if folder != filed.folder or due <= said:  # seen for the first time, or told
            continue
        held = (filed.reply.held if filed.reply else None) or "question"
        logger.warning("waits for a human brief=%s held=%s", filed.id, held)
        kit.say(
            {
                "event": "reminder",
                "brief": filed.id,
                "held": held,
                "waits_s": round(sighting.waits_s),
                "hint": f"coordinator show {filed.id}",
            }
        )
