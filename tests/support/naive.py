"""What becomes of a hostile output where nobody looks: folders copied over a clone, patches written as they say.

Every check here is of the danger itself. Where one of these does not find it, the case that it belongs
to proves nothing, and its test fails.
"""

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

SECRET = "hunter2"
_S_MAX = 120


@dataclass(frozen=True, slots=True)
class Naive:
    """A plain clone, a folder in which the case has been, what it printed, and a place outside of both."""

    clone: Path
    work: Path
    outside: Path
    marker: Path
    said: bytes

    def git(self, *arguments: str, folder: Path | None = None, check: bool = True) -> str:
        """Runs git as a user would: with nothing switched off."""
        ended = subprocess.run(
            ["git", *arguments],
            cwd=folder or self.clone,
            env={**os.environ, "MARKER": str(self.marker)},
            capture_output=True,
            timeout=_S_MAX,
            check=False,
        )
        told = (ended.stdout + ended.stderr).decode("utf-8", "surrogateescape")
        assert ended.returncode == 0 or not check, told
        return told

    def copied(self) -> None:
        """Makes the clone look like the folder, its own .git folder included where there is one."""
        for entry in self.clone.iterdir():
            if entry.name != ".git":
                shutil.rmtree(
                    entry
                ) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
        subprocess.run(["cp", "-a", f"{self.work}/.", str(self.clone)], check=True, timeout=_S_MAX)


Bite = Callable[[Naive], None]


def naive(
    folder: Path, base: Path, script: str, environment: Mapping[str, str] | None = None
) -> Naive:
    """Runs the shell script of a case in a copy of `base` (a clone), confined by nothing."""
    clone, work, outside = folder / "clone", folder / "work", folder / "outside"
    subprocess.run(["cp", "-a", str(base), str(clone)], check=True, timeout=_S_MAX)
    subprocess.run(["cp", "-a", str(base), str(work)], check=True, timeout=_S_MAX)
    shutil.rmtree(work / ".git")
    outside.mkdir()
    (outside / "secret").write_text(SECRET)
    marker = folder / "marker"
    ended = subprocess.run(
        ["bash", "-ec", script],
        cwd=work,
        env={**os.environ, "MARKER": str(marker), "OUTSIDE": str(outside), **(environment or {})},
        capture_output=True,
        timeout=_S_MAX,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr.decode("utf-8", "replace")
    assert not marker.exists(), "the case runs its own marker"
    return Naive(clone, work, outside, marker, ended.stdout)


def in_tree(path: str, mode: str | None = None) -> Bite:
    """The path, with that mode, is in what `git add --all` makes of it."""

    def bite(there: Naive) -> None:
        there.copied()
        assert _entries(there).get(path, "") != "", sorted(_entries(there))
        assert mode in (None, _entries(there)[path]), _entries(there)[path]

    return bite


def edited(path: str) -> Bite:
    """The path differs in what `git add --all` makes of it."""

    def bite(there: Naive) -> None:
        there.copied()
        there.git("add", "--all", "--force")
        assert path in there.git("diff", "--cached", "--name-only", "-z").split("\0")

    return bite


def gone(path: str) -> Bite:
    """The path is no more in what `git add --all` makes of it."""

    def bite(there: Naive) -> None:
        assert path in _entries(there)
        there.copied()
        assert path not in _entries(there)

    return bite


def _entries(there: Naive) -> dict[str, str]:
    there.git("add", "--all", "--force")
    tree = there.git("write-tree").strip()
    lines = there.git("ls-tree", "-r", "-z", tree).split("\0")
    return {line.partition("\t")[2]: line.partition(" ")[0] for line in lines if line}


def runs(*arguments: str) -> Bite:
    """A git command in the clone runs what the worker wrote."""

    def bite(there: Naive) -> None:
        there.copied()
        there.git(*arguments, check=False)
        assert there.marker.exists()

    return bite


def runs_in(folder: str, *arguments: str) -> Bite:
    """A git command in a folder that came back runs what the worker wrote."""

    def bite(there: Naive) -> None:
        there.git(*arguments, folder=there.work / folder, check=False)
        assert there.marker.exists()

    return bite


def filters(*arguments: str) -> Bite:
    """A git command in the clone gives files to a program that only the user's settings name."""

    def bite(there: Naive) -> None:
        there.git("config", "filter.own.clean", 'touch "$MARKER"; cat')
        there.copied()
        there.git(*arguments)
        assert there.marker.exists()

    return bite


def hangs(path: str) -> Bite:
    """Reading it never ends."""

    def bite(there: Naive) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(["cat", str(there.work / path)], timeout=0.3, check=False)
            message = "it could be read"
            raise AssertionError(message)

    return bite


def breaks(path: str) -> Bite:
    """Reading it raises what nobody expects of a file."""

    def bite(there: Naive) -> None:
        try:
            (there.work / path).read_bytes()
        except OSError:
            return
        message = "it could be read"
        raise AssertionError(message)

    return bite


def reads_outside(path: str) -> Bite:
    """Reading it gives what is outside."""

    def bite(there: Naive) -> None:
        assert SECRET in (there.work / path).read_text()

    return bite


def writes_outside(path: str, lands: str) -> Bite:
    """Writing it, as the next edit would, writes outside."""

    def bite(there: Naive) -> None:
        (there.work / path).write_text("overwritten")
        assert (there.outside / lands).read_text() == "overwritten"

    return bite


def endless(path: str) -> Bite:
    """A walk that follows links finds the same files again below it."""

    def bite(there: Naive) -> None:
        assert (there.work / path / path / path / "docs" / "a.md").exists()

    return bite


def shared(one: str, other: str) -> Bite:
    """A change of one file is a change of the other."""

    def bite(there: Naive) -> None:
        with (there.work / one).open("a") as file:
            file.write("more")
        assert (there.work / other).read_text().endswith("more")

    return bite


def as_owner(path: str) -> Bite:
    """The copy runs as its owner, whoever starts it."""

    def bite(there: Naive) -> None:
        there.copied()
        assert (there.clone / path).stat().st_mode & 0o6000

    return bite


def plumbed(path: str) -> Bite:
    """Trees made with plumbing hold the name, which git elsewhere takes for its own."""

    def bite(there: Naive) -> None:
        assert os.path.lexists(there.work / path)
        blob = subprocess.run(
            ["git", "hash-object", "-w", "--stdin"],
            cwd=there.clone,
            input=b"x",
            capture_output=True,
            check=True,
        )
        oid = blob.stdout.decode().strip()
        kind, mode = "blob", "100644"
        for part in reversed(path.split("/")):
            made = subprocess.run(
                ["git", "mktree", "-z"],
                cwd=there.clone,
                input=f"{mode} {kind} {oid}\t{part}\0".encode(),
                capture_output=True,
                check=True,
            )
            oid, kind, mode = made.stdout.decode().strip(), "tree", "040000"
        safe = ("-c", "core.protectNTFS=true", "-c", "core.protectHFS=true")
        assert "invalid path" in there.git(*safe, "read-tree", oid, check=False)

    return bite


def larger(path: str, than: int) -> Bite:
    """It is there in full size."""

    def bite(there: Naive) -> None:
        there.copied()
        assert (there.clone / path).stat().st_size > than

    return bite


def many(count: int) -> Bite:
    """All of them are in what `git add --all` makes of it."""

    def bite(there: Naive) -> None:
        there.copied()
        assert len(_entries(there)) > count

    return bite


def written(path: str) -> Bite:
    """A program that writes the files of a patch where the patch says so writes it."""

    def bite(there: Naive) -> None:
        target = Path(os.path.normpath(there.clone / path))
        before = target.read_bytes() if target.exists() else None
        _write(there)
        assert target.exists()
        assert target.read_bytes() != before

    return bite


def written_outside(name: str) -> Bite:
    """The same, outside of the clone."""

    def bite(there: Naive) -> None:
        _write(there)
        assert (there.outside / name).exists()

    return bite


def _write(there: Naive) -> None:
    """Writes files as many a tool does: by the +++ lines of a patch, or the paths of an answer."""
    if there.said.startswith(b"{"):
        for said in json.loads(there.said)["edits"]:
            target = there.clone / said["path"]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(said["content"])
        return
    target, mode = None, ""
    for line in there.said.decode().splitlines():
        if line.startswith("new file mode"):
            mode = line.split()[-1]
        elif line.startswith("+++ "):
            name = line[4:].strip('"').removeprefix("b/").replace("\\056", ".")
            target = there.clone / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if mode != "120000":
                target.write_text("")
        elif line.startswith("+") and target is not None:
            if mode == "120000":
                target.symlink_to(line[1:])
                mode = ""
            else:
                with target.open("a") as file:
                    file.write(line[1:] + "\n")


def applied(path: str, mode: str | None = None, *options: str) -> Bite:
    """`git apply` puts it into the tree (with an empty mode: takes it away)."""

    def bite(there: Naive) -> None:
        patch = there.work.parent / "patch"
        patch.write_bytes(there.said)
        there.git("apply", "--cached", *options, str(patch))
        lines = there.git("ls-files", "-s", "-z").split("\0")
        found = {line.partition("\t")[2]: line.partition(" ")[0] for line in lines}
        if mode == "":
            assert path not in found
        else:
            assert mode in (None, found[path])

    return bite


def inflated(path: str, than: int) -> Bite:
    """`git apply` writes a file many times the size of the patch."""

    def bite(there: Naive) -> None:
        assert len(there.said) * 20 < than
        patch = there.work.parent / "patch"
        patch.write_bytes(there.said)
        there.git("apply", str(patch))
        assert (there.clone / path).stat().st_size > than

    return bite


def says(*what: str) -> Bite:
    """What it prints is on the terminal, and in the file, as it is."""

    def bite(there: Naive) -> None:
        assert all(one.encode() in there.said for one in what)

    return bite


def signs(*trailers: str) -> Bite:
    """A commit whose message is what it printed has these trailers."""

    def bite(there: Naive) -> None:
        ended = subprocess.run(
            ["git", "interpret-trailers", "--parse"],
            input=b"land: so\n\n" + there.said,
            capture_output=True,
            check=True,
        )
        assert ended.stdout.decode().splitlines() == list(trailers)

    return bite
