"""The money and tokens of one attempt: reserved before a call, settled after it, cut off in between."""

import threading
import time
from collections.abc import Callable

from coordinator.domain.output import Usage

from .tokens import Tokens


class Hold:
    """What one call may take at worst, and what it has taken until now."""

    def __init__(self, worst: Tokens, usd: float | None) -> None:
        self.worst = worst
        self.worst_usd = usd
        self.seen = Tokens()
        self.seen_usd: float | None = 0.0
        self.taken = Tokens()  # in the end


class Ledger:
    """Counts the calls of one attempt. Safe to use from several threads.

    Where nobody knows the price of the model, only tokens bind, and the cost of the attempt is unknown.

    Args:
        tokens_max: of all calls together.
        cost_usd_max: of all calls together.
        calls_max: how many calls may be made.
        usd: the price of one call.
    """

    def __init__(
        self,
        *,
        tokens_max: int,
        cost_usd_max: float,
        calls_max: int,
        usd: Callable[[Tokens], float | None],
    ) -> None:
        self._tokens_max = tokens_max
        self._cost_usd_max = cost_usd_max
        self._calls_left = calls_max
        self._calls_max = calls_max
        self._usd = usd
        self._lock = threading.Lock()
        self._holds: set[Hold] = set()
        self._tokens_in = self._tokens_out = 0
        self._spent_usd: float | None = 0.0
        self._begun_s = time.monotonic()

    def reserve(self, worst: Tokens) -> Hold | str:
        """Sets aside what a call may take at worst; returns why it may not be made when that is too much."""
        usd = self._usd(worst)
        with self._lock:
            if self._calls_left <= 0:
                return f"the attempt has made all of its {self._calls_max} calls"
            tokens_left = self._tokens_max - self._tokens() - sum(_rest(h) for h in self._holds)
            if worst.total > tokens_left:
                return (
                    f"the attempt has {max(tokens_left, 0)} of {self._tokens_max} tokens left, "
                    f"and this call may take {worst.total}"
                )
            if usd is not None and self._spent_usd is not None:
                usd_left = (
                    self._cost_usd_max - self._money() - sum(_rest_usd(h) for h in self._holds)
                )
                if usd > usd_left:
                    return (
                        f"the attempt has {max(usd_left, 0.0):.4f} of {self._cost_usd_max:.4f} USD "
                        f"left, and this call may cost {usd:.4f}"
                    )
            self._calls_left -= 1
            hold = Hold(worst, usd)
            self._holds.add(hold)
            return hold

    def room(self, input_tokens: int, *, output_max: int) -> int:
        """Returns how long an answer may be where the call itself does not say: at least 1 token."""
        read_usd = self._usd(Tokens(input=input_tokens))
        thousand_usd = self._usd(Tokens(output=1_000))
        with self._lock:
            left = self._tokens_max - self._tokens() - sum(_rest(h) for h in self._holds)
            usd_left = self._cost_usd_max - self._money() - sum(_rest_usd(h) for h in self._holds)
        most = min(output_max, left - input_tokens)
        if read_usd is not None and thousand_usd:
            most = min(most, int((usd_left - read_usd) / thousand_usd * 1_000))
        return max(1, most)

    def note(self, hold: Hold, seen: Tokens) -> str | None:
        """Notes what a call has taken until now; returns why it must end when that is past the budget."""
        usd = self._usd(seen)
        with self._lock:
            hold.seen, hold.seen_usd = seen, usd
            tokens = self._tokens() + sum(_rest(h) for h in self._holds if h is not hold)
            if tokens > self._tokens_max:
                return f"the attempt has used all of its {self._tokens_max} tokens"
            if usd is None or self._spent_usd is None:
                return None
            money = self._money() + sum(_rest_usd(h) for h in self._holds if h is not hold)
            if money > self._cost_usd_max + 1e-9:
                return f"the attempt has spent all of its {self._cost_usd_max:.4f} USD"
            return None

    def settle(self, hold: Hold, taken: Tokens) -> None:
        """Counts what a call took in the end, and lets go of the rest of its reservation."""
        usd = self._usd(taken) if taken.total else 0.0
        with self._lock:
            self._holds.discard(hold)
            hold.taken = taken
            self._tokens_in += taken.input
            self._tokens_out += taken.output
            unknown = usd is None or self._spent_usd is None
            self._spent_usd = None if unknown else (self._spent_usd or 0.0) + (usd or 0.0)

    def usage(self) -> Usage:
        """Returns what was used until now, calls that are under way included."""
        with self._lock:
            costs = [self._spent_usd, *(h.seen_usd for h in self._holds if h.seen.total)]
            known = [cost for cost in costs if cost is not None]
            return Usage(
                tokens_in=self._tokens_in + sum(h.seen.input for h in self._holds),
                tokens_out=self._tokens_out + sum(h.seen.output for h in self._holds),
                cost_usd=round(sum(known), 6) if len(known) == len(costs) else None,
                wall_s=round(time.monotonic() - self._begun_s, 3),
            )

    def _tokens(self) -> int:
        """Returns what is used. Called with the lock held."""
        under_way = sum(h.seen.total for h in self._holds)
        return self._tokens_in + self._tokens_out + under_way

    def _money(self) -> float:
        """Returns what is spent, as far as that is known. Called with the lock held."""
        return (self._spent_usd or 0.0) + sum(h.seen_usd or 0.0 for h in self._holds)


def _rest(hold: Hold) -> int:
    """Returns what a call under way may take beyond what it has taken."""
    return max(0, hold.worst.total - hold.seen.total)


def _rest_usd(hold: Hold) -> float:
    return max(0.0, (hold.worst_usd or 0.0) - (hold.seen_usd or 0.0))
