"""A scratch repository with everything that one attempt needs: the same pool, rooms and cells as in earnest."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from coordinator.adapters.attempt_pool import attempt_pool
from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.patches import Patches
from coordinator.adapters.pool_local import LocalPool
from coordinator.adapters.web import HttpWeb
from coordinator.domain.attempt import Spec
from coordinator.domain.names import EMPTY_TREE, Oid, RecordPaths, RepoPath
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy, Profile
from coordinator.domain.tree import Entry

_WHO = Signature(name="git-coordinator", email="coordinator@localhost", timestamp=0)
_WAIT_S = 30.0


class Scratch:
    """One such repository, while its context lasts."""

    def __init__(
        self, git: GitProcess, private: Path, pool: LocalPool, ended: threading.Event
    ) -> None:
        self._git = git
        self._pool = pool
        self._ended = ended
        self.objects = GitObjects(git, paths=RecordPaths)
        self.attempts = GitAttempts(git, self.objects, patches=Patches(private, git))

    def commit(self, files: Mapping[str, str]) -> Oid:
        """Returns a commit of `files`, which nothing came before."""
        edits = {
            RepoPath(path): Entry("100644", self.objects.blob(content.encode()))
            for path, content in files.items()
        }
        commit = self._git.commit(
            tree=self.objects.edit(EMPTY_TREE, edits),
            parents=(),
            message="scratch",
            author=_WHO,
            committer=_WHO,
            sign=False,
        )
        ref = f"refs/scratch/{commit}"
        self._git.set_refs((RefUpdate(ref=ref, expected=None, new=commit),))
        return commit

    def ask(self, spec: Spec, package: ContextPackage, profile: Profile) -> Output | NoOutput:
        """Returns what came of one attempt. Blocks until it ends."""
        self._ended.clear()
        self._pool.submit(spec, package, profile)
        self._ended.wait(profile.limits.wall_clock_s_max + _WAIT_S)
        found = [outcome for ended, outcome in self._pool.finished() if ended.id == spec.id]
        self._pool.acknowledge(spec.id)
        return found[0] if found else NoOutput(reason="it did not end")


@contextmanager
def scratch(folder: Path, policy: Policy, *, environment: Mapping[str, str]) -> Iterator[Scratch]:
    """Yields a scratch repository in `folder`, which must be empty."""
    private = create_private_clone(folder / "run" / "repo.git", remote_url="")
    ended = threading.Event()
    with GitProcess(private, remote_url="") as git:
        pool = attempt_pool(
            git,
            GitObjects(git, paths=RecordPaths),
            private=private,
            policy=lambda: policy,
            environment=environment,
            web=HttpWeb(),
            parallel_max=1,
            wake=ended.set,
        )
        try:
            yield Scratch(git, private, pool, ended)
        finally:
            pool.close()
