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
        return None if merged.code == 0 else f"git would not fast-forward: {merged.last_line}"

    def _git(self, *arguments: str) -> Finished:
        return run(
            arguments,
            environment=user_environment(),
            directory=self._top,
            timeout_s_max=_TIMEOUT_S,
        )
