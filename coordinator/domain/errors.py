"""The one tree of errors: what stops us. What we expect to happen is a returned value."""


class CoordinatorError(Exception):
    """Says what stopped us, where, and (in `hint`) what to do; never raised itself."""

    code = "error"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class BriefError(CoordinatorError):
    """A brief or a request cannot be used."""

    code = "brief"


class ConfigError(CoordinatorError):
    """config.toml or a file beside it is faulty; the message lists every fault."""

    code = "config"


class NewerSchemaError(ConfigError):
    """config.toml, or the journal, is of a newer program: this one reads, and changes nothing."""

    code = "newer_schema"


class WorkerError(CoordinatorError):
    """A worker, or the process it runs in, broke its contract."""

    code = "worker"


class RepositoryError(CoordinatorError):
    """The repository or its remote is not in a state we can work with."""

    code = "repository"


class MissingObject(RepositoryError):
    """An object that was named is not in the store."""

    code = "missing_object"


class UnreachableError(RepositoryError):
    """The remote did not answer, or refused to let us in."""

    code = "unreachable"


class BusyError(CoordinatorError):
    """Somebody else holds what was asked for; try again later (exit 75)."""

    code = "busy"


class StaleError(CoordinatorError):
    """Shipping would take a newer revision back."""

    code = "stale"


class NotLiveError(CoordinatorError):
    """Something was shipped and is not seen live."""

    code = "not_live"
