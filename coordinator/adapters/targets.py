"""Environments: ships a revision to them, and looks at what is live. What a tool says of itself proves nothing."""

import os
import re
import shlex
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

from coordinator.adapters.git import Git
from coordinator.adapters.processes import run
from coordinator.adapters.releases import Releases
from coordinator.adapters.tree_files import remove_folder, write_tree
from coordinator.domain.errors import CoordinatorError
from coordinator.domain.names import Oid
from coordinator.domain.policy import Target

_LOOK_S_MAX = 10.0
_BODY_BYTES_MAX = 65_536
_GRACE_S = 10.0
_OID = re.compile(r"(?<![0-9a-zA-Z])[0-9a-f]{40}(?![0-9a-zA-Z])")
_SECRET_NAME = re.compile(
    r"TOKEN|SECRET|PASSW|CREDENTIAL|(^|_)(KEY|AUTH|PAT)(_|$)|API_?KEY", re.IGNORECASE
)
_SECRET_CHARS_MIN = 6


class EnvironmentTargets:
    """Implements ports.Targets.

    `repository` is the top that relative paths start from, `scratch` where trees for commands are
    written, `environment` the daemon's own: deploy credentials live there and nowhere else;
    `look_s_max` is how long a probe may take to say what is live.
    """

    def __init__(
        self,
        git: Git,
        *,
        repository: Path,
        scratch: Path,
        environment: Mapping[str, str],
        look_s_max: float = _LOOK_S_MAX,
    ) -> None:
        self._git = git
        self._repository = repository.resolve()
        self._scratch = scratch
        self._environment = environment
        self._look_s_max = look_s_max

    def live(self, target: Target) -> Oid | None:
        """Asks the target's probe; a directory without one is read through its path."""
        if target.live is None:
            return self._releases(target).revision() if target.kind == "directory" else None
        if target.live.startswith(("http://", "https://")):
            return _oid_in(_body(target.live, self._look_s_max))
        try:
            finished = run(
                ["sh", "-c", target.live],
                folder=self._repository,
                environment=self._environment,
                timeout_s_max=self._look_s_max,
            )
        except OSError:
            return None
        return _oid_in(finished.tail) if finished.code == 0 else None

    def generation(self, target: Target) -> int | None:
        """Returns what stands in a directory target; a command target keeps none."""
        return self._releases(target).generation() if target.kind == "directory" else None

    def deploy(self, target: Target, *, revision: Oid, product: Oid, generation: int) -> str | None:
        """Ships; see ports.Targets. Never raises for what can go wrong with a target."""
        try:
            if target.kind == "directory":
                return self._switch(target, revision, product, generation)
            return self._run(target, revision, product, generation)
        except (CoordinatorError, OSError) as error:
            return f"could not ship: {error}"

    def _releases(self, target: Target) -> Releases:
        path = self._repository / (target.path or target.environment)
        return Releases(Path(os.path.normpath(path)))  # a link at its end is for us to judge

    def _switch(self, target: Target, revision: Oid, product: Oid, generation: int) -> str | None:
        releases = self._releases(target)
        if target.path is None:
            return f"no path for environment {target.environment}; set `path` in the config"
        if self._repository.is_relative_to(releases.path):
            return f"{releases.path} holds the repository itself; name another path in the config"
        return releases.switch(
            revision,
            generation,
            fill=lambda folder: write_tree(self._git, product, folder),
            timeout_s_max=target.timeout_s_max,
        )

    def _run(self, target: Target, revision: Oid, product: Oid, generation: int) -> str | None:
        if target.command is None:
            return f"no command for environment {target.environment}; set `command` in the config"
        self._scratch.mkdir(parents=True, exist_ok=True)
        # A plain folder and no namespaces: deploy tools look at owners of keys, at sudo, at sockets.
        tree = Path(tempfile.mkdtemp(prefix=f"{generation}-", dir=self._scratch))
        try:
            write_tree(self._git, product, tree)
            finished = run(
                ["sh", "-c", _filled(target.command, target, revision, generation)],
                folder=tree,
                environment={
                    **self._environment,
                    "COORDINATOR_REVISION": revision,
                    "COORDINATOR_GENERATION": str(generation),
                    "COORDINATOR_ENVIRONMENT": target.environment,
                    "COORDINATOR_TREE_DIR": str(tree),
                },
                timeout_s_max=target.timeout_s_max,
                grace_s=_GRACE_S,
                leave_background=True,  # shipping may mean starting something
            )
        finally:
            remove_folder(tree)
        if finished.code == 0:
            return None
        how = (
            f"the deploy command was killed after {target.timeout_s_max:g} s"
            if finished.code is None
            else f"the deploy command ended with {finished.code}"
        )
        return f"{how}\n{self._redacted(finished.tail)}".strip()

    def _redacted(self, text: str) -> str:
        """Returns `text`, which goes into a public record, without the values of our credentials."""
        secrets = [
            value
            for name, value in self._environment.items()
            if _SECRET_NAME.search(name) and len(value) >= _SECRET_CHARS_MIN
        ]
        for secret in sorted(secrets, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


def _filled(line: str, target: Target, revision: Oid, generation: int) -> str:
    """Fills in our three names and leaves every other brace to the shell."""
    values = {
        "{revision}": revision,
        "{generation}": str(generation),
        "{environment}": target.environment,
    }
    return re.sub(
        r"\{(?:revision|generation|environment)\}", lambda m: shlex.quote(values[m[0]]), line
    )


def _body(url: str, timeout_s_max: float) -> str:
    headers = {"Cache-Control": "no-cache", "User-Agent": "coordinator"}
    try:
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the caller has looked
        with urllib.request.urlopen(request, timeout=timeout_s_max) as answer:  # noqa: S310
            return bytes(answer.read(_BODY_BYTES_MAX)).decode("utf-8", "replace")
    except (urllib.error.URLError, HTTPException, OSError, ValueError):
        return ""


def _oid_in(text: str) -> Oid | None:
    found = _OID.search(text)
    return Oid(found[0]) if found else None
