"""Arguments of a command worker: what `{...}` in them stands for, with nothing of it ever read by a shell."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from coordinator.adapters.sandbox import IN, OUT, WORK
from coordinator.domain.package import ContextPackage, Scope
from coordinator.domain.tree import matches

from .assignment import PACKAGE_FILE

PATHS_BYTES_MAX = 1_000_000  # of all paths on one command line; the kernel takes twice that

_PLACES = {"{package}": f"{IN}/{PACKAGE_FILE}", "{work}": WORK, "{out}": OUT}
_PATHS = re.compile(r"\{(inputs|scope)(?::(?P<glob>[^{}]+))?\}\Z")


class NoPaths(Exception):
    """An argument stands for paths, and there are none, or more than fit on a command line."""

    def __init__(self, message: str, *, too_many: bool) -> None:
        super().__init__(message)
        self.too_many = too_many


def filled(argv: Sequence[str], package: ContextPackage, tree: Path | None) -> tuple[str, ...]:
    """Returns the arguments with every placeholder filled in. Raises NoPaths.

    `{inputs}` and `{scope}` become one argument for each file, where they are a whole argument; a glob
    after a colon chooses among them (`{scope:**/*.py}`). Everything else stays as it is written.
    """
    out: list[str] = []
    for argument in argv:
        found = _PATHS.match(argument)
        if found is None:
            out.append(_placed(argument))
        else:
            out += _paths(argument, found[1], found["glob"] or "**", package, tree)
    if sum(len(os.fsencode(argument)) + 9 for argument in out) > PATHS_BYTES_MAX:
        raise NoPaths("there are more paths than fit on a command line", too_many=True)
    return tuple(out)


def _placed(argument: str) -> str:
    for name, place in _PLACES.items():
        argument = argument.replace(name, place)
    return argument


def _paths(
    argument: str, which: str, glob: str, package: ContextPackage, tree: Path | None
) -> list[str]:
    wanted = _inputs(package) if which == "inputs" else package.scope.inside
    if which == "inputs" and not wanted:
        wanted = package.scope.inside  # INPUTS that name nothing leave it to SCOPE
    found = [path for path in _files(tree) if _within(path, wanted, package.scope, which)]
    chosen = [path for path in found if matches(path, glob)]
    if not chosen:
        raise NoPaths(f"{argument} names no file at the base", too_many=False)
    # A name that begins with a dash would be read as an option.
    return [f"./{path}" if path.startswith("-") else path for path in chosen]


def _inputs(package: ContextPackage) -> tuple[str, ...]:
    return tuple(item.value for item in package.input_data if item.kind in ("path", "glob"))


def _within(path: str, wanted: Sequence[str], scope: Scope, which: str) -> bool:
    if wanted and not any(matches(path, pattern) for pattern in wanted):
        return False
    return which == "inputs" or not any(matches(path, pattern) for pattern in scope.outside)


def _files(tree: Path | None) -> Iterator[str]:
    """Yields the regular files of the tree, sorted; what links lead to is not looked at."""
    if tree is None:
        return
    top = os.fspath(tree)
    for folder, folders, names in os.walk(top):
        folders.sort()
        for name in sorted(names):
            place = os.path.join(folder, name)  # noqa: PTH118 - a walk of 50,000 files
            if not os.path.islink(place):  # noqa: PTH114
                yield os.path.relpath(place, top)
