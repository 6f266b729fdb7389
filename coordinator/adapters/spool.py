"""Outcomes of attempts that nobody has kept yet: one file each, so that a kill loses none of them."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.output import NoOutput, Output, Usage


class Outcome(BaseModel):
    """What came of an attempt: an output, or the reason why there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    format: int = 1
    spec: Spec
    output: Output | None = None
    reason: str | None = None
    usage: Usage | None = None  # of an attempt without an output; an output says its own

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.output is None) == (self.reason is None):
            raise ValueError("an outcome is an output or a reason")
        return self

    @property
    def what(self) -> Output | NoOutput:
        """Returns the output, or why there is none."""
        if self.output is not None:
            return self.output
        return NoOutput(reason=self.reason or "", usage=self.usage or Usage())


class Spool:
    """A folder of outcomes: `<brief>/<epoch>-<number>.json`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> tuple[Outcome, ...]:
        """Returns every outcome, in the order of its file name; what cannot be read is set aside."""
        outcomes = []
        for path in sorted(self._folder.glob("*/*.json")):
            try:
                outcomes.append(Outcome.model_validate_json(path.read_bytes()))
            except ValidationError:
                path.replace(path.with_suffix(".broken"))
        return tuple(outcomes)

    def put(self, outcome: Outcome) -> None:
        """Writes an outcome, whole or not at all, synced to disk."""
        path = self._path(outcome.spec.id)
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".tmp-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(outcome.model_dump_json().encode())
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        for folder in (path.parent, self._folder):
            _sync(folder)

    def forget(self, attempt: AttemptId) -> None:
        """Removes an outcome; nothing when there is none."""
        path = self._path(attempt)
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # another outcome of the brief is there
            path.parent.rmdir()

    def _path(self, attempt: AttemptId) -> Path:
        return self._folder / attempt.brief / f"{attempt.epoch}-{attempt.number}.json"


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
