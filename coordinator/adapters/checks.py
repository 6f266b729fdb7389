"""Runs checks and gates: the operator's shell lines over a product tree that a worker may have written."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.processes import Tail
from coordinator.adapters.sandbox import WAY_OUT, Cell, CellEnded, CellLimits, Sandbox
from coordinator.adapters.setups import SetupFailed, Setups
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import digest
from coordinator.domain.record import clean

_PASSED_ON = ("LANG", "LC_ALL", "TZ")
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")
_OUTPUT_BYTES_MAX = 64_000_000
_MEMORY_BYTES_MAX = 8_000_000_000
_PROCESSES_MAX = 1_024
_DISK_BYTES_MAX = 4_000_000_000
_FILES_MAX = 500_000


def _no_way_out() -> AbstractContextManager[Path | None]:
    return nullcontext()


class CommandChecks:
    """Implements ports.Checks: each command in a cell of its own, over a checkout that it cannot change.

    `environment` is the daemon's; only the locale of it reaches a confined command, and the PATH an unconfined one.
    `way_out` opens a proxy to what the setup of a check may reach, and gives its socket, or None.
    """

    def __init__(
        self,
        checkouts: Checkouts,
        sandbox: Sandbox,
        setups: Setups,
        *,
        environment: Mapping[str, str],
        way_out: Callable[[], AbstractContextManager[Path | None]] = _no_way_out,
    ) -> None:
        self._checkouts = checkouts
        self._sandbox = sandbox
        self._setups = setups
        self._environment = environment
        self._way_out = way_out

    def run(self, check: Check) -> CheckResult:
        """Runs setup and command over one tree, within one deadline; see ports.Checks."""
        begun = time.monotonic()
        try:
            with self._checkouts.hold(check.product) as tree:
                if check.command.setup is None:
                    return self._checked(check, tree, (), check.command.timeout_s_max)
                return self._after_setup(check, tree)
        except (CoordinatorError, OSError) as error:
            hint = getattr(error, "hint", None)
            reason = f"{error}\n{hint}" if hint else str(error)
            return _could_not(check, reason, wall_s=time.monotonic() - begun)

    def _after_setup(self, check: Check, tree: Path) -> CheckResult:
        tail, left_s = Tail(), check.command.timeout_s_max

        def make(keep: Path) -> CellEnded:
            nonlocal left_s
            with self._way_out() as socket:
                cell = self._cell(
                    check, check.command.setup or "", tree, left_s, keep=keep, socket=socket
                )
                ended = self._sandbox.run(cell, heard=tail.add)
            left_s = max(0.001, left_s - ended.wall_s)
            return ended

        try:
            with self._setups.of(self._setups.key(check), make) as (made, kind):
                if kind == "whole":
                    return self._checked(check, made, (), left_s)
                return self._checked(check, tree, (made,), left_s)
        except SetupFailed as failure:
            return _result(check, "setup", failure.ended, tail)

    def _checked(
        self, check: Check, tree: Path, layers: tuple[Path, ...], left_s: float
    ) -> CheckResult:
        tail = Tail()
        cell = self._cell(check, check.command.run, tree, left_s, layers=layers)
        return _result(check, "run", self._sandbox.run(cell, heard=tail.add), tail)

    def _cell(
        self,
        check: Check,
        line: str,
        tree: Path,
        left_s: float,
        *,
        layers: tuple[Path, ...] = (),
        keep: Path | None = None,
        socket: Path | None = None,
    ) -> Cell:
        confined = check.confinement
        is_strict = confined.checks == "strict"
        kept = {name: self._environment[name] for name in _PASSED_ON if name in self._environment}
        if not is_strict and "PATH" in self._environment:
            kept["PATH"] = self._environment["PATH"]
        proxy = dict.fromkeys(_PROXY, WAY_OUT) if socket is not None and is_strict else {}
        return Cell(
            # One pipe, so that what is shown is in the order in which it was said.
            argv=("sh", "-c", 'exec sh -c "$0" 2>&1', line),
            tree=tree,
            access="scratch",
            layers=layers,
            keep=keep,
            environment={**kept, **proxy, "CI": "true"},
            socket=socket if is_strict else None,
            read=tuple(Path(path) for path in confined.read),
            path=confined.path,
            limits=CellLimits(
                wall_clock_s_max=left_s,
                output_bytes_max=_OUTPUT_BYTES_MAX,
                memory_bytes_max=_MEMORY_BYTES_MAX,
                processes_max=_PROCESSES_MAX,
                disk_bytes_max=_DISK_BYTES_MAX,
                files_max=_FILES_MAX,
            ),
            confinement=confined.checks,
        )


def _result(check: Check, step: str, ended: CellEnded, tail: Tail) -> CheckResult:
    said = tail.text()
    if ended.code == 0:
        how = None
    elif ended.code is None:
        how = ended.stopped
    elif ended.code < 0:
        how = f"ended by signal {-ended.code}"
    else:
        how = f"exit {ended.code}"
    newline = "" if not said or said.endswith("\n") else "\n"
    return CheckResult(
        key=check.key,
        name=check.command.name,
        passed=how is None,
        tail=said if how is None else f"{said}{newline}[{step}: {how}]",
        log=tail.digest(),
        wall_s=ended.wall_s,
        confinement=ended.confinement,
    )


def _could_not(check: Check, reason: str, *, wall_s: float) -> CheckResult:
    tail = f"could not run: {clean(reason).strip()}"
    return CheckResult(
        key=check.key,
        name=check.command.name,
        passed=False,
        tail=tail,
        log=digest(tail.encode()),
        wall_s=wall_s,
        confinement=check.confinement.checks,
        ran=False,
    )
