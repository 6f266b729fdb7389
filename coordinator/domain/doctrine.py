"""When a brief is split and how far: the numbers of the house, which every plan names by their digest."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Doctrine:
    """The rules of `.orchestrator/doctrine.toml`."""

    tasks_max: int = 12  # of one plan
    coupling_threshold: float = 0.3  # from here on two tasks go one after the other
    parallel_max: int = 4  # attempts at one brief at a time
    replans_max: int = 2  # revisions of the plan of one round
    workers_max: int = 3  # attempts at one task at a time
    recipes: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    digest: str = ""  # of the file, "" where there is none
