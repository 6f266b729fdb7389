"""What stops us when git did not end as it should, by what it said."""

import re

from coordinator.adapters.git_command import Finished
from coordinator.domain.errors import MissingObject, RepositoryError


def is_missing(said: str) -> bool:
    """Tells whether git says that an object or a ref is not there."""
    return bool(
        re.search(
            r"[Nn]ot a valid (commit|object)|bad object|bad revision|not something we can merge"
            r"|unknown revision|unable to read|[Cc]ould not parse|is missing|ambiguous argument",
            said,
        )
    )


def failed(what: str, finished: Finished) -> RepositoryError:
    """Returns what stops us when a command did not end as it should."""
    if finished.code is None:
        return RepositoryError(f"{what}: git did not end in time", hint="is the disk too slow?")
    if is_missing(finished.said):
        return MissingObject(f"{what}: {finished.last_line}", hint="fetch again")
    return RepositoryError(f"{what}: {finished.last_line}", hint="run `git fsck` in the clone")
