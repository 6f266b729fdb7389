"""tick(): observe, let pure rules choose one step for each brief, start the steps in lanes. Never waits."""

from .kit import Kit, Ports
from .tick import Coordinator, Ticked
from .troubles import Trouble

__all__ = ["Coordinator", "Kit", "Ports", "Ticked", "Trouble"]
