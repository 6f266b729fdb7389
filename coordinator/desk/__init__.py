"""What people and programs may do: look, and put requests. It holds no committer and needs no daemon."""

from coordinator.desk.desk import Desk, Put
from coordinator.desk.parts import Parts

__all__ = ["Desk", "Parts", "Put"]
