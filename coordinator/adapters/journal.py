"""The journal in sqlite3: a cache beside the private clone that may be deleted at any time."""

import functools
import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from coordinator.adapters import journal_tables
from coordinator.domain.attempt import RESTARTED, AttemptId, Spec
from coordinator.domain.check import CheckResult
from coordinator.domain.errors import NewerSchemaError, RepositoryError
from coordinator.domain.names import BriefId, Digest
from coordinator.domain.output import Usage
from coordinator.domain.past import Past
from coordinator.domain.proof import Deletion, Planned

CHECKS_MAX = 5_000  # the oldest results go first; a forgotten one is only run again
PAST_MAX = 500  # ended attempts that are looked back at
BUSY_TIMEOUT_S = 60.0

_log = logging.getLogger(__name__)


class _BrokenFile(Exception):
    """The file is no database, or a damaged one."""


class SqliteJournal:
    """What is under way, in `path`. Safe to call from several threads: each has its own connection.

    A damaged file is set aside and a fresh one made, because nothing is only here; a file of a newer
    format, a full disk and the like raise RepositoryError. `now` tells the time in unix seconds.
    """

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        self._path = path
        self._now = now
        self._lock = threading.RLock()
        self._local = threading.local()
        self._generation = 0  # counts files set aside: connections to an older one are dropped
        self._connections: list[sqlite3.Connection] = []
        self._results: dict[Digest, CheckResult] | None = None
        self._ask("SELECT value FROM meta WHERE key = 'format'")

    def intend(self, planned: Planned) -> None:
        """Records what is about to be pushed; the same one again changes nothing."""
        said = json.dumps(asdict(planned))
        self._ask("INSERT OR IGNORE INTO intents (oid, said) VALUES (?, ?)", planned.oid, said)

    def settle_intent(self, planned: Planned) -> None:
        """Forgets an intent that landed or is dead."""
        self._ask("DELETE FROM intents WHERE oid = ?", planned.oid)

    def intents(self) -> tuple[Planned, ...]:
        """Returns intents whose outcome is not known, oldest first."""
        rows = self._ask("SELECT said FROM intents ORDER BY number")
        return tuple(_planned(said) for (said,) in rows)

    def begin(self, spec: Spec) -> None:
        """Records an attempt before it starts; nothing when it is recorded."""
        self._ask(
            "INSERT OR IGNORE INTO attempts (id, brief, said, began) VALUES (?, ?, ?, ?)",
            spec.id.ref,
            spec.id.brief,
            spec.model_dump_json(),
            self._now(),
        )

    def end(self, attempt: AttemptId, *, usage: Usage, reason: str) -> None:
        """Records what an attempt used and then how it ended ('' = it returned); repeatable."""
        now_s = self._now()
        self._ask(
            "INSERT OR REPLACE INTO spend (id, brief, said, ended, done, reason, spec, began)"
            " SELECT ?, ?, ?, ?, ?, ?, coalesce(a.said, s.spec), coalesce(a.began, s.began, 0)"
            " FROM (SELECT ? AS id) AS it"
            " LEFT JOIN attempts a ON a.id = it.id LEFT JOIN spend s ON s.id = it.id",
            attempt.ref,
            attempt.brief,
            usage.model_dump_json(),
            int(now_s),
            now_s,
            reason,
            attempt.ref,
        )
        self._ask("UPDATE attempts SET reason = ? WHERE id = ?", reason, attempt.ref)

    def begun(self) -> tuple[tuple[Spec, str | None], ...]:
        """Returns recorded attempts of open briefs with how they ended (None: still running)."""
        rows = self._ask("SELECT said, reason FROM attempts ORDER BY number")
        return tuple((_spec(said), reason) for said, reason in rows)

    def forget(self, brief: BriefId) -> None:
        """Drops the attempts of `brief` from `begun`; what they used, or may have used, stays known."""
        for spec, reason in self.begun():
            if spec.id.brief == brief and reason is None:
                self.end(spec.id, usage=Usage(cost_usd=spec.cost_usd_max), reason=RESTARTED)
        self._ask("DELETE FROM attempts WHERE brief = ?", brief)

    def spent(self, brief: BriefId) -> Mapping[str, Usage]:
        """Returns what each ended attempt of `brief` used, by its ref, as far as this journal saw it."""
        rows = self._ask("SELECT id, said FROM spend WHERE brief = ? ORDER BY number", brief)
        return {ref: Usage.model_validate_json(said) for ref, said in rows}

    def spent_since(self, timestamp: int) -> float:
        """Returns the US dollars of attempts that ended at `timestamp` or later, where they are known."""
        rows = self._ask("SELECT said FROM spend WHERE ended >= ?", timestamp)
        return sum(Usage.model_validate_json(said).cost_usd or 0.0 for (said,) in rows)

    def past(self) -> tuple[Past, ...]:
        """Returns what has not ended, after the newest that have, oldest first: of every brief."""
        now_s = self._now()
        ended = self._ask(
            "SELECT spec, began, done, reason, said FROM spend WHERE spec IS NOT NULL AND began > 0"
            " ORDER BY number DESC LIMIT ?",
            PAST_MAX,
        )
        begun = self._ask(
            "SELECT said, began FROM attempts WHERE reason IS NULL AND began > 0 ORDER BY number"
        )
        return (
            *(
                Past(
                    spec=_spec(said),
                    began_ago_s=max(0.0, now_s - began),
                    ended_ago_s=max(0.0, now_s - done),
                    reason=reason,
                    tokens=_usage(used).tokens_in + _usage(used).tokens_out,
                )
                for said, began, done, reason, used in reversed(ended)
            ),
            *(Past(spec=_spec(said), began_ago_s=max(0.0, now_s - began)) for said, began in begun),
        )

    def keep_check(self, result: CheckResult) -> None:
        """Remembers a check result; the newest for its key counts."""
        said = json.dumps(asdict(result))
        self._ask("INSERT OR REPLACE INTO checks (key, said) VALUES (?, ?)", result.key, said)
        self._ask(
            "DELETE FROM checks WHERE number <= (SELECT max(number) FROM checks) - ?", CHECKS_MAX
        )
        with self._lock:
            if self._results is not None:
                self._results = {**self._results, result.key: result}

    def checks(self) -> Mapping[Digest, CheckResult]:
        """Returns every remembered check result; read once, because every tick asks."""
        with self._lock:
            if self._results is None:
                rows = self._ask("SELECT said FROM checks ORDER BY number")
                results = [CheckResult(**json.loads(said)) for (said,) in rows]
                self._results = {result.key: result for result in results}
            return self._results

    def close(self) -> None:
        """Closes every connection; the journal is not used after it."""
        with self._lock:
            for connection in self._connections:
                connection.close()
            self._connections.clear()
            self._generation += 1

    def _ask(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs one statement, which is one durable transaction, on a file that is whole."""
        generation = self._generation
        try:
            return self._try(statement, values)
        except _BrokenFile as error:
            self._set_aside(generation, why=str(error))
        try:
            return self._try(statement, values)
        except _BrokenFile as error:
            raise RepositoryError(
                f"{self._path}: a fresh journal is damaged at once: {error}",
                hint="check the disk, then start again; the journal may be deleted",
            ) from error

    def _try(self, statement: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._connection().execute(statement, values).fetchall()
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise _BrokenFile(str(error)) from error
            raise RepositoryError(
                f"{self._path}: the journal cannot be used: {error}", hint=_hint(code)
            ) from error

    def _connection(self) -> sqlite3.Connection:
        local = self._local
        if getattr(local, "generation", None) != self._generation:
            with self._lock:  # two at once would fight over switching the file to WAL
                local.connection = self._open()
                local.generation = self._generation
        connection: sqlite3.Connection = local.connection
        return connection

    def _open(self) -> sqlite3.Connection:
        _make_folder(self._path.parent)
        connection = sqlite3.connect(
            self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        try:
            found = self._format(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.executescript(journal_tables.script(found))
        except BaseException:
            connection.close()
            raise
        self._connections.append(connection)
        return connection

    def _format(self, connection: sqlite3.Connection) -> int:
        """Returns the format of the file, 0 of a new one. Looks before anything is written.

        A newer program's file stays as it is.
        """
        found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone()
        row = found and connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if row and not row[0].isdigit():
            raise _BrokenFile(f"its format is {row[0]!r}")
        if row and int(row[0]) > journal_tables.FORMAT:
            raise NewerSchemaError(
                f"{self._path}: the journal has format {row[0]}, this program knows {journal_tables.FORMAT}: read-only",
                hint="run the newer coordinator, or delete the journal, which is only a cache",
            )
        return int(row[0]) if row else 0

    def _set_aside(self, generation: int, *, why: str) -> None:
        with self._lock:
            if self._generation != generation:
                return  # another thread was first
            # Not closed, because another thread may be in the middle of a call: each drops its own.
            self._connections.clear()
            kept = _free_name(self._path)
            for ending in ("", "-wal", "-shm"):
                beside = self._path.with_name(self._path.name + ending)
                if beside.exists():
                    beside.replace(kept.with_name(kept.name + ending))
            self._generation += 1
            self._results = None
        _log.error("journal damaged, set aside kept=%s why=%s", kept, why)


def _free_name(path: Path) -> Path:
    number = 1
    while (kept := path.with_name(f"{path.name}.broken-{number}")).exists():
        number += 1
    return kept


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepositoryError(
            f"{folder}: the folder of the journal cannot be made: {os.strerror(error.errno or 0)}",
            hint="make room or set its permissions, then start again",
        ) from error


def _hint(code: int) -> str:
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return "free some disk space; everything goes on by itself at the next try"
    if code == sqlite3.SQLITE_BUSY:
        return "another program holds the journal; end it"
    return "look at the permissions of the file and its folder"


@functools.lru_cache(maxsize=4096)
def _spec(said: str) -> Spec:
    """Parses a row once: values are frozen, and every tick reads every row."""
    return Spec.model_validate_json(said)


@functools.lru_cache(maxsize=1024)
def _usage(said: str) -> Usage:
    return Usage.model_validate_json(said)


def _planned(said: str) -> Planned:
    fields = json.loads(said)
    fields["briefs"] = tuple(fields["briefs"])
    fields["deletions"] = tuple(Deletion(**deletion) for deletion in fields["deletions"])
    return Planned(**fields)
