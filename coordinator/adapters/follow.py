"""Fast-forwards the user's checkout after a landing, where the house says so; or says why not."""

from pathlib import Path

from coordinator.adapters.git_command import Finished, run, user_environment
from coordinator.domain.names import Oid

_TIMEOUT_S = 60.0


class Follow:
    """`git merge --ff-only --no-overwrite-ignore`: refuses whatever would lose work (measured)."""

    def __init__(self, top: Path, private: Path, *, branch: str) -> None:
        self._top = top
        self._private = private
        self._branch = branch

    def __call__(self, landed: Oid) -> str | None:
        """Returns None when the checkout is at `landed`, else why it stays where it is."""
        head = self._git("symbolic-ref", "--quiet", "HEAD")
        if head.code != 0 or head.out.decode().strip() != f"refs/heads/{self._branch}":
            return f"the checkout is not on {self._branch}"
        fetched = self._git(
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            str(self._private),
            "refs/mirror/known",
        )
        if fetched.code != 0:
            return f"the landing could not be brought into the checkout: {fetched.last_line}"
        merged = self._git("merge", "--ff-only", "--no-overwrite-ignore", "--quiet", landed)
        return None if merged.code == 0 else _why(merged)

    def _git(self, *arguments: str) -> Finished:
        return run(
            arguments,
            environment=user_environment(),
            directory=self._top,
            timeout_s_max=_TIMEOUT_S,
        )


def _why(merged: Finished) -> str:
    """Returns what git said, with the files that it named, and what brings the checkout up to date."""
    lines = merged.said.splitlines()
    files = ", ".join(line.strip() for line in lines if line.startswith("\t"))
    said = merged.last_line.removeprefix("error: ").removeprefix("fatal: ").rstrip(".:")
    said = f"{said}: {files}" if files else said
    return f"git would not fast-forward: {said} (commit or stash it, then `git pull --ff-only`)"
