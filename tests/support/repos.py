"""Real repositories, fast: made once, then copied."""

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

Content = str | bytes | None

SITE: Mapping[str, Content] = {
    ".gitignore": "/.orchestrator/run/\n/briefs/inbox/\n",
    "README.md": "# A site\n\nSee [the guide](docs/guide.md).\n",
    "docs/guide.md": "# Guide\n\nBack to [the start](../README.md).\n",
    "public/index.html": '<a href="about.html">About</a>\n',
    "public/about.html": '<a href="index.html">Home</a>\n',
    "public/sitemap.xml": "<urlset><url><loc>https://site.example/</loc></url></urlset>\n",
}


@dataclass(frozen=True, slots=True)
class Site:
    """A checkout (`repo`, on main) whose remote `origin` is the bare repository `hub`."""

    repo: Path
    hub: Path

    @property
    def tip(self) -> str:
        """Returns the commit at main on the hub."""
        return git(self.hub, "rev-parse", "refs/heads/main")


def git(repo: Path, *arguments: str, stdin: bytes = b"", check: bool = True) -> str:
    """Runs git in `repo` and returns what it printed, without the last newline."""
    finished = subprocess.run(
        ["git", "-C", str(repo), *arguments], input=stdin, capture_output=True, check=False
    )
    if check and finished.returncode != 0:
        said = finished.stderr.decode("utf-8", "replace")
        raise AssertionError(f"git {' '.join(arguments)} in {repo}: {said}")
    return finished.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def assert_whole(repository: Path) -> None:
    """Asserts that git finds no fault in a bare repository, and that nobody left a lock there."""
    checked = subprocess.run(
        ["git", "-C", str(repository), "fsck", "--strict", "--full", "--no-dangling"],
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{checked.stdout}{checked.stderr}".splitlines()
    faults = [line for line in said if not line.startswith("notice:")]  # it has no HEAD
    assert (checked.returncode, faults) == (0, []), repository
    assert not [*(repository / "refs").rglob("*.lock"), *repository.glob("*.lock")], repository


def make_site(folder: Path, files: Mapping[str, Content] = SITE) -> Site:
    """Returns a repository and its hub with one commit, pushed."""
    return copy_site(_template(tuple(sorted(files.items()))), folder)


def copy_site(template: Path, folder: Path) -> Site:
    """Copies `repo` and `hub.git` of a folder into another one, where they know each other."""
    folder.mkdir(parents=True, exist_ok=True)
    site = Site(repo=folder / "repo", hub=folder / "hub.git")
    shutil.copytree(template / "repo", site.repo, symlinks=True)
    shutil.copytree(template / "hub.git", site.hub, symlinks=True)
    for file in (site.repo / ".git/config", site.repo / ".orchestrator/run/repo.git/config"):
        if file.exists():
            file.write_text(file.read_text().replace(str(template), str(folder)))
    return site


def commit_files(repo: Path, files: Mapping[str, Content], message: str = "change") -> str:
    """Writes files (None removes one), commits all of it and returns the commit."""
    for path, content in files.items():
        target = repo / path
        if content is None:
            target.unlink()
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    git(repo, "add", "--all", "--force", "--", *files)
    git(repo, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repo, "rev-parse", "HEAD")


def push_files(site: Site, files: Mapping[str, Content], message: str = "change") -> str:
    """Commits files in the checkout and pushes main."""
    commit = commit_files(site.repo, files, message)
    git(site.repo, "push", "--quiet", "origin", "HEAD:main")
    return commit


@functools.lru_cache(maxsize=32)
def _template(files: tuple[tuple[str, Content], ...]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="coordinator-tests-", dir=os.environ["HOME"]))
    repo, hub = folder / "repo", folder / "hub.git"
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    git(folder, "init", "--quiet", "--initial-branch=main", str(repo))
    git(repo, "remote", "add", "origin", str(hub))
    commit_files(repo, dict(files), "start")
    git(repo, "push", "--quiet", "--set-upstream", "origin", "main")
    return folder
