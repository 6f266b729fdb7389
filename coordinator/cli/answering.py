"""How every command answers: options they share, JSON with a schema number, complaints, exit codes."""

import functools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from coordinator.domain.errors import BusyError, CoordinatorError, RepositoryError

if TYPE_CHECKING:
    from coordinator.desk import Desk

SCHEMA = 1
EXIT_FAILED = 1
EXIT_BUG = 3
EXIT_INPUT_REQUIRED = 4
EXIT_BUSY = 75

F = TypeVar("F", bound=Callable[..., Any])


class Seconds(click.FloatRange):
    """A duration in seconds; `nan`, which no clock ever reaches, is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Returns the number. Raises click.BadParameter."""
        found = float(super().convert(value, param, ctx))
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


class Place:
    """Where a command works, and whether it answers with JSON. Raises RepositoryError where there is no folder."""

    def __init__(self, path: Path, *, as_json: bool = False) -> None:
        if not path.is_dir():
            raise RepositoryError(f"{path}: no such folder", hint="check the path after -C")
        self.path = path
        self.as_json = as_json

    def below(self, folder: Path | None, *, as_json: bool) -> "Place":
        """Returns what a command in it works with, by the options of its own and those said before its name."""
        return Place(self.path / (folder or ""), as_json=self.as_json or as_json)

    def desk(self) -> "Desk":
        """Returns the desk of the repository. Raises RepositoryError."""
        from coordinator import front_desk  # noqa: PLC0415  loads every adapter

        return front_desk.desk(self.path)


def shared_options(command: F) -> F:
    """Adds `-C PATH` and `--json`; the command gets `place` and `as_json`, and those of a group inherit them."""

    @click.option(
        "-C",
        "own_folder",
        type=click.Path(path_type=Path),
        metavar="PATH",
        help="Work in the repository that PATH is in.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Answer with one JSON object.")
    @click.pass_context
    @functools.wraps(command)
    def with_place(
        ctx: click.Context, /, *args: Any, own_folder: Path | None, as_json: bool, **kwargs: Any
    ) -> Any:
        above = ctx.find_object(Place) or Place(Path.cwd())
        ctx.obj = place = above.below(own_folder, as_json=as_json)
        return command(*args, place=place, as_json=place.as_json, **kwargs)

    return with_place  # type: ignore[return-value]  # wraps keeps what callers see


def answer(said: Mapping[str, Any]) -> None:
    """Prints one JSON object with its schema number."""
    click.echo(json.dumps({"schema": SCHEMA, **plain(said)}, ensure_ascii=False))


def plain(value: Any) -> Any:
    """Returns dataclasses and tuples as what JSON knows; text is made valid UTF-8."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode()
    return value


def complain(code: str, message: str, hint: str | None, *, as_json: bool) -> None:
    """Says on stderr what stopped us and what to do."""
    if as_json:
        error = {"code": code, "message": message, "hint": hint or ""}
        click.echo(json.dumps({"schema": SCHEMA, "error": plain(error)}), err=True)
        return
    click.echo(f"{click.style('error:', fg='red')} {shown(message)}", err=True)
    if hint:
        click.echo(f"{click.style('hint:', fg='cyan')} {shown(hint)}", err=True)


def say(text: str) -> None:
    """Prints text that is not the result: progress, notes."""
    click.echo(text, err=True)


def shown(text: str) -> str:
    """Returns text that a terminal cannot be steered by."""
    from coordinator.domain.record import clean  # noqa: PLC0415  the error path loads no more than it must

    return clean(text)


def exit_code_of(error: CoordinatorError) -> int:
    """Returns 75 for busy, else 1."""
    return EXIT_BUSY if isinstance(error, BusyError) else EXIT_FAILED
