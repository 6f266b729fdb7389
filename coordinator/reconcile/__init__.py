"""tick(): observe, let pure rules choose one step for each brief, start the steps in lanes. Never waits."""

from .kit import Kit, Ports
from .tick import Coordinator, Ticked

__all__ = ["Coordinator", "Kit", "Ports", "Ticked"]
