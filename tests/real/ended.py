"""How the attempts of a site ended, lost ones included: `show` tells of those that returned something."""

import json
import re
import sqlite3
from collections.abc import Mapping

from tests.support.worked import Worked

_LOST = re.compile(r"attempt lost brief=\S+ attempt=(\d+): (.*)")
_JUDGED = re.compile(r"judged brief=\S+ attempt=(\d+) verdict=(\w+)")


def endings(made: Worked) -> Mapping[int, str]:
    """Returns for each attempt its verdict, or why it was lost."""
    log = (made.site.repo / ".orchestrator/run/daemon.log").read_text()
    return {int(n): how for line in (_LOST, _JUDGED) for n, how in line.findall(log)}


def costs(made: Worked) -> list[float | None]:
    """Returns what each attempt cost, oldest first."""
    with sqlite3.connect(made.site.repo / ".orchestrator/run/journal.sqlite3") as journal:
        rows = journal.execute("SELECT said FROM spend ORDER BY number").fetchall()
    return [json.loads(said)["cost_usd"] for (said,) in rows]
