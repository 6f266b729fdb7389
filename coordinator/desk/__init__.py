"""What people and programs may do: look, and put requests. It holds no committer and needs no daemon."""

from coordinator.desk.desk import Desk, Parts, Put

__all__ = ["Desk", "Parts", "Put"]
