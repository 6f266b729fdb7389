"""What config.toml may say of models that help to decide: each is a worker, and asked through attempts alone."""

from typing import Literal

from pydantic import BaseModel

from coordinator.config.table import STRICT
from coordinator.config.values import Name


class Brain(BaseModel):
    """[brain]: the workers that plan briefs and write one report of several in free text; '' = nobody does.

    `plan` says when the planner is asked: by briefs that want it, or always where a brief says nothing.
    """

    model_config = STRICT
    planner: Name | Literal[""] = ""
    plan: Literal["asked", "always"] = "asked"
    synthesizer: Name | Literal[""] = ""
