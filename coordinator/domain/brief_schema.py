"""The published JSON Schema of a brief as a value: what `parse` makes of its text."""

import json
from typing import Any

from coordinator.domain.brief import Brief

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """Returns the JSON Schema of a Brief; its text form is in docs/briefs.md."""
    made = Brief.model_json_schema()
    return {
        "$schema": SCHEMA_ID,
        "title": "Brief",
        **{k: v for k, v in made.items() if k != "title"},
    }


def text() -> str:
    """Returns the content of docs/brief.schema.json."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"
