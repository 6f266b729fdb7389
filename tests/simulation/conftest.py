"""Days are quiet: what a test needs to know of one is in its outcome."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keeps the logs of a thousand days out of the way."""
    logger = logging.getLogger("coordinator")
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(logging.NOTSET)
