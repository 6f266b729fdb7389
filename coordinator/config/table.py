"""What every table of config.toml is: frozen, strict, and without settings that nobody knows."""

from pydantic import ConfigDict

STRICT = ConfigDict(
    frozen=True, extra="forbid", strict=True, populate_by_name=True, serialize_by_alias=True
)
