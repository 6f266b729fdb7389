"""A clock that moves when it is told to, or when somebody pauses."""

from collections.abc import Callable


class HandClock:
    """Implements ports.Clock; `on_pause` is called after each pause."""

    def __init__(self, on_pause: Callable[[], None] = lambda: None) -> None:
        self.now_s = 1000.0
        self.pauses: list[float] = []
        self._on_pause = on_pause
        self._nonces = 0

    def monotonic_s(self) -> float:
        return self.now_s

    def timestamp(self) -> int:
        return 1_700_000_000 + int(self.now_s)

    def nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:016x}"

    def pause(self, seconds: float) -> None:
        self.now_s += seconds
        self.pauses.append(seconds)
        self._on_pause()
