"""Whether a worker could run here, now: its program, its key, its confinement; what is missing, in words."""

import os
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from coordinator.adapters.agents.assignment import hidden_by
from coordinator.adapters.agents.programs import find
from coordinator.adapters.rooms import WITH_A_FOLDER, WITH_A_MODEL
from coordinator.adapters.sandbox import Cell, Sandbox, Unavailable
from coordinator.domain.errors import WorkerError
from coordinator.domain.policy import Policy, Profile

_IN_A_CELL = ("/usr/local/bin", "/usr/bin", "/bin")


class Readiness:
    """Looks at this machine for the workers of one policy.

    Args:
        policy: the rules, with the profiles, the model servers, and what confined programs see.
        environment: where keys are looked for; the daemon may have another one.
        sandbox: what would confine.
    """

    def __init__(self, policy: Policy, *, environment: Mapping[str, str], sandbox: Sandbox) -> None:
        self._policy = policy
        self._environment = environment
        self._sandbox = sandbox

    def lacks(self, profile: Profile) -> tuple[str, ...]:
        """Returns what keeps a worker from running here; () when nothing that can be seen does."""
        found = [*self._program(profile), *self._model(profile)]
        if profile.kind in WITH_A_FOLDER and profile.confinement == "strict":
            found += self._unconfined
        return tuple(found)

    @cached_property
    def _unconfined(self) -> tuple[str, ...]:
        try:
            self._sandbox.run(Cell(argv=("true",)))
        except (Unavailable, OSError) as error:
            return (f"strict confinement: {_said(error)}",)
        return ()

    def _program(self, profile: Profile) -> tuple[str, ...]:
        if profile.kind not in WITH_A_FOLDER:
            return ()
        missing = []
        for path in map(Path, (*profile.read, *self._policy.confinement.read)):
            place = hidden_by(path)
            if not path.exists():
                missing.append(f"{path}, which it shall see, is not there")
            elif place is not None:
                missing.append(f"{path} cannot be shown: confined programs have their own {place}")
        if profile.kind == "command":
            return (*self._command(profile.command.argv[0]), *missing)
        try:
            find(profile, self._policy.confinement)
        except WorkerError as error:
            return (_said(error), *missing)
        return tuple(missing)

    def _command(self, name: str) -> tuple[str, ...]:
        folders = os.pathsep.join((*self._policy.confinement.path, *_IN_A_CELL))
        if "{" in name or shutil.which(name, path=folders) is not None:
            return ()
        elsewhere = shutil.which(name)
        if elsewhere is None:
            return (f"there is no program {name!r} here",)
        told = f"{name} is at {elsewhere}, which confined programs do not see"
        return (f"{told}: give that path in `command`, and the folders it needs in `read`",)

    def _model(self, profile: Profile) -> tuple[str, ...]:
        if profile.kind not in WITH_A_MODEL:
            return ()
        if profile.network == "none":
            return ("its `network` is none: it cannot reach its model",)
        endpoint = self._policy.endpoint(profile.endpoint)
        if endpoint is None:
            return (f"config.toml has no [endpoints.{profile.endpoint}]",)
        if endpoint.key_env and not self._environment.get(endpoint.key_env, "").strip():
            return (f"{endpoint.key_env} is not set here: the daemon needs it",)
        return ()


def _said(error: Exception) -> str:
    hint = getattr(error, "hint", None)
    return f"{error} ({hint})" if hint else str(error)
