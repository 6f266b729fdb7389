"""The part that decides and commits: plain, deterministic, synchronous."""

__version__ = "0.1.0"
