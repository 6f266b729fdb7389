"""One server in memory and those who write to it, for the tests of the rules."""

import pytest

from tests.support.fake_git import FakeGit, FakeServer
from tests.support.writer import Trouble, Writer


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def trouble() -> Trouble:
    """What the first writer shall meet."""
    return Trouble()


@pytest.fixture
def one(server: FakeServer, trouble: Trouble) -> Writer:
    """Returns a writer that has made the branch."""
    writer = Writer(FakeGit(server, faults=trouble))
    writer.found()
    return writer


@pytest.fixture
def two(server: FakeServer, one: Writer) -> Writer:
    """Returns a second writer, which meets no trouble."""
    del one  # it made the branch
    return Writer(FakeGit(server), "e2")
