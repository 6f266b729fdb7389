"""Worker files that come with the coordinator, for tools that people have: copied on request, never overwritten."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

import coordinator
from coordinator.adapters.agents.programs import seen_by
from coordinator.config.worker_files import FOLDER
from coordinator.domain.errors import WorkerError

_HERE = Path(coordinator.__file__).parent / "ready_workers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A worker file that was written, and what is left to do."""

    name: str
    file: Path
    program: str  # where its tool was found; "" = nowhere
    read: tuple[str, ...]  # what was filled in for a confined program to see


def names() -> tuple[str, ...]:
    """Returns what can be added."""
    return tuple(sorted(file.stem for file in _HERE.glob("*.md")))


def add(name: str, top: Path, *, search_path: str) -> Added:
    """Writes a ready worker file below `top`. Raises WorkerError when there is none, or one is there.

    A tool outside /usr is filled in by its path, with the folders that it needs to see.
    """
    source = _HERE / f"{name}.md"
    if name not in names():
        raise WorkerError(
            f"no worker {name!r} comes with the coordinator", hint=f"there is: {', '.join(names())}"
        )
    text = source.read_text(encoding="utf-8")
    tool = str(yaml.safe_load(text.split("---\n")[1])["command"][0])
    found = shutil.which(tool, path=search_path)
    read = tuple(str(folder) for folder in seen_by(Path(found))) if found else ()
    if found and read:
        # Not resolved: a virtual environment is known by the path that its programs have in it.
        text = text.replace(f"command: [{tool},", f"command: [{json.dumps(found)},", 1)
        text = text.replace("read: []", f"read: {json.dumps(list(read))}", 1)
    file = top / FOLDER / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError as error:
        raise WorkerError(
            f"{file} is there already, and stays as it is", hint="move it away to get a new one"
        ) from error
    return Added(name=name, file=file, program=found or "", read=read)
