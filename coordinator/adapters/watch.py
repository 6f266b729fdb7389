"""Wakes the daemon when something happens in a folder; the interval covers what it misses."""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from watchdog.events import (
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

SETTLED_S = 0.3  # a little longer than the inbox watches a file before it reads it

# Not the events of opening and reading: our own looks would wake us for ever.
_EVENTS: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
]

_log = logging.getLogger(__name__)


def watch(folders: Iterable[Path], wake: Callable[[], None]) -> Callable[[], None]:
    """Calls `wake` at every change of a file in `folders`, and once more when it has settled.

    Returns what ends it. Where the system has no more watches it says so once, and the interval is all.
    """
    bell = _Bell(wake)
    try:
        # The constructor takes an inotify instance already; none left is an OSError like no watch left.
        observer = Observer()
    except OSError as error:
        return _without(bell, error)
    try:
        for folder in folders:
            if folder.is_dir():
                observer.schedule(bell, str(folder), event_filter=_EVENTS)
        observer.start()
    except OSError as error:
        observer.unschedule_all()
        return _without(bell, error)

    def close() -> None:
        bell.close()
        observer.stop()
        observer.join()

    return close


def _without(bell: "_Bell", error: OSError) -> Callable[[], None]:
    _log.warning(
        "cannot watch folders, looking at intervals only why=%s"
        " hint=raise fs.inotify.max_user_watches and max_user_instances",
        error,
    )
    return bell.close


class _Bell(FileSystemEventHandler):
    """Rings at once, and again after the files have had time to settle."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._later: threading.Timer | None = None
        self._again = False  # something happened since the timer was set
        self._closed = False

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Rings for files that do not begin with a dot: those are ours or an editor's."""
        name = PurePath(str(event.dest_path or event.src_path)).name
        if name.startswith("."):
            return
        with self._lock:
            if self._closed:
                return
            if self._later is None:
                self._set_timer()
            else:
                self._again = True
        self._wake()

    def close(self) -> None:
        """Rings no more."""
        with self._lock:
            self._closed = True
            if self._later is not None:
                self._later.cancel()

    def _set_timer(self) -> None:
        self._again = False
        self._later = threading.Timer(SETTLED_S, self._settled)
        self._later.daemon = True
        self._later.start()

    def _settled(self) -> None:
        with self._lock:
            self._later = None
            if self._closed:
                return
            if self._again:
                self._set_timer()
        self._wake()
