"""What a daemon stands on before it is put together: its wiring, its private clone, and the branch it knows."""

import os
from collections.abc import Mapping
from pathlib import Path

from coordinator import config
from coordinator.adapters import repository
from coordinator.adapters.clock import SystemClock
from coordinator.adapters.git_process import GitProcess, create_private_clone, sweep_locks
from coordinator.adapters.keys import Keys
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.remote import GitRemote
from coordinator.config import Wiring
from coordinator.domain.errors import RepositoryError, UnreachableError
from coordinator.domain.names import Epoch, Oid, RecordPaths
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Rewritten, Synced, Unreachable

_OID_CHARS_MIN = 7


def wiring(path: Path) -> tuple[Wiring, repository.Checkout]:
    """Reads how the repository at `path` is wired. Raises RepositoryError or ConfigError."""
    repository.forget_surroundings()
    checkout = repository.find(path)
    repository.require_born(checkout)
    file = checkout.top / ".orchestrator" / "config.toml"
    text = file.read_bytes() if file.is_file() else _committed_config(checkout)
    remote = checkout.remote(config.remote_name(text))
    wired = config.read_wiring(
        checkout.top,
        text,
        remote=remote,
        remote_url=checkout.remotes[remote],
        branch=checkout.branch or "main",
    )
    return wired, checkout


class Ground:
    """What several ports are built over: git, the clock, and the policy as last read."""

    def __init__(self, private: Path, wired: Wiring) -> None:
        self.private = private
        self.clock = SystemClock()
        self.epoch = Epoch(self.clock.nonce())
        self.git = GitProcess(private, remote_url=wired.remote_url, user_directory=wired.repository)
        self.objects = GitObjects(self.git, paths=lambda: wired.paths)
        self.remote = GitRemote(
            self.git,
            branch=wired.branch,
            clock=self.clock,
            paths=lambda: wired.paths,
            root=wired.refs_root,
        )
        self.keys = Keys(os.environ)
        self.keys.take(
            wired.key_variables
        )  # before the first fetch, which shows the policy at the tip
        self.policy = self.read_policy(None, {}, None)

    def read_policy(
        self, text: bytes | None, worker_texts: Mapping[str, bytes], doctrine: bytes | None
    ) -> Policy:
        """Returns the policy that the texts say, and takes its keys out of the environment."""
        self.policy = config.read_policy(text, worker_texts, doctrine)
        self.keys.take(endpoint.key_env for endpoint in self.policy.endpoints)
        return self.policy


def ground(wired: Wiring) -> Ground:
    """Returns it; the singleton of the repository must be held."""
    private = create_private_clone(wired.run / "repo.git", remote_url=wired.remote_url)
    sweep_locks(private)
    return Ground(private, wired)


def accept_rewritten(wired: Wiring, wanted: str | None) -> Rewritten | None:
    """Goes on at the rewritten branch of the remote, because a person says so (rule P5).

    `wanted` is the commit that they have looked at, or its beginning: what was pushed there since is
    not taken. Returns None when nobody wants that, or it has been taken before. The singleton must be
    held. Raises RepositoryError or UnreachableError.
    """
    if wanted is None:
        return None
    base = ground(wired)
    with base.git:
        match base.remote.sync():
            case Unreachable(reason=reason, hint=hint):
                raise UnreachableError(reason, hint=hint)
            case Synced(tip=tip):
                if _names(wanted, tip):
                    return None
                raise RepositoryError(
                    f"the remote branch is not rewritten; it is at {tip[:12]}",
                    hint="run without --accept-rewritten",
                )
            case Rewritten(found=found) as rewritten:
                if not _names(wanted, found):
                    raise RepositoryError(
                        f"the rewritten branch is at {found[:12]}, not at {wanted}",
                        hint="look at what is there now; `--accept-rewritten` takes exactly one commit",
                    )
                base.remote.accept_rewritten(found)
                return rewritten


def _names(wanted: str, commit: Oid) -> bool:
    return len(wanted) >= _OID_CHARS_MIN and commit.startswith(wanted.lower())


def _committed_config(checkout: repository.Checkout) -> bytes | None:
    """Returns config.toml as the private clone last saw it, for a checkout that has not pulled it."""
    if not (checkout.private / "HEAD").exists():
        return None
    with GitProcess(checkout.private, remote_url="") as git:
        objects = GitObjects(git, paths=RecordPaths)
        tip = git.refs("refs/mirror/branch").get("refs/mirror/branch")
        return objects.read(objects.tree_of(tip), config.CONFIG_FILE) if tip else None
