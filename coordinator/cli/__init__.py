"""Click: options in, text or JSON and an exit code out. Commands load only when they are called.

Exit codes: 0 done, 1 expected failure, 2 usage, 3 our own fault (with a report file), 4 input required,
75 busy, 130 interrupted.
"""

import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Never

import click

from coordinator.cli.answering import EXIT_BUG, EXIT_FAILED, Place, complain, exit_code_of
from coordinator.domain.errors import CoordinatorError, RepositoryError

_COMMANDS = {
    "init": ("setting_up", "init"),
    "deinit": ("setting_up", "deinit"),
    "doctor": ("setting_up", "doctor"),
    "run": ("running", "run"),
    "brief": ("briefs", "brief"),
    "status": ("looking", "status"),
    "show": ("looking", "show"),
    "log": ("looking", "log"),
    "audit": ("looking", "audit"),
    "memory": ("memory", "memory"),
    "handoff": ("memory", "handoff"),
    "cost": ("costing", "cost"),
    "coupling": ("coupling", "coupling"),
    "answer": ("requests", "answer_"),
    "approve": ("requests", "approve"),
    "reject": ("requests", "reject"),
    "cancel": ("requests", "cancel"),
    "retry": ("requests", "retry"),
    "claims": ("claiming", "claims"),
    "deploy": ("deploying", "deploy"),
    "workers": ("workers", "workers"),
    "eval": ("evaluating", "eval_"),
    "config": ("settings", "config"),
    "faults": ("settings", "faults"),
}


_FILE = "a file lies where a folder should be: move it away"
_OWNER = "see whose it is and what you may do there: `ls -ld`"
_DISK = {
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.ENOSPC: "free some disk space, then again",
    errno.EDQUOT: "your quota is used up: free some of what is yours, then again",
    errno.EROFS: "it is mounted read-only: remount it, or work in a folder that can be written",
    errno.EEXIST: _FILE,
    errno.ENOTDIR: _FILE,
    errno.EFBIG: "no file may be as large there: `ulimit -f` shows the limit of this shell",
}
"""What to do about a disk that does not take what is written, or a file that one may not use."""


class _Commands(click.Group):
    """Loads a command's module when it is named, and turns every ending into its exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Returns the commands in the order of a brief's life."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Returns a command, None when there is none of that name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"coordinator.cli.{module}"), name)
        return found

    def main(  # type: ignore[override]  # click overloads it by standalone_mode, which is always False here
        self, args: Sequence[str] | None = None, **extra: Any
    ) -> Never:
        """Runs one command line and exits."""
        arguments = list(sys.argv[1:] if args is None else args)
        extra["standalone_mode"] = False
        as_json = "--json" in arguments
        try:
            returned = super().main(arguments, **extra)
        except CoordinatorError as error:
            complain(error.code, str(error), error.hint, as_json=as_json)
            sys.exit(exit_code_of(error))
        except click.UsageError as error:
            command = error.ctx.command_path if error.ctx else "coordinator"
            complain("usage", error.format_message(), f"`{command} --help`", as_json=as_json)
            sys.exit(error.exit_code)
        except click.ClickException as error:
            complain("error", error.format_message(), None, as_json=as_json)
            sys.exit(error.exit_code)
        except (click.Abort, KeyboardInterrupt):
            complain("interrupted", "interrupted", None, as_json=as_json)
            sys.exit(130)
        except OSError as error:
            if error.errno not in _DISK:
                _report(error, arguments, as_json=as_json)
                sys.exit(EXIT_BUG)
            what = f"{error.filename}: cannot be used" if error.filename else "cannot write"
            message = f"{what}: {os.strerror(error.errno)}"
            complain("disk", message, _DISK[error.errno], as_json=as_json)
            sys.exit(EXIT_FAILED)
        except Exception as error:  # noqa: BLE001  the last place: nobody above can write a report
            _report(error, arguments, as_json=as_json)
            sys.exit(EXIT_BUG)
        sys.exit(returned if isinstance(returned, int) else 0)


def _report(error: Exception, arguments: Sequence[str], *, as_json: bool) -> None:
    from coordinator.cli.reporting import write_report  # noqa: PLC0415  needed when all else failed

    path = write_report(error, arguments)
    message = f"this is a fault of the coordinator: {type(error).__name__}: {error}"
    complain("bug", message, f"the report to paste is in {path}", as_json=as_json)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "-C",
    "folder",
    type=click.Path(path_type=Path),
    default=None,
    metavar="PATH",
    help="Work in the repository that PATH is in.",
)
@click.version_option(package_name="git-coordinator", prog_name="coordinator")
@click.pass_context
def main(ctx: click.Context, folder: Path | None) -> None:
    """Turn briefs into checked commits, as the only one that commits

    Drop a brief with `coordinator brief drop FILE`, let `coordinator run` work, and look with
    `coordinator status`.
    """
    from coordinator.adapters.repository import forget_surroundings  # noqa: PLC0415  lazy by design

    forget_surroundings()
    ctx.obj = Place(folder or _here())
    if os.environ.get("NO_COLOR"):
        ctx.color = False


def _here() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        hint = "go to one that is there, or name it with -C PATH"
        raise RepositoryError("the current folder has been removed", hint=hint) from error


__all__ = ["main"]
