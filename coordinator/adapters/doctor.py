"""Looks for what would stop the coordinator here, and says of each what to do."""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from coordinator import config
from coordinator.adapters.first_commit import fetch_tip
from coordinator.adapters.git_clone import create_private_clone
from coordinator.adapters.git_command import GIT_VERSION_MIN, git_version
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.probing import Prober
from coordinator.adapters.repository import Checkout
from coordinator.adapters.rooms import WITH_A_FOLDER
from coordinator.adapters.sandbox import Sandbox
from coordinator.adapters.sandbox.probe import INSTALL, NONE
from coordinator.domain.brief import Fault
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import RepoPath
from coordinator.domain.policy import Policy

CONFINEMENT = "confinement"
_DISK_BYTES_MIN = 200_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One thing looked at; `hint` says what to do when it is not ok."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The rules of the house and its memory, as they are at the tip."""

    policy: Policy  # what the three texts say; the defaults where one of them is faulty
    text: bytes | None  # config.toml
    worker_texts: Mapping[str, bytes]
    doctrine: bytes | None
    memory: Sequence[tuple[RepoPath, Fault]]  # what looks like an entry and cannot be read


def examine(checkout: Checkout, house: House, *, branch: str) -> tuple[Checked, ...]:
    """Returns every check."""
    return (
        _platform(),
        _git(),
        _identity(checkout, house.text),
        _whole(checkout),
        _disk(checkout),
        *_rules(house),
        _memory(house.memory),
        _confinement(house.policy),
        *_remote(checkout, branch=branch, text=house.text),
    )


def is_confined(checks: tuple[Checked, ...]) -> bool:
    """Tells whether there is a confinement here that can be attacked."""
    return any(one.name == CONFINEMENT and one.ok for one in checks)


def needs_confinement(policy: Policy) -> bool:
    """Tells whether anything shall run in a cell: whoever names `none` everywhere has none."""
    return policy.confinement.checks == "strict" or any(
        one.kind in WITH_A_FOLDER and one.confinement == "strict" for one in policy.profiles
    )


def _platform() -> Checked:
    if sys.platform.startswith("linux"):
        return Checked(name="platform", ok=True, detail=sys.platform)
    return Checked(
        name="platform",
        ok=sys.platform == "darwin",
        detail=f"{sys.platform}: commands cannot be confined here",
        hint="name the profile `none` for commands, or use Linux (on Windows: WSL)",
    )


def _git() -> Checked:
    found = git_version()
    said = ".".join(map(str, found))
    wanted = ".".join(map(str, GIT_VERSION_MIN))
    return Checked(
        name="git", ok=found >= GIT_VERSION_MIN, detail=said, hint=f"install git {wanted} or newer"
    )


def _identity(checkout: Checkout, text: bytes | None) -> Checked:
    try:
        said = config.schema.parse(text).commit
    except CoordinatorError:
        said = config.schema.parse(None).commit
    name, email = said.name or checkout.name, said.email or checkout.email
    return Checked(
        name="identity",
        ok=bool(name and email),
        detail=f"{name} <{email}>" if name and email else "git does not know who commits",
        hint="`git config user.name` and user.email, or [commit] name and email in the config",
    )


def _whole(checkout: Checkout) -> Checked:
    detail = "shallow: history is missing" if checkout.shallow else "the whole history is here"
    return Checked(
        name="history", ok=not checkout.shallow, detail=detail, hint="`git fetch --unshallow`"
    )


def _disk(checkout: Checkout) -> Checked:
    free = shutil.disk_usage(checkout.top).free
    return Checked(
        name="disk",
        ok=free >= _DISK_BYTES_MIN,
        detail=f"{free // 1_000_000} MB free",
        hint="make room: a full disk stops landings, and nothing is lost by it",
    )


def _rules(house: House) -> tuple[Checked, ...]:
    """Looks at each file of rules by itself: a fault in one of them puts none of the others out of force."""
    if house.text is None:
        missing = "no .orchestrator/config.toml"
        config_ = Checked(name="config", ok=False, detail=missing, hint="`coordinator init`")
    else:
        config_ = _read("config", lambda: config.schema.parse(house.text))
    # What workers are named in config.toml must have a file, so the two are read together.
    workers = _read("workers", lambda: config.read_policy(house.text, house.worker_texts))
    return (
        config_,
        *((workers,) if config_.ok else ()),
        _read("doctrine", lambda: config.read_policy(None, {}, house.doctrine)),
    )


def _read(name: str, read: Callable[[], object]) -> Checked:
    try:
        read()
    except CoordinatorError as error:
        return Checked(name=name, ok=False, detail=str(error), hint=error.hint or "")
    return Checked(name=name, ok=True, detail="no faults")


def _memory(faults: Sequence[tuple[RepoPath, Fault]]) -> Checked:
    said = "; ".join(f"{file}:{fault.line}: {fault.message}" for file, fault in faults)
    hints = dict.fromkeys(fault.hint for _, fault in faults)
    return Checked(
        name="memory",
        ok=not faults,
        detail=said or "no faults",
        hint="; ".join(hints) or "`coordinator memory check` says which entries still hold",
    )


def _confinement(policy: Policy) -> Checked:
    """Runs something confined and looks at what holds it; says which workers have nothing that does."""
    programs = [one for one in policy.profiles if one.kind in WITH_A_FOLDER]
    bare: list[str] = [one.name for one in programs if one.confinement == "none"]
    bare += ["checks and gates"] if policy.confinement.checks == "none" else []
    told = f"; by choice not confined: {', '.join(bare)}" if bare else ""
    if not needs_confinement(policy):
        return Checked(name=CONFINEMENT, ok=True, detail=f"nothing is to be confined{told}")
    with tempfile.TemporaryDirectory(prefix="coordinator-doctor-") as folder:
        layers = Sandbox(Path(folder)).layers()
    loose = [f"{one.name}: {one.detail}" for one in layers if not one.in_force]
    if not loose:
        held = f"strict: {len(layers)} layers, {layers[0].detail}"
        return Checked(name=CONFINEMENT, ok=True, detail=held + told)
    hint = f"{INSTALL}, {NONE}" if len(layers) == 1 else "docs/confinement.md says what each needs"
    return Checked(name=CONFINEMENT, ok=False, detail="; ".join(loose) + told, hint=hint)


def _remote(checkout: Checkout, *, branch: str, text: bytes | None) -> list[Checked]:
    """Tries the remote on scratch refs, and takes them away again."""
    try:
        remote = checkout.remote(config.remote_name(text))
        url = checkout.remotes[remote]
        private = create_private_clone(checkout.private, remote_url=url)
        with GitProcess(private, remote_url=url, user_directory=checkout.top) as git:
            tip = fetch_tip(git, branch, remote)
        prober = Prober(private, url=url, user_directory=checkout.top)
        root = config.schema.parse(text).repository.refs
        probe = prober.probe(root=root, nonce=secrets.token_hex(8))
        pushed = prober.takes_branches(tip, nonce=secrets.token_hex(8))
    except CoordinatorError as error:
        return [Checked(name="remote", ok=False, detail=str(error), hint=error.hint or "")]
    hints = "; ".join((*probe.hints(branch), *pushed.hints(branch)))
    said = "; ".join((*probe.said, *pushed.said))
    found = [Checked(name="remote", ok=True, detail=f"{remote} answers")]
    for name, allowed in (
        ("atomic", probe.atomic),
        ("custom_refs", probe.custom_refs),
        ("deletion", probe.deletion),
        ("branch_push", pushed.branch_push),
    ):
        detail = "allowed" if allowed else said or "refused"
        found.append(Checked(name=name, ok=allowed is True, detail=detail, hint=hints))
    return found
