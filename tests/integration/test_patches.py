"""Patches of workers, applied by a real git: what they make is a tree that is judged, or a reason."""

import difflib
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from coordinator.adapters.git_clone import create_private_clone, sweep_locks
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.patches import BYTES_MAX, PATCH_BYTES_MAX, Patches
from coordinator.domain.names import Oid, RecordPaths, RepoPath
from coordinator.domain.output import RefusedEntry
from coordinator.domain.tree import Entry
from tests.support.repos import git as run_git
from tests.support.trees import Content, Trees

SITE: Mapping[str, Content] = {
    "README.md": "# Site\n",
    "docs/a.md": "one\ntwo\nthree\n",
    "docs/link": ("120000", b"../README.md"),
    "docs/run.sh": ("100755", b"true\n"),
    "memory/plan.md": "- plan\n",
    "vendor/lib": ("160000", b"1" * 40),
}
GITLINK = "1" * 40


class Desk:
    def __init__(self, folder: Path, git: GitProcess) -> None:
        self.folder = folder
        self.trees = Trees(git)
        self.objects = GitObjects(git, paths=RecordPaths)
        self.patches = Patches(folder, git)
        self.tree = self.trees.tree(SITE)

    def changed(self, patch: str) -> dict[str, tuple[str, bytes] | None]:
        """Returns mode and content by changed path; a refusal fails."""
        made = self.patches.applied(self.tree, patch)
        assert isinstance(made, str), made
        return {c.path: self._file(c.after) for c in self.objects.diff(self.tree, Oid(made))}

    def _file(self, entry: Entry | None) -> tuple[str, bytes] | None:
        if entry is None:
            return None
        is_link = entry.mode == "160000"
        return entry.mode, b"" if is_link else self.objects.content(entry.oid)

    def refused(self, patch: str) -> RefusedEntry:
        """Returns the refusal; a patch that applies fails."""
        made = self.patches.applied(self.tree, patch)
        assert isinstance(made, RefusedEntry), self.changed(patch)
        return made

    def loose(self) -> set[str]:
        return {path.parent.name + path.name for path in self.folder.glob("objects/??/*")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    folder = create_private_clone(tmp_path / "a:b" / "private.git", remote_url=str(tmp_path))
    git = GitProcess(folder, remote_url=str(tmp_path))
    yield Desk(folder, git)
    git.close()


def text(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def diff(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
    )
    return "".join(lines)


def new(path: str, content: str, mode: str = "100644") -> str:
    lines = content.removesuffix("\n").split("\n")
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n"
        f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines)
    )


def test_a_patch_becomes_the_tree_that_it_says(desk: Desk) -> None:
    patch = diff("docs/a.md", "one\ntwo\nthree\n", "one\n2\nthree\n") + new("docs/n/m.md", "new\n")
    assert desk.changed(patch) == {
        "docs/a.md": ("100644", b"one\n2\nthree\n"),
        "docs/n/m.md": ("100644", b"new\n"),
    }


def test_a_patch_that_says_nothing_changes_nothing(desk: Desk) -> None:
    assert desk.changed("") == desk.changed(" \n\n") == {}


def test_only_what_the_resulting_tree_names_is_kept(desk: Desk) -> None:
    before = desk.loose()
    made = desk.patches.applied(desk.tree, new("docs/n.md", "x\n"))
    assert isinstance(made, str)
    assert len(desk.loose() - before) == 3  # the file, docs, and the top
    run_git(desk.folder, "fsck", "--strict", "--connectivity-only", made)
    before = desk.loose()
    desk.refused(new("docs/n2.md", "kept nowhere\n") + diff("docs/a.md", "no\n", "yes\n"))
    desk.refused(new("docs/n3.md", "kept nowhere\n") + new("docs/big", "x" * 11_000_000))
    assert desk.loose() == before
    assert list(desk.folder.glob("patching-*")) == []


def test_what_a_killed_git_left_is_swept(desk: Desk) -> None:
    left = desk.folder / "patching-old" / "objects"
    left.mkdir(parents=True)
    sweep_locks(desk.folder)
    assert not left.parent.exists()


@pytest.mark.parametrize(
    ("patch", "changed"),
    [
        (new("docs/s", "/etc/passwd", "120000"), {"docs/s": "120000"}),
        (new("docs/x.sh", "true", "100755"), {"docs/x.sh": "100755"}),
        (
            "diff --git a/docs/a.md b/docs/a.md\nold mode 100644\nnew mode 100755\n",
            {"docs/a.md": "100755"},
        ),
        (new("sub", f"Subproject commit {GITLINK}", "160000"), {"sub": "160000"}),
        (
            text(
                "diff --git a/memory/plan.md b/docs/plan.md",
                "similarity index 100%",
                "rename from memory/plan.md",
                "rename to docs/plan.md",
            ),
            {"memory/plan.md": None, "docs/plan.md": "100644"},
        ),
        (
            text(
                "diff --git a/docs/a.md b/memory/a.md",
                "similarity index 100%",
                "copy from docs/a.md",
                "copy to memory/a.md",
            ),
            {"memory/a.md": "100644"},
        ),
        (
            text(
                "diff --git a/docs/a.md b/docs/a.md",
                "--- a/docs/a.md",
                "+++ b/memory/plan.md",
                "@@ -1,3 +1,3 @@",
                "-one",
                "+x",
                " two",
                " three",
            ),
            {"docs/a.md": None, "memory/plan.md": "100644"},
        ),
        (new(".gitattributes", "* filter=evil"), {".gitattributes": "100644"}),
        (new("MEMORY/plan.md", "mine"), {"MEMORY/plan.md": "100644"}),
        (
            "diff --git a/docs/link b/docs/link\ndeleted file mode 120000\n--- a/docs/link\n"
            "+++ /dev/null\n@@ -1 +0,0 @@\n-../README.md\n\\ No newline at end of file\n"
            + new("docs/link/x", "through it"),
            {"docs/link": None, "docs/link/x": "100644"},
        ),
    ],
)
def test_what_the_screen_must_see_is_in_the_resulting_tree(
    desk: Desk, patch: str, changed: dict[str, str | None]
) -> None:
    assert {path: what and what[0] for path, what in desk.changed(patch).items()} == changed


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ("this is no patch\n", "No valid patches in input"),
        (diff("docs/a.md", "other\n", "x\n"), "patch does not apply"),
        (diff("docs/gone.md", "a\n", "b\n"), "does not exist in index"),
        (new("README.md", "x"), "already exists in index"),
        (new("../escaped", "x"), "invalid path '../escaped'"),
        (new("docs/../../escaped", "x"), "invalid path"),
        ("--- /dev/null\n+++ b//etc/x\n@@ -0,0 +1 @@\n+x\n", "invalid path"),
        (new(".git/config", "[core]"), "invalid path '.git/config'"),
        (new("docs/.GIT/hooks/x", "x"), "invalid path"),
        (new("git~1/config", "x"), "invalid path"),
        (new("docs/.g\u200cit/config", "x"), "invalid path"),
        (new(".git . /config", "x"), "invalid path"),
        (new(".git::$INDEX_ALLOCATION/config", "x"), "invalid path"),
        (
            text(
                'diff --git "a/\\056git/config" "b/\\056git/config"',
                "new file mode 100644",
                "--- /dev/null",
                '+++ "b/\\056git/config"',
                "@@ -0,0 +1 @@",
                "+x",
            ),
            "invalid path",
        ),
        (new("docs/link/x", "through it"), "beyond a symbolic link"),
        (new("s", "/etc", "120000") + new("s/passwd", "x"), "beyond a symbolic link"),
        (
            text(
                "diff --git a/docs/a.md b/.git/a.md",
                "similarity index 100%",
                "rename from docs/a.md",
                "rename to .git/a.md",
            ),
            "invalid path",
        ),
        (
            text(
                "diff --git a/docs/a.md b/docs/a.md",
                "--- a/docs/a.md",
                "+++ b/docs/a.md",
                "@@ -1,9 +1,9 @@",
                "-one",
                "+x",
            ),
            "corrupt patch",
        ),
        (new("docs/n", "x", "1006zz"), "mode"),
    ],
)
def test_what_git_does_not_apply_is_refused_with_its_reason(
    desk: Desk, patch: str, why: str
) -> None:
    refused = desk.refused(patch)
    assert (refused.path, refused.code) == ("the patch", "patch")
    assert why in refused.why


def test_a_reason_steers_no_terminal(desk: Desk) -> None:
    refused = desk.refused(diff("docs/\x1b[31mred\u202e.md", "a\n", "b\n"))
    assert refused.why.isprintable()


def test_a_binary_file_comes_in_whole_and_a_bomb_does_not(desk: Desk, tmp_path: Path) -> None:
    assert desk.changed(binary(tmp_path, b"\x00\x01\x02" * 100))["art"] == (
        "100644",
        b"\x00\x01\x02" * 100,
    )
    bomb = binary(tmp_path, bytes(BYTES_MAX + 1))
    assert len(bomb) < BYTES_MAX / 100
    assert desk.refused(bomb).code == "too-large"


def test_a_bomb_larger_than_memory_may_be_ends_git_and_not_us(desk: Desk, tmp_path: Path) -> None:
    lines = binary(tmp_path, bytes(1_000_000)).splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("literal"))
    lines[at] = f"literal {50_000_000_000}\n"
    assert desk.refused("".join(lines)).code == "patch"


def test_a_patch_over_the_size_is_not_given_to_git(desk: Desk) -> None:
    refused = desk.refused(new("docs/n", "x" * PATCH_BYTES_MAX))
    assert refused.code == "too-large"
    assert str(PATCH_BYTES_MAX) in refused.why


def test_a_patch_of_thousands_of_files_is_one_refusal(desk: Desk) -> None:
    assert desk.refused("".join(new(f"n/{i}", "x") for i in range(5_001))).code == "too-many"


def test_settings_and_attributes_of_others_do_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "settings"
    settings.write_text("[apply]\n\twhitespace = error\n[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "stray"))
    assert desk.changed(new("docs/n", "x  \r"))["docs/n"] == ("100644", b"x  \r\n")
    assert not (tmp_path / "stray").exists()


def binary(folder: Path, content: bytes) -> str:
    """Returns the patch that git itself makes of a new binary file."""
    repo = folder / "binary"
    if not repo.exists():
        run_git(folder, "init", "--quiet", str(repo))
    (repo / "art").write_bytes(content)
    run_git(repo, "add", "art")
    ended = subprocess.run(
        ["git", "diff", "--cached", "--binary", "4b825dc642cb6eb9a060e54bf8d69288fbee4904"],
        cwd=repo,
        capture_output=True,
        check=True,
    )
    return ended.stdout.decode()


def test_a_path_is_judged_in_the_tree_and_not_in_the_header(desk: Desk) -> None:
    patch = "--- a/docs/a.md\n+++ b/docs/a.md\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"
    assert list(desk.changed(patch)) == [RepoPath("docs/a.md")]
