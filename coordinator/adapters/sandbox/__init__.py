"""Runs commands that may be hostile: confined, limited, and with what they changed handed back."""

from coordinator.adapters.sandbox.cell import (
    IN,
    OUT,
    WAY_OUT,
    WORK,
    Cell,
    CellEnded,
    CellLimits,
    Layer,
    Unavailable,
)
from coordinator.adapters.sandbox.sandbox import Sandbox

__all__ = [
    "IN",
    "OUT",
    "WAY_OUT",
    "WORK",
    "Cell",
    "CellEnded",
    "CellLimits",
    "Layer",
    "Sandbox",
    "Unavailable",
]
