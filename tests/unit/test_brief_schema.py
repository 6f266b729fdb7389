"""The published schema says what parse makes."""

import json
from pathlib import Path

import jsonschema
import pytest

from coordinator.domain import brief_schema
from coordinator.domain.brief import Brief
from coordinator.domain.brief_text import parse

PUBLISHED = Path(__file__).parents[2] / "docs" / "brief.schema.json"


def test_the_published_schema_is_the_one_of_the_code() -> None:
    assert PUBLISHED.read_text() == brief_schema.text()


def test_a_parsed_brief_is_valid_under_it() -> None:
    brief = parse(b"---\nworker: links\n---\nTASK: Fix links.\nINPUTS: docs/\n", name="x")
    assert isinstance(brief, Brief)
    jsonschema.validate(json.loads(brief.model_dump_json()), brief_schema.schema())


def test_an_unknown_field_is_not() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "x", "wish": "y"}, brief_schema.schema())
