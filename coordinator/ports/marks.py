"""What a port call can be marked with."""

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def writes(call: F) -> F:
    """Marks a port call that leaves a durable fact behind."""
    call.__dict__["writes"] = True
    return call
