"""The composition root: what can be built, and who gets the committer (the coordinator alone)."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from coordinator import groundwork
from coordinator.adapters import faults, repository
from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.attempt_pool import CELLS, attempt_pool
from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.claims import RefClaims
from coordinator.adapters.co_change import GitCoChange
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.deploys import GitDeployRefs
from coordinator.adapters.follow import Follow
from coordinator.adapters.inbox import FolderInbox
from coordinator.adapters.journal import SqliteJournal
from coordinator.adapters.lanes import ThreadLanes
from coordinator.adapters.patches import Patches
from coordinator.adapters.reading import FileMemo
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.secrets import DetectSecrets
from coordinator.adapters.setups import Setups
from coordinator.adapters.targets import EnvironmentTargets
from coordinator.adapters.web import HttpWeb
from coordinator.config import Wiring
from coordinator.domain.errors import RepositoryError
from coordinator.domain.names import digest
from coordinator.domain.policy import Policy
from coordinator.groundwork import Ground
from coordinator.reconcile import Coordinator, Kit, Ports
from coordinator.reconcile.kit import Memory
from coordinator.services.observe import Observer

Around = Callable[[str, Any], Any]


def coordinator(
    wired: Wiring,
    checkout: repository.Checkout,
    *,
    wake: Callable[[], None],
    say: Callable[[Mapping[str, Any]], None],
    around: Around = faults.around,
) -> Coordinator:
    """Builds the daemon's coordinator; the singleton of the repository must be held.

    `around` wraps each port by name: fault points are the port calls.
    """
    base = groundwork.ground(wired)
    ports = _ports(base, wired, checkout, wake=wake, around=around)
    committer = GitCommitter(
        base.git,
        ports.objects,
        base.remote,
        branch=wired.branch,
        clock=base.clock,
        identity=lambda rules: _identity(rules, checkout),
        follow=Follow(checkout.top, base.private, branch=wired.branch),
        root=wired.refs_root,
    )
    observer = Observer(
        objects=ports.objects,
        attempts=ports.attempts,
        claims=ports.claims,
        remote=ports.remote,
        inbox=ports.inbox,
        journal=ports.journal,
        pool=ports.pool,
        deploys=ports.deploys,
        clock=base.clock,
        epoch=base.epoch,
        branch=wired.branch,
        refs_root=wired.refs_root,
        read_policy=base.read_policy,
    )
    return Coordinator(
        Kit(
            ports=ports,
            committer=around("committer", committer),
            observer=observer,
            memory=Memory(),
            epoch=base.epoch,
            branch=wired.branch,
            holder=holder_of(wired),
            say=say,
        )
    )


def _ports(
    base: Ground,
    wired: Wiring,
    checkout: repository.Checkout,
    *,
    wake: Callable[[], None],
    around: Around,
) -> Ports:
    git, clock, root = base.git, base.clock, wired.refs_root
    environment = os.environ  # not a copy: keys are taken out of it when a policy names them
    inbox = FolderInbox(wired.inbox, by=checkout.identity, clock=clock)
    inbox.prepare()
    claims = RefClaims(
        git,
        base.remote,
        epoch=base.epoch,
        clock=clock,
        lease_s=lambda: base.policy.lease_s,
        root=root,
    )
    objects = around("objects", base.objects)  # wrapped for attempts and committer too
    web = HttpWeb()
    pool = attempt_pool(
        git,
        base.objects,
        private=base.private,
        policy=lambda: base.policy,
        environment=base.keys,
        web=web,
        parallel_max=wired.attempts_parallel,
        wake=wake,
    )
    targets = EnvironmentTargets(
        git,
        repository=wired.repository,
        scratch=wired.run / "scratch",
        environment=environment,
    )
    deploys = GitDeployRefs(git, clock=clock, holder=holder_of(wired), root=root)
    attempts = GitAttempts(git, objects, root=root, patches=Patches(base.private, git))
    return Ports(
        clock=clock,
        inbox=around("inbox", inbox),
        objects=objects,
        attempts=around("attempts", attempts),
        claims=around("claims", claims),
        remote=around("remote", base.remote),
        checks=around("checks", _checks(base, wired, environment)),
        pool=around("pool", pool),
        targets=around("targets", targets),
        deploys=around("deploys", deploys),
        journal=around("journal", SqliteJournal(wired.run / "journal.sqlite3")),
        lanes=ThreadLanes(
            wake,
            clock=clock,
            command_threads=wired.command_threads,
            local_threads=wired.local_threads,
            interrupt=git.interrupt,
        ),
        secrets=DetectSecrets(),
        web=around("web", web),
        past=GitCoChange(git, FileMemo(wired.run / "memo")),
    )


def _checks(base: Ground, wired: Wiring, environment: Mapping[str, str]) -> CommandChecks:
    ways = AttemptDesks(wired.run / "ways", environment={}, tools=lambda *_: {})

    def way_out() -> AbstractContextManager[Path | None]:
        hosts = base.policy.network_hosts
        return ways.open_network(hosts) if hosts else nullcontext()

    return CommandChecks(
        Checkouts(base.git, wired.run / "checkouts", slots=max(2, wired.command_threads)),
        Sandbox(wired.run / CELLS),
        Setups(base.git, wired.run / "setups"),
        environment=environment,
        way_out=way_out,
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
