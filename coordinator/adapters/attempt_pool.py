"""Puts together what attempts on this machine need: folders, connections, the daemon's tools, and their pool."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from coordinator.adapters.attempt_desk import AttemptDesks
from coordinator.adapters.checkouts import Checkouts
from coordinator.adapters.daemon_tools import daemon_tools
from coordinator.adapters.git import Git
from coordinator.adapters.objects import GitObjects
from coordinator.adapters.pool_local import LocalPool
from coordinator.adapters.rooms import LocalRooms
from coordinator.adapters.sandbox import Sandbox
from coordinator.domain.names import Oid
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Policy
from coordinator.ports import Web

CELLS, DESKS, SNAPSHOTS = "cells", "desks", "snapshots"
"""Folders below the run folder; each may be deleted while no daemon runs."""


def attempt_pool(
    git: Git,
    objects: GitObjects,
    *,
    private: Path,
    policy: Callable[[], Policy],
    environment: Mapping[str, str],
    web: Web,
    parallel_max: int,
    wake: Callable[[], None],
) -> LocalPool:
    """Returns the pool of attempts over the private clone `private`, beside which its folders are.

    Attempts look at snapshots of their own: a gate never waits for a worker that takes its time.
    """
    run = private.parent
    snapshots = Checkouts(git, run / SNAPSHOTS, slots=max(2, parallel_max))

    def product(package: ContextPackage) -> Oid:
        return objects.product(package.start or objects.tree_of(package.base))

    @contextmanager
    def snapshot(package: ContextPackage) -> Iterator[Path]:
        with snapshots.hold(product(package)) as folder:
            yield folder

    tools = partial(daemon_tools, web=web, sandbox=Sandbox(run / CELLS), snapshot=snapshot)
    rooms = LocalRooms(
        hold=snapshots.hold,
        product=product,
        desks=AttemptDesks(run / DESKS, environment=environment, tools=tools),
        policy=policy,
    )
    return LocalPool(git_dir=private, wake=wake, parallel_max=parallel_max, rooms=rooms)
