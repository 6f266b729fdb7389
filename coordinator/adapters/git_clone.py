"""The private clone: a full bare repository of our own, in which nothing of the user's applies."""

import shutil
from pathlib import Path

from coordinator.adapters.git_command import hermetic_environment, run
from coordinator.domain.errors import RepositoryError

_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tfsync = all
\tfsyncMethod = batch
\tlogAllRefUpdates = false
\thooksPath = /dev/null
[gc]
\tauto = 0
[maintenance]
\tauto = false
[remote "origin"]
\turl = {url}
"""
# A checkout of ours gives the bytes that are in the repository, whatever .gitattributes asks for.
_ATTRIBUTES = "* -text -filter -ident -working-tree-encoding -eol\n"


def create_private_clone(directory: str | Path, *, remote_url: str) -> Path:
    """Makes the bare repository, or puts right the settings of the one there; fetches nothing.

    Raises RepositoryError when it cannot.
    """
    path = Path(directory).absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _is_whole(path):
        finished = run(
            ["init", "--quiet", "--bare", "--template=", str(path)],
            directory=path.parent,
            # newer gits could choose others; ours reads refs and objects of these kinds
            environment=hermetic_environment(
                {"GIT_DEFAULT_HASH": "sha1", "GIT_DEFAULT_REF_FORMAT": "files"}
            ),
        )
        if finished.code != 0:
            raise RepositoryError(
                f"{path} could not be made: {finished.last_line}",
                hint="check that the folder is yours and that the disk is not full",
            )
    quoted = remote_url.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    _put(path / "config", _CONFIG.format(url=f'"{quoted}"'))
    _put(path / "info" / "attributes", _ATTRIBUTES)
    return path


def sweep_locks(directory: str | Path) -> tuple[str, ...]:
    """Removes what a killed git left locked, and returns the names; half-applied patches go too.

    For the private clone only, and only while we hold the singleton: nobody else works in it then.
    """
    path = Path(directory)
    found = [*path.glob("*.lock"), *(path / "info").glob("*.lock")]
    found += (path / "refs").rglob("*.lock")
    found += (path / "objects" / "info").rglob("*.lock")
    found += (path / "objects" / "pack").glob("*.lock")
    for lock in found:
        lock.unlink(missing_ok=True)
    for room in path.glob("patching-*"):
        shutil.rmtree(room, ignore_errors=True)
    return tuple(sorted(str(lock.relative_to(path)) for lock in found))


def _is_whole(path: Path) -> bool:
    return all((path / part).exists() for part in ("HEAD", "objects", "refs", "config"))


def _put(path: Path, text: str) -> None:
    if path.exists() and path.read_text("utf-8") == text:
        return
    path.parent.mkdir(exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text, "utf-8")
    fresh.replace(path)
