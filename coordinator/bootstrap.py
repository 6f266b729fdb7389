"""The composition root: what can be built, and who gets the committer (the coordinator alone)."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from coordinator import config
from coordinator.adapters import faults, repository
from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.claims import RefClaims
from coordinator.adapters.clock import SystemClock
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.deploys import GitDeployRefs
from coordinator.adapters.follow import Follow
from coordinator.adapters.git_process import GitProcess, create_private_clone, sweep_locks
from coordinator.adapters.inbox import FolderInbox
from coordinator.adapters.journal import SqliteJournal
from coordinator.adapters.lanes import ThreadLanes
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.pool_local import LocalPool
from coordinator.adapters.remote import GitRemote
from coordinator.adapters.secrets import DetectSecrets
from coordinator.adapters.targets import EnvironmentTargets
from coordinator.config import Wiring
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import Epoch, RecordPaths, digest
from coordinator.domain.policy import Policy
from coordinator.reconcile import Coordinator, Kit, Ports
from coordinator.reconcile.kit import Memory
from coordinator.services.observe import Observer

Around = Callable[[str, Any], Any]


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
        remote_url=checkout.remotes[remote],
        branch=checkout.branch or "main",
    )
    return wired, checkout


def coordinator(
    path: Path,
    *,
    wake: Callable[[], None],
    say: Callable[[Mapping[str, Any]], None],
    around: Around = faults.around,
) -> Coordinator:
    """Builds the daemon's coordinator; the singleton of the repository must be held.

    `around` wraps each port by name: fault points are the port calls.
    """
    wired, checkout = wiring(path)
    clock = SystemClock()
    epoch = Epoch(clock.nonce())
    private = create_private_clone(wired.run / "repo.git", remote_url=wired.remote_url)
    sweep_locks(private)
    git = GitProcess(private, remote_url=wired.remote_url, user_directory=wired.repository)
    lanes = ThreadLanes(
        wake,
        clock=clock,
        command_threads=wired.command_threads,
        local_threads=wired.local_threads,
    )
    policy: list[Policy] = [config.read_policy(None)]
    objects = GitObjects(git, paths=lambda: wired.paths)
    remote = GitRemote(
        git, branch=wired.branch, clock=clock, paths=lambda: wired.paths, root=wired.refs_root
    )
    claims = RefClaims(
        git,
        remote,
        epoch=epoch,
        clock=clock,
        lease_s=lambda: policy[0].lease_s,
        root=wired.refs_root,
    )
    holder = holder_of(wired)
    inbox = FolderInbox(wired.inbox, by=checkout.identity, clock=clock)
    inbox.prepare()
    checkouts = Checkouts(git, wired.run / "checkouts")
    environment = dict(os.environ)
    ports = Ports(
        clock=clock,
        inbox=around("inbox", inbox),
        objects=around("objects", objects),
        attempts=around("attempts", GitAttempts(git, objects, root=wired.refs_root)),
        claims=around("claims", claims),
        remote=around("remote", remote),
        checks=around("checks", CommandChecks(checkouts, environment=environment)),
        pool=around(
            "pool",
            LocalPool(git_dir=private, wake=wake, parallel_max=wired.attempts_parallel),
        ),
        targets=around(
            "targets",
            EnvironmentTargets(
                git,
                repository=wired.repository,
                scratch=wired.run / "scratch",
                environment=environment,
            ),
        ),
        deploys=around(
            "deploys", GitDeployRefs(git, clock=clock, holder=holder, root=wired.refs_root)
        ),
        journal=around("journal", SqliteJournal(wired.run / "journal.sqlite3")),
        lanes=lanes,
        secrets=DetectSecrets(),
    )
    committer = GitCommitter(
        git,
        objects,
        remote,
        branch=wired.branch,
        clock=clock,
        identity=lambda rules: _identity(rules, checkout),
        follow=Follow(checkout.top, private, branch=wired.branch),
        root=wired.refs_root,
    )

    def read_policy(text: bytes | None) -> Policy:
        policy[0] = config.read_policy(text)
        return policy[0]

    observer = Observer(
        objects=ports.objects,
        attempts=ports.attempts,
        claims=ports.claims,
        remote=ports.remote,
        inbox=ports.inbox,
        journal=ports.journal,
        pool=ports.pool,
        deploys=ports.deploys,
        clock=clock,
        epoch=epoch,
        branch=wired.branch,
        refs_root=wired.refs_root,
        read_policy=read_policy,
    )
    return Coordinator(
        Kit(
            ports=ports,
            committer=around("committer", committer),
            observer=observer,
            memory=Memory(),
            epoch=epoch,
            branch=wired.branch,
            holder=holder,
            say=say,
        )
    )


def holder_of(wired: Wiring) -> str:
    """Returns what this machine and work tree are called in deploy refs: the same after a restart."""
    where = digest(f"{socket.gethostname()}:{wired.repository}".encode())
    return where.removeprefix("sha256:")[:16]


def _identity(policy: Policy, checkout: repository.Checkout) -> tuple[str, str]:
    name = policy.commit.name or checkout.name
    email = policy.commit.email or checkout.email
    if not (name and email):
        raise RepositoryError(
            "git does not know who commits",
            hint="set `[commit] name` and `email` in .orchestrator/config.toml, or "
            '`git config --global user.name "..."` and user.email',
        )
    return name, email


def _committed_config(checkout: repository.Checkout) -> bytes | None:
    """Returns config.toml as the private clone last saw it, for a checkout that has not pulled it."""
    if not (checkout.private / "HEAD").exists():
        return None
    with GitProcess(checkout.private, remote_url="") as git:
        objects = GitObjects(git, paths=RecordPaths)
        tip = git.refs("refs/mirror/branch").get("refs/mirror/branch")
        return objects.read(objects.tree_of(tip), config.CONFIG_FILE) if tip else None
