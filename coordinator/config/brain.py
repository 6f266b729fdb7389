"""What config.toml may say of models that help to decide: each is a worker, and asked through attempts alone."""

from typing import Literal

from pydantic import BaseModel

from coordinator.config.table import STRICT
from coordinator.config.values import Name


class Brain(BaseModel):
    """[brain]: which worker writes one report of several in free text ('' = none: a person is asked)."""

    model_config = STRICT
    synthesizer: Name | Literal[""] = ""
