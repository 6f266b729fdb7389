"""Throw-away views of a folder: a command may dirty what it sees, and the folder stays as it was.

An overlay costs milliseconds whatever the size of the folder. It needs a mount namespace, and an ordinary
user needs a user namespace for that too; both are probed by doing it, never guessed from versions.
Where they are not to be had a private copy does the same, exactly, and slower.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from coordinator.adapters.tree_files import remove_folder

# Runs as the first process of its namespaces and stays: when it ends, all that the command left behind
# ends. `started` tells a mount that failed from a command that did. The mount point is the same for every
# run (each has a mount namespace of its own), so paths in the output do not change from run to run.
_SCRIPT = """\
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work$3" mounted || exit 126
: >"$2/started"
cd mounted || exit 126
if [ -n "$5" ]; then unshare -U --map-user="$5" --map-group="$6" -- sh -c "$4"; else sh -c "$4"; fi
exit $?
"""

_PROBE = """\
set -e
[ "$(id -u)" = "$WANTED_UID" ]
echo new >changed; rm -r folder; mkdir folder; echo new >folder/new; mv gone moved; ln -s x link; echo hi
"""


@dataclass(frozen=True, slots=True)
class Overlay:
    """One way to mount an overlay here: what goes before `sh`, mount options, and the ids to go back to."""

    launch: tuple[str, ...]
    options: str
    ids: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A folder as one command (or several, one after another) may see and change it.

    Start `argv(line)` in `folder`. `home` and `scratch` are private to the view too.
    """

    folder: Path
    home: Path
    scratch: Path
    prefix: tuple[str, ...]
    suffix: tuple[str, ...]
    started: Path | None

    def argv(self, line: str) -> list[str]:
        """Returns what runs the shell line `line` in the view."""
        return [*self.prefix, line, *self.suffix]

    def ran(self) -> bool:
        """Tells whether the last line was reached at all; forgets it."""
        if self.started is None:
            return True
        reached = self.started.exists()
        self.started.unlink(missing_ok=True)
        return reached


class Views:
    """Makes views below `folder`, which belongs to it alone."""

    def __init__(
        self, folder: Path, *, isolation: Literal["auto", "overlay", "copy"] = "auto"
    ) -> None:
        self._folder = folder
        self._count = 0
        remove_folder(folder / "views")
        (folder / "views").mkdir(parents=True)
        (folder / "mounted").mkdir(exist_ok=True)
        self.overlay = None if isolation == "copy" else self._find_overlay()
        if isolation == "overlay" and self.overlay is None:
            raise OSError("no overlay can be mounted here")

    @contextmanager
    def of(self, original: Path, number: int) -> Iterator[View]:
        """Yields a view of `original`, a folder below ours; it is gone afterwards."""
        place = self._folder / "views" / str(number)
        for name in ("upper", "work", "home", "tmp"):
            (place / name).mkdir(parents=True)
        try:
            yield self._view(original, place)
        finally:
            remove_folder(place)

    def _view(self, original: Path, place: Path) -> View:
        home, scratch = place / "home", place / "tmp"
        if self.overlay is None:
            copy = place / "tree"
            shutil.copytree(original, copy, symlinks=True)
            return View(
                folder=copy,
                home=home,
                scratch=scratch,
                prefix=("sh", "-c"),
                suffix=(),
                started=None,
            )
        lower = str(original.relative_to(self._folder))
        upper = str(place.relative_to(self._folder))
        launch, options = self.overlay.launch, self.overlay.options
        return View(
            folder=self._folder,
            home=home,
            scratch=scratch,
            prefix=(*launch, "sh", "-c", _SCRIPT, "overlay", lower, upper, options),
            suffix=self.overlay.ids,
            started=place / "started",
        )

    def _find_overlay(self) -> Overlay | None:
        lower = self._folder / "probe"
        for overlay in _candidates():
            self.overlay = overlay
            remove_folder(lower)
            (lower / "folder").mkdir(parents=True)
            for name in ("changed", "folder/old", "gone"):
                (lower / name).write_text("old\n")
            with self.of(lower, 0) as view:
                if _works(view) and _unchanged(lower):
                    remove_folder(lower)
                    return overlay
        remove_folder(lower)
        return None


def _candidates() -> Iterator[Overlay]:
    """Yields the ways to try, the one that leaves least behind first.

    With a pid namespace nothing that the command started outlives it, and with the death signal
    nothing outlives us: not even a SIGKILL leaves a gate running.
    """
    if shutil.which("unshare") is None:
        return
    user, group = str(os.getuid()), str(os.getgid())
    namespaces: list[tuple[tuple[str, ...], str, tuple[str, str]]] = []
    if user == "0":
        namespaces.append(((), ",redirect_dir=on", ("", "")))
        namespaces.append(((), "", ("", "")))
    namespaces.append((("-r",), ",userxattr", ("", "") if user == "0" else (user, group)))
    orphans = ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
    pids = ("-p", "-f", "--kill-child", "--mount-proc")
    for launch in ((*orphans, "unshare", "-m", *pids), ("unshare", "-m")):
        for users, options, ids in namespaces:
            yield Overlay((*launch, *users, "--"), options, ids)


def _works(view: View) -> bool:
    try:
        done = subprocess.run(
            view.argv(_PROBE),
            cwd=view.folder,
            env={"PATH": os.environ.get("PATH", os.defpath), "WANTED_UID": str(os.getuid())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout == b"hi\n" and view.ran()


def _unchanged(lower: Path) -> bool:
    names = ("changed", "folder/old", "gone")
    found = sorted(str(p.relative_to(lower)) for p in lower.rglob("*") if not p.is_dir())
    return found == sorted(names) and all((lower / n).read_text() == "old\n" for n in names)
