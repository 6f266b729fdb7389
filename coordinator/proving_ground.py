"""Tries what is here: the doctor and its attacks, and each worker on a small task in a scratch repository.

It stands beside the front desk, which everybody passes: what is tried needs cells, pools and rooms to load.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from coordinator import config
from coordinator.adapters import viewpoint
from coordinator.domain.profiles import WORKERS

if TYPE_CHECKING:
    from coordinator.adapters.doctor import Checked
    from coordinator.adapters.escapes.attacking import Row
    from coordinator.adapters.ready_workers import Added
    from coordinator.adapters.trial import Trial
    from coordinator.domain.names import ProfileName
    from coordinator.domain.package import ContextPackage
    from coordinator.domain.policy import Policy, Profile
    from coordinator.domain.worker import Tools


def examine(path: Path) -> "tuple[Checked, ...]":
    """Returns what the doctor found."""
    from coordinator.adapters import doctor  # noqa: PLC0415  only the doctor needs it
    from coordinator.services import recall  # noqa: PLC0415

    seen = viewpoint.look(path)
    branch = seen.wiring.branch if seen.wiring else seen.checkout.branch or "main"
    policy, _ = viewpoint.policy_of(seen.text, seen.worker_texts, seen.doctrine)
    tree = seen.objects.tree_of(seen.tip) if seen.tip else None
    files = recall.files(tree, policy.paths, objects=seen.objects) if tree else ()
    house = doctor.House(
        policy=policy,
        text=seen.text,
        worker_texts=seen.worker_texts,
        doctrine=seen.doctrine,
        memory=[(name, fault) for name, file in files for fault in file.faults],
    )
    return doctor.examine(seen.checkout, house, branch=branch)


def attack(path: Path, checks: "tuple[Checked, ...]", **chosen: Iterable[str]) -> "tuple[Row, ...]":
    """Returns what came of the escapes `chosen` (see attacking.attack); () where nothing is confined."""
    from coordinator.adapters import doctor  # noqa: PLC0415  only the doctor needs it
    from coordinator.adapters.escapes import attacking  # noqa: PLC0415
    from coordinator.domain.worker import Connection  # noqa: PLC0415
    from workers.daemon_tools import DaemonTools  # noqa: PLC0415
    from workers.model_tools import Toolbox  # noqa: PLC0415

    seen = viewpoint.look(path)
    policy, _ = viewpoint.policy_of(seen.text, seen.worker_texts, seen.doctrine)
    if not (doctor.is_confined(checks) and doctor.needs_confinement(policy)):
        return ()

    def toolbox(package: "ContextPackage", tools: "Tools") -> Callable[[str, Any], str]:
        box = Toolbox(package, tools, DaemonTools(Connection("/nonexistent", "")))
        return lambda name, arguments: box.call(name, arguments).text

    return attacking.attack(policy, toolbox=toolbox, **chosen)


def workers_lack(policy: "Policy") -> "dict[ProfileName, tuple[str, ...]]":
    """Returns what keeps each worker from running on this machine; () for those that could."""
    from coordinator.adapters.readiness import Readiness  # noqa: PLC0415  only `workers` looks
    from coordinator.adapters.sandbox import Sandbox  # noqa: PLC0415

    with TemporaryDirectory(prefix="coordinator-") as folder:
        here = Readiness(policy, environment=os.environ, sandbox=Sandbox(Path(folder)))
        return {profile.name: here.lacks(profile) for profile in policy.profiles}


def try_worker(profile: "Profile", policy: "Policy") -> "Trial":
    """Returns what a worker makes of a small task in a scratch repository."""
    from coordinator.adapters import trial  # noqa: PLC0415  only `workers test` needs it

    with TemporaryDirectory(prefix="coordinator-") as folder:
        return trial.attempt(profile, policy, folder=Path(folder), environment=os.environ)


def policy_with_drafts(path: Path) -> "tuple[Policy, frozenset[str]]":
    """Returns the rules with the worker files of the checkout, and the names of those that differ at the tip.

    Raises ConfigError for a fault in any of them.
    """
    seen = viewpoint.look(path)
    folder = seen.checkout.top / WORKERS
    drafts = {file.name: file.read_bytes() for file in sorted(folder.glob("*.md"))}
    policy = config.read_policy(seen.text, {**seen.worker_texts, **drafts}, seen.doctrine)
    changed = (n for n, text in drafts.items() if seen.worker_texts.get(n) != text)
    return policy, frozenset(name.removesuffix(".md") for name in changed)


def add_worker(path: Path, name: str) -> "Added":
    """Writes a worker file that comes with the coordinator into the checkout. Raises WorkerError."""
    from coordinator.adapters import ready_workers  # noqa: PLC0415  only `workers add` needs it

    top = viewpoint.look(path).checkout.top
    return ready_workers.add(name, top, search_path=os.environ.get("PATH", os.defpath))
