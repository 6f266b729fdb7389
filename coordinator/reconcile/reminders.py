"""Says again what has waited for a person for long: an event and a line of the log, never a commit."""

import logging

from coordinator.domain.names import Place
from coordinator.domain.world import World

from .kit import Kit

logger = logging.getLogger(__name__)


def remind(kit: Kit, world: World) -> None:
    """Tells of each brief that has waited for `remind_s` since this daemon saw it begin to, and as long again."""
    told = kit.memory.reminded
    for brief in [b for b in tuple(told) if b not in world.briefs]:
        del told[brief]
    for sighting in world.briefs.values():
        filed = sighting.filed
        if filed.place is not Place.WAITING:
            told.pop(filed.id, None)
            continue
        # A wait that began anew is younger than what was told of the one before.
        since_s = world.now_s - sighting.age_s
        last_s = max(told.get(filed.id, since_s), since_s)
        if world.now_s - last_s < world.policy.remind_s:
            continue
        told[filed.id] = world.now_s
        held = (filed.reply.held if filed.reply else None) or "question"
        logger.warning("waits for a human brief=%s held=%s", filed.id, held)
        kit.say(
            {
                "event": "reminder",
                "brief": filed.id,
                "held": held,
                "waits_s": round(sighting.age_s),
                "hint": f"coordinator show {filed.id}",
            }
        )
