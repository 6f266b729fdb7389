"""What happens when nobody is killed, written down: every writing port call in order, and what comes of it."""

import functools
import json
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from coordinator.adapters.faults import points
from tests.support.elsewhere import COURSES, Course, Ran, attempts, courses, files, made, records
from tests.support.elsewhere_scenarios import SCENARIOS
from tests.support.recording import drive

_LOOKS = ("inbox.waiting",)  # with every tick, and it writes with the first alone


def undisturbed(scenario: str, folder: Path) -> Course:
    """Returns the course of a scenario, with a coordinator that runs in this process."""
    calls, events = [], list[dict[str, Any]]()
    for stage in range(SCENARIOS[scenario].stages):
        place = folder / str(stage)
        place.mkdir()
        clone = made(scenario, stage, place)
        listing = _Listing()
        events += drive(clone.repo, listing.around)
        calls.append(listing.calls)
    assert clone.place() == "done", clone.log()
    return Course(
        calls=calls,
        started=dict(Ran(0, events, "").started()),
        records=records(clone),
        attempts=sorted(said for said, _ in attempts(clone).values()),
        files=files(clone),
    )


def write(found: dict[str, Course]) -> None:
    """Writes the courses down."""
    said = {name: asdict(course) for name, course in {**courses(), **found}.items()}
    COURSES.write_text(json.dumps(said, indent=1) + "\n")


class _Listing:
    """Wraps ports, and notes each writing call as it begins."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._seen: Counter[str] = Counter()
        self._writes = {f"{p.port}.{p.call}" for p in points() if p.writes}
        self._lock = threading.Lock()

    def around(self, name: str, port: Any) -> Any:
        """Returns a port whose writing calls are noted."""
        return _Listed(self, name, port)

    def note(self, call: str) -> None:
        """Notes a call, if it writes."""
        if call in self._writes:
            with self._lock:
                self._seen[call] += 1
                if call not in _LOOKS or self._seen[call] == 1:
                    self.calls.append(f"{call}:{self._seen[call]}")


class _Listed:
    def __init__(self, listing: _Listing, name: str, port: Any) -> None:
        self._listing, self._name, self._port = listing, name, port

    def __getattr__(self, call: str) -> Any:
        found = getattr(self._port, call)
        if not callable(found):
            return found

        @functools.wraps(found)
        def listed(*arguments: Any, **named: Any) -> Any:
            self._listing.note(f"{self._name}.{call}")
            return found(*arguments, **named)

        return listed
