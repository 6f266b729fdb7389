"""doctrine.toml: when a brief is split and how far, as the house has it; each plan names its digest."""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from coordinator.config.reading import faults, toml
from coordinator.config.table import STRICT
from coordinator.config.values import Filled
from coordinator.domain import recipes
from coordinator.domain.doctrine import Doctrine
from coordinator.domain.errors import ConfigError
from coordinator.domain.names import RepoPath

DOCTRINE_FILE = RepoPath(".orchestrator/doctrine.toml")
_DEFAULT = Doctrine()  # the one place of defaults

_Said = Filled | list[Filled] | Annotated[int, Field(ge=1, le=recipes.PARTS_MAX)]


class _Table(BaseModel):
    model_config = STRICT


class Split(_Table):
    """[split]: the numbers that a plan keeps to."""

    tasks_max: Annotated[int, Field(ge=1, le=200)] = _DEFAULT.tasks_max
    coupling_threshold: Annotated[float, Field(ge=0, le=1)] = _DEFAULT.coupling_threshold
    parallel_max: Annotated[int, Field(ge=1, le=100)] = _DEFAULT.parallel_max
    replans_max: Annotated[int, Field(ge=0, le=20)] = _DEFAULT.replans_max
    workers_max: Annotated[int, Field(ge=1, le=100)] = _DEFAULT.workers_max


class _File(_Table):
    """The whole of doctrine.toml; [recipes.NAME] has what `recipe_with` of a brief may have."""

    number: Literal[1] = Field(default=1, alias="schema")
    split: Split = Split()
    recipes: dict[str, dict[str, _Said]] = {}

    @model_validator(mode="after")
    def _known(self) -> "_File":
        for name, said in self.recipes.items():
            recipe = recipes.RECIPES.get(name)
            if recipe is None:
                raise ValueError(f"recipes.{name}: the recipes are {', '.join(recipes.RECIPES)}")
            unknown = [key for key in said if key not in recipe.known]
            if unknown:
                known = ", ".join(recipe.known)
                raise ValueError(f"recipes.{name}.{unknown[0]}: known here: {known}")
        return self


def read(text: bytes | None) -> Doctrine:
    """Returns what doctrine.toml says (None: there is no such file, so defaults).

    Raises ConfigError, whose message has one line for each fault, and NewerSchemaError.
    """
    if text is None:
        return _DEFAULT
    raw = toml(text, DOCTRINE_FILE)
    try:
        said = _File.model_validate(raw)
    except ValidationError as error:
        told = faults(error, _File, DOCTRINE_FILE)
    else:
        return Doctrine(
            **said.split.model_dump(),
            recipes={name: _texts(with_) for name, with_ in said.recipes.items()},
            digest=f"sha256:{hashlib.sha256(text).hexdigest()}",
        )
    raise ConfigError(told, hint="docs/tasks.md says what may be in it")


def _texts(said: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {
        key: tuple(value) if isinstance(value, list) else (str(value),)
        for key, value in said.items()
    }


TEMPLATE = f"""\
# When a brief is split into tasks, and how far. Read at the tip of the coordinated branch; every
# plan names the digest of this file. Lines that begin with "# " and a key are defaults.
schema = 1

[split]
# tasks_max = {_DEFAULT.tasks_max}               # of one plan
# coupling_threshold = {_DEFAULT.coupling_threshold}     # tasks that are coupled this much go one after the other
# parallel_max = {_DEFAULT.parallel_max}             # attempts at one brief at a time
# replans_max = {_DEFAULT.replans_max}              # how often a plan may be made anew in one round
# workers_max = {_DEFAULT.workers_max}              # attempts at one task at a time

# What a recipe is made with where its brief does not say.
# [recipes.research-report]
# sections = ["What is there", "What follows from it"]
# [recipes.map-reduce]
# parts = 4
"""
"""The doctrine.toml that `init` writes."""
