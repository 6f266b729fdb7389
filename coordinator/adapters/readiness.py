"""Whether a worker could run here, now: its program, its key, its confinement; what is missing, in words."""

from collections.abc import Mapping
from functools import cached_property

from coordinator.adapters.agents.programs import lacking
from coordinator.adapters.rooms import WITH_A_FOLDER, WITH_A_MODEL
from coordinator.adapters.sandbox import Cell, Sandbox, Unavailable
from coordinator.domain.policy import Policy, Profile


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
        is_program = profile.kind in WITH_A_FOLDER
        found = list(lacking(profile, self._policy.confinement)) if is_program else []
        found += self._model(profile)
        if is_program and profile.confinement == "strict":
            found += self._unconfined
        return tuple(found)

    @cached_property
    def _unconfined(self) -> tuple[str, ...]:
        try:
            self._sandbox.run(Cell(argv=("true",)))
        except (Unavailable, OSError) as error:
            return (f"strict confinement: {_said(error)}",)
        return ()

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
