"""Where the program of an agent is on this machine, and what of the machine it needs to see."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Confinement, Profile

from .assignment import hidden_by

NAMES = {"claude-code": "claude", "codex": "codex"}
"""What the program of a kind is called."""

_SEEN = ("/usr", "/bin", "/lib", "/lib64", "/sbin")  # in every cell
_IN_A_CELL = ("/usr/local/bin", "/usr/bin", "/bin")
_SHEBANG_BYTES_MAX = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a program is started, and the folders that it needs beside /usr."""

    argv: tuple[str, ...]
    read: tuple[Path, ...] = ()


def lacking(profile: Profile, confinement: Confinement) -> tuple[str, ...]:
    """Returns what this machine lacks of a worker's program and of what it shall see, in words."""
    missing = []
    for path in map(Path, (*profile.read, *confinement.read)):
        place = hidden_by(path)
        if not path.exists():
            missing.append(f"{path}, which it shall see, is not there")
        elif place is not None:
            missing.append(f"{path} cannot be shown: confined programs have their own {place}")
    if profile.kind == "command":
        return (*_command(profile.command.argv[0], confinement), *missing)
    try:
        find(profile, confinement)
    except WorkerError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return (f"{error}{hint}", *missing)
    return tuple(missing)


def _command(name: str, confinement: Confinement) -> tuple[str, ...]:
    is_of_the_base = "/" in name and not name.startswith("/")  # a script of the repository
    if "{" in name or is_of_the_base or hidden_by(Path(name)) is not None:
        return ()
    folders = os.pathsep.join((*confinement.path, *_IN_A_CELL))
    if shutil.which(name, path=folders) is not None:
        return ()
    elsewhere = shutil.which(name)
    if elsewhere is None:
        return (f"there is no program {name!r} here",)
    told = f"{name} is at {elsewhere}, which confined programs do not see"
    return (f"{told}: give that path in `command`, and the folders it needs in `read`",)


def search_path(confinement: Confinement) -> str:
    """Returns where programs are looked for: the folders of config.toml first."""
    return os.pathsep.join((*confinement.path, os.environ.get("PATH", os.defpath)))


def find(profile: Profile, confinement: Confinement) -> Program:
    """Returns the agent's program: `command` of its profile, else by name on PATH. Raises WorkerError."""
    said = profile.command.argv or (NAMES[profile.kind],)
    found = shutil.which(said[0], path=search_path(confinement))
    if found is None:
        raise WorkerError(
            f"{profile.name}: there is no program {said[0]!r} on PATH",
            hint="install it, or give its absolute path as `command:` in the worker's file",
        )
    place = Path(found).resolve()
    interpreter = _interpreter(place, search_path(confinement))
    before = () if interpreter is None else (str(interpreter),)
    return Program(
        argv=(*before, str(place), *said[1:]),
        read=seen_by(place, search=search_path(confinement)),
    )


def seen_by(place: Path, *, search: str | None = None) -> tuple[Path, ...]:
    """Returns the folders beside /usr that the program at `place` has to see: its package, its interpreter's.

    Raises WorkerError when what interprets it is not here.
    """
    found = list(_beside(place))
    interpreter = _interpreter(place.resolve(), search)
    if place.resolve() != place:
        found += _beside(place.resolve())
    if interpreter is not None:
        found += seen_by(interpreter, search=search)
    return tuple(dict.fromkeys(found))


def _interpreter(script: Path, search: str | None) -> Path | None:
    """Returns what runs a script that begins with `#!`, None for a program. Raises WorkerError."""
    with script.open("rb") as file:
        head = file.read(_SHEBANG_BYTES_MAX)
    if not head.startswith(b"#!"):
        return None
    words = head[2:].split(b"\n", 1)[0].decode("utf-8", "replace").split()
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-")]
    name = words[0] if words else "sh"
    found = shutil.which(name, path=search)
    if found is None:
        raise WorkerError(f"{script}: it needs {name!r}, which is not here", hint=f"install {name}")
    return Path(found)  # a Python of a virtual environment is known by its path there


def _beside(place: Path) -> tuple[Path, ...]:
    """Returns what has to be seen so that the program at `place` can run: its package, or its folder."""
    if any(place.is_relative_to(top) for top in _SEEN):
        return ()
    packages = [parent for parent in place.parents if parent.name == "node_modules"]
    if packages:
        return (packages[-1],)
    folder = place.parent
    if (folder.parent / "pyvenv.cfg").is_file():
        return (folder.parent,)
    if place.name.startswith("python") and folder.name == "bin":
        return (folder.parent,)  # its library stands beside it
    return (folder,)
