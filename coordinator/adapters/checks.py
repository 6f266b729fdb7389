"""Runs checks and gates: the operator's shell lines over a product tree, without `.git` and without our secrets."""

import time
from collections.abc import Mapping

from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.processes import Finished, run
from coordinator.adapters.views import View
from coordinator.domain.check import Check, CheckResult
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import digest
from coordinator.domain.record import clean

_PASSED_ON = ("PATH", "LANG", "LC_ALL", "TZ")
_PATH = "/usr/local/bin:/usr/bin:/bin"


class CommandChecks:
    """Implements ports.Checks by running commands in views of checkouts.

    `environment` is the daemon's; only PATH and the locale of it reach a command. Commands are not
    confined: they may read what the daemon may read, and every result says so.
    """

    def __init__(self, checkouts: Checkouts, *, environment: Mapping[str, str]) -> None:
        self._checkouts = checkouts
        self._environment = environment

    def run(self, check: Check) -> CheckResult:
        """Runs setup and command in one view, within one deadline; see ports.Checks."""
        begun = time.monotonic()
        try:
            with self._checkouts.view(check.product) as view:
                return self._in_view(check, view)
        except (CoordinatorError, OSError) as error:
            return _could_not(check, str(error), wall_s=time.monotonic() - begun)

    def _in_view(self, check: Check, view: View) -> CheckResult:
        command = check.command
        finished: Finished | None = None
        left_s = command.timeout_s_max
        for step, line in (("setup", command.setup), ("run", command.run)):
            if line is None:
                continue
            finished = run(
                view.argv(line),
                folder=view.folder,
                environment=self._scrubbed(view),
                timeout_s_max=left_s,
            )
            left_s -= finished.wall_s
            if not view.ran():
                return _could_not(check, finished.tail, wall_s=finished.wall_s)
            if finished.code != 0:
                return _failed(check, step, finished)
        assert finished is not None
        return _result(check, finished, passed=True, tail=finished.tail)

    def _scrubbed(self, view: View) -> dict[str, str]:
        kept = {name: self._environment[name] for name in _PASSED_ON if name in self._environment}
        return {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            **kept,
            "HOME": str(view.home),
            "TMPDIR": str(view.scratch),
            "CI": "true",
        }


def _failed(check: Check, step: str, finished: Finished) -> CheckResult:
    if finished.code is None:
        how = f"killed after {check.command.timeout_s_max:g} s"
    elif finished.code < 0:
        how = f"ended by signal {-finished.code}"
    else:
        how = f"exit {finished.code}"
    newline = "" if not finished.tail or finished.tail.endswith("\n") else "\n"
    return _result(check, finished, passed=False, tail=f"{finished.tail}{newline}[{step}: {how}]")


def _result(check: Check, finished: Finished, *, passed: bool, tail: str) -> CheckResult:
    return CheckResult(
        key=check.key,
        name=check.command.name,
        passed=passed,
        tail=tail,
        log=finished.log,
        wall_s=finished.wall_s,
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
        ran=False,
    )
