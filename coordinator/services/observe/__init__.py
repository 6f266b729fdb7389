"""One look at branch, refs, journal, inbox and pool: the only reader of all of them."""

from .observer import Observer, synthesis_key
from .prepared import Prepared

__all__ = ["Observer", "Prepared", "synthesis_key"]
