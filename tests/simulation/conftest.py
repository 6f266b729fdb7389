"""Days are quiet: what a test needs to know of one is in its outcome."""

import gc
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def quiet() -> Iterator[None]:
    """Keeps the logs of a thousand days out of the way, and lets their garbage lie for longer."""
    logger = logging.getLogger("coordinator")
    logger.setLevel(logging.CRITICAL)
    usual = gc.get_threshold()
    gc.set_threshold(100_000, *usual[1:])
    yield
    gc.set_threshold(*usual)
    logger.setLevel(logging.NOTSET)
