"""The composition root: what can be built, and who gets the committer (the coordinator alone)."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from coordinator import config
from coordinator.adapters import faults, repository
from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.attempt_pool import CELLS, attempt_pool
from coordinator.adapters.attempts import GitAttempts
from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.checks import CommandChecks
from coordinator.adapters.claims import RefClaims
from coordinator.adapters.clock import SystemClock
from coordinator.adapters.co_change import GitCoChange
from coordinator.adapters.committer import GitCommitter
from coordinator.adapters.deploys import GitDeployRefs
from coordinator.adapters.follow import Follow
from coordinator.adapters.git_process import GitProcess, create_private_clone, sweep_locks
from coordinator.adapters.inbox import FolderInbox
from coordinator.adapters.journal import SqliteJournal
from coordinator.adapters.keys import Keys
from coordinator.adapters.lanes import ThreadLanes
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.patches import Patches
from coordinator.adapters.reading import FileMemo
from coordinator.adapters.remote import GitRemote
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.secrets import DetectSecrets
from coordinator.adapters.setups import Setups
from coordinator.adapters.targets import EnvironmentTargets
from coordinator.adapters.web import HttpWeb
from coordinator.config import Wiring
from coordinator.domain.errors import RepositoryError, UnreachableError
from coordinator.domain.names import Epoch, Oid, RecordPaths, digest
from coordinator.domain.policy import Policy
from coordinator.domain.proof import Rewritten, Synced, Unreachable
from coordinator.reconcile import Coordinator, Kit, Ports
from coordinator.reconcile.kit import Memory
from coordinator.services.observe import Observer

Around = Callable[[str, Any], Any]
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
    base = _base(wired)
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


def accept_rewritten(wired: Wiring, wanted: str | None) -> Rewritten | None:
    """Goes on at the rewritten branch of the remote, because a person says so (rule P5).

    `wanted` is the commit that they have looked at, or its beginning: what was pushed there since is
    not taken. Returns None when nobody wants that, or it has been taken before. The singleton must be
    held. Raises RepositoryError or UnreachableError.
    """
    if wanted is None:
        return None
    base = _base(wired)
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


class _Base:
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
        self.policy = config.read_policy(text, worker_texts, doctrine)
        self.keys.take(endpoint.key_env for endpoint in self.policy.endpoints)
        return self.policy


def _base(wired: Wiring) -> _Base:
    private = create_private_clone(wired.run / "repo.git", remote_url=wired.remote_url)
    sweep_locks(private)
    return _Base(private, wired)


def _ports(
    base: _Base,
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


def _checks(base: _Base, wired: Wiring, environment: Mapping[str, str]) -> CommandChecks:
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


def _committed_config(checkout: repository.Checkout) -> bytes | None:
    """Returns config.toml as the private clone last saw it, for a checkout that has not pulled it."""
    if not (checkout.private / "HEAD").exists():
        return None
    with GitProcess(checkout.private, remote_url="") as git:
        objects = GitObjects(git, paths=RecordPaths)
        tip = git.refs("refs/mirror/branch").get("refs/mirror/branch")
        return objects.read(objects.tree_of(tip), config.CONFIG_FILE) if tip else None
