"""The inbox folder: requests are files that have stopped growing; answers stand in .replies/."""

import contextlib
import json
import logging
import os
import stat
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from coordinator.adapters import inbox_files
from coordinator.adapters.inbox_files import ReadRefused, Signature
from coordinator.domain.errors import BriefError, RepositoryError
from coordinator.domain.names import digest
from coordinator.domain.request import Origin, Request
from coordinator.domain.request_text import parse_request, stem
from coordinator.ports import Clock

SIZE_MAX = 1_000_000
SETTLE_S = 0.2  # two looks this far apart must see the same file ...
OLD_S = 1.0  # ... unless it was last written this long ago
READ_BYTES_MAX = 32_000_000  # of all that wait; the rest is read when these are gone

REPLIES = ".replies"
REJECTED = ".rejected"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Look:
    """What the last look saw of one name, since when, and what it was read as."""

    signature: Signature
    since_s: float
    request: Request | None = None
    size: int = 0
    refused: bool = False  # answered; it stands there still because it is a folder

    @property
    def pending(self) -> bool:
        """Tells whether it has neither been read nor answered."""
        return self.request is None and not self.refused

    def is_of(self, signature: Signature) -> bool:
        """Tells whether it is still about the same file; a folder is answered once, whatever is in it."""
        if stat.S_ISDIR(signature.mode) and self.refused:
            return self.signature.inode == signature.inode
        return self.signature == signature


class FolderInbox:
    """The inbox in `folder`; `by` is who is taken to have written a file that does not say."""

    def __init__(self, folder: Path, *, by: str, clock: Clock, size_max: int = SIZE_MAX) -> None:
        self._folder = folder
        self._by = by
        self._clock = clock
        self._size_max = size_max
        self._lock = threading.Lock()
        self._looks: dict[str, _Look] | None = None  # None until the first look
        self._said: dict[str, tuple[Signature, Mapping[str, Any]]] = {}
        self._said_ns = -1

    def prepare(self) -> None:
        """Makes the folder, ignored by git from inside, so that `git status` stays clean."""
        inbox_files.make_folder(self._folder)
        if not (self._folder / ".gitignore").exists():
            inbox_files.write_over(self._folder, ".gitignore", b"*\n")

    def waiting(self) -> tuple[Request, ...]:
        """Returns what can be read now, oldest first; what cannot be a request is answered and set aside."""
        with self._lock:
            first = self._looks is None
            found = self._look()
            if first and self._growing():
                # A program that starts and finds a file of this very second must not take the inbox
                # for empty; this one time it waits.
                self._clock.pause(SETTLE_S)
                found = self._look()
            return found

    def names(self) -> tuple[str, ...]:
        """Returns what lies there, oldest first, without reading or answering any of it."""
        return tuple(name for name, _ in self._files())

    def growing(self) -> tuple[str, ...]:
        """Returns names that the last look left alone because they may be written still."""
        with self._lock:
            return self._growing()

    def put(self, name: str, content: bytes) -> str:
        """Writes a file into the folder, whole or not at all; returns the name it got.

        The same bytes under the same name are written once; other bytes get a numbered name.
        """
        self.prepare()
        return inbox_files.write_new(self._folder, name, content)

    def remove(self, request: Request, *, keep: bool) -> None:
        """Removes the file if it still says what was read; `keep` sets its text aside instead."""
        name = request.origin.name
        path = self._folder / name
        if request.origin.source != "folder" or inbox_files.unclean(name):
            return
        try:
            seen = Signature.of(path.lstat())
            content = inbox_files.read(path, seen, size_max=self._size_max)
        except (OSError, ReadRefused):
            return  # gone, or replaced by something else, which the next look sees
        if content is None or digest(content) != request.origin.token:
            return
        with inbox_files.disk_errors(self._folder):
            if keep:
                bare = stem(name) or name
                mark = request.origin.token.removeprefix("sha256:")[:8]
                self._set_aside(path, f"{inbox_files.safe(bare)}-{mark}{name[len(bare) :].lower()}")
            else:
                path.unlink(missing_ok=True)

    def reply(self, name: str, *, fields: Mapping[str, Any], text: str) -> None:
        """Writes .replies/<name>.json and .md (`name` with or without its ending)."""
        self.prepare()
        folder = self._folder / REPLIES
        inbox_files.make_folder(folder)
        plain = inbox_files.safe(stem(name) or name)
        said = json.dumps({"schema": 1, **fields}, indent=2, sort_keys=True) + "\n"
        body = (text.rstrip() + "\n").encode("utf-8", "replace")
        inbox_files.write_over(folder, f"{plain}.md", body)
        inbox_files.write_over(folder, f"{plain}.json", said.encode())

    def replies(self) -> Mapping[str, Mapping[str, Any]]:
        """Returns the JSON of every reply so far, by name; files that are not ours are left out."""
        folder = self._folder / REPLIES
        with self._lock:
            try:
                changed_ns = folder.stat().st_mtime_ns
            except OSError:
                return {}
            # Every reply is renamed into place, which changes the folder's time: an older one is enough.
            if changed_ns != self._said_ns or time.time_ns() - changed_ns < 1_000_000_000:
                self._said = _read_replies(folder, self._said)
                self._said_ns = changed_ns
            return {name: said for name, (_, said) in self._said.items()}

    def _look(self) -> tuple[Request, ...]:
        before, self._looks = self._looks or {}, {}
        read_bytes = 0
        for name, signature in self._files():
            look = before.get(name)
            if look is None or not look.is_of(signature):
                look = _Look(signature, self._clock.monotonic_s())
            fits = read_bytes + min(signature.size, self._size_max) <= READ_BYTES_MAX
            if look.pending and fits and self._settled(look):
                look = self._read(name, look)
            self._looks[name] = look
            read_bytes += look.size
        return tuple(look.request for look in self._looks.values() if look.request is not None)

    def _files(self) -> list[tuple[str, Signature]]:
        """Returns what may be a request, oldest first."""
        if self._folder.is_symlink():
            return []
        try:
            with os.scandir(self._folder) as entries:
                there = [entry for entry in entries if not inbox_files.ignored(entry.name)]
        except OSError:
            return []
        seen = []
        for entry in there:
            with contextlib.suppress(OSError):  # gone between listing and looking
                seen.append((entry.name, Signature.of(entry.stat(follow_symlinks=False))))
        return sorted(seen, key=lambda one: (one[1].changed_ns, one[0]))

    def _settled(self, look: _Look) -> bool:
        age_s = self._clock.timestamp() - look.signature.changed_ns / 1e9
        return age_s > OLD_S or self._clock.monotonic_s() - look.since_s >= SETTLE_S

    def _growing(self) -> tuple[str, ...]:
        return tuple(name for name, look in (self._looks or {}).items() if look.pending)

    def _read(self, name: str, look: _Look) -> _Look:
        if why := inbox_files.unclean(name):
            hint = "give it a plain name that ends in .md"
            return self._refuse(name, look, ReadRefused("bad_name", why, hint))
        try:
            content = inbox_files.read(self._folder / name, look.signature, size_max=self._size_max)
        except ReadRefused as refusal:
            return self._refuse(name, look, refusal)
        if content is None:
            return _Look(look.signature, self._clock.monotonic_s())
        origin = Origin(source="folder", name=name, by=self._by, token=digest(content))
        try:
            request = parse_request(name, content, origin=origin)
        except BriefError as error:
            code = "bad_request" if stem(name) else "not_a_request"
            return self._refuse(name, look, ReadRefused(code, str(error), error.hint or ""))
        return replace(look, request=request, size=len(content))

    def _refuse(self, name: str, look: _Look, refusal: ReadRefused) -> _Look:
        """Answers, then sets it aside; when the disk is full it stays, and is met again."""
        fault = {
            "code": refusal.code,
            "line": 0,
            "section": "",
            "message": str(refusal),
            "hint": refusal.hint,
        }
        fields = {"state": "rejected", "name": name, "reasons": [refusal.code], "faults": [fault]}
        text = f"Rejected: {refusal}.\n\nWhat to do: {refusal.hint}.\n"
        try:
            self.reply(name, fields=fields, text=text)
            if not stat.S_ISDIR(look.signature.mode):
                mark = digest(repr((name, look.signature)).encode()).removeprefix("sha256:")[:8]
                with inbox_files.disk_errors(self._folder):
                    self._set_aside(self._folder / name, f"{inbox_files.safe(name)}-{mark}")
        except RepositoryError as error:
            _log.warning("inbox file not answered name=%r why=%s", name, error)
            return look
        _log.info("inbox file refused name=%r code=%s", name, refusal.code)
        return replace(look, refused=True)

    def _set_aside(self, path: Path, name: str) -> None:
        """Moves a file or a link itself into .rejected/; the name holds a digest, so it is free or equal."""
        folder = self._folder / REJECTED
        inbox_files.make_folder(folder)
        try:
            path.replace(folder / name)
        except FileNotFoundError:
            return


def _read_replies(
    folder: Path, before: Mapping[str, tuple[Signature, Mapping[str, Any]]]
) -> dict[str, tuple[Signature, Mapping[str, Any]]]:
    found = {}
    for path in sorted(folder.glob("*.json")):
        try:
            signature = Signature.of(path.lstat())
            known = before.get(path.stem)
            if known is not None and known[0] == signature:
                found[path.stem] = known
            elif stat.S_ISREG(signature.mode):
                said = json.loads(path.read_bytes())
                if isinstance(said, dict):
                    found[path.stem] = (signature, said)
        except (OSError, ValueError):
            continue
    return found
