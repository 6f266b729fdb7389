"""Which acquisitions of claims are ours: `refs/local/acq/<acq>`, made before any push (rule C3).

What carries one of them on the remote and is not a whole claim of ours is a stray to delete, whoever's fault
it was; without these refs a restart could not tell our strays from another coordinator's claims.
"""

from collections.abc import Callable, Collection

from coordinator.domain.names import Oid
from coordinator.ports import Clock

from .git import Git, RefUpdate

_ROOT = "refs/local/acq/"
_KEPT_MAX = 256  # above it, those that nothing carries any more are forgotten
_KEPT_S = 900.0  # a push that was held up on its way has arrived by then


class Acquisitions:
    """The random names of our acquisitions; `carried` returns those that the remote was last seen with."""

    def __init__(self, git: Git, *, clock: Clock, carried: Callable[[], Collection[str]]) -> None:
        self._git = git
        self._clock = clock
        self._carried = carried
        self._marks: dict[str, Oid] | None = None
        self._since_s: dict[str, float] = {}

    def new(self) -> str:
        """Returns a new one, remembered."""
        self._forget()
        acq = self._clock.nonce()
        self.remember(acq)
        return acq

    def remember(self, acq: str) -> None:
        """Takes one for ours, such as that of a holder whom we take over from."""
        if acq in self.ours():
            return
        mark = self._git.write("blob", acq.encode())
        self._git.set_refs([RefUpdate(ref=_ROOT + acq, expected=None, new=mark)])
        self._marks = {**self.ours(), acq: mark}
        self._since_s[acq] = self._clock.monotonic_s()

    def drop(self, acqs: Collection[str]) -> None:
        """Takes some for ours no longer."""
        gone = {acq: mark for acq, mark in self.ours().items() if acq in acqs}
        self._git.set_refs(
            [RefUpdate(ref=_ROOT + acq, expected=mark, new=None) for acq, mark in gone.items()]
        )
        self._marks = {acq: mark for acq, mark in self.ours().items() if acq not in gone}
        for acq in gone:
            self._since_s.pop(acq, None)

    def ours(self) -> dict[str, Oid]:
        """Returns all of them, with what their refs name."""
        if self._marks is None:
            self._marks = {r.removeprefix(_ROOT): oid for r, oid in self._git.refs(_ROOT).items()}
            self._since_s = dict.fromkeys(self._marks, self._clock.monotonic_s())
        return self._marks

    def _forget(self) -> None:
        """Forgets those that nothing has carried for long, or they would pile up without end.

        Should one arrive later all the same, its refs are orphans, which anyone deletes (C5, C6).
        """
        if len(self.ours()) <= _KEPT_MAX:
            return
        carried, now_s = self._carried(), self._clock.monotonic_s()
        self.drop(
            {
                acq
                for acq, since_s in self._since_s.items()
                if acq not in carried and now_s - since_s >= _KEPT_S
            }
        )
