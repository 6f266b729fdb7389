"""What every table of config.toml is: frozen, strict, and without settings that nobody knows."""

from pydantic import ConfigDict

from coordinator.domain.names import RepoPath

CONFIG_FILE = RepoPath(".orchestrator/config.toml")

STRICT = ConfigDict(
    frozen=True, extra="forbid", strict=True, populate_by_name=True, serialize_by_alias=True
)
