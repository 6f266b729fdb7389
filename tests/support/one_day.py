"""For tests of what holds within one day, as a person or a budget counts it: midnight (UTC) may come between."""

import functools
import itertools
import time
from collections.abc import Callable
from pathlib import Path

_DAY_S = 86_400


def on_one_day(test: Callable[[Path], None]) -> Callable[[Path], None]:
    """Returns the test; where it failed and another day has begun meanwhile, it says nothing and is run again."""

    @functools.wraps(test)
    def run(tmp_path: Path) -> None:
        for number in itertools.count(1):
            folder, day = tmp_path / str(number), _today()
            folder.mkdir()
            try:
                test(folder)
            except Exception:
                if _today() == day:
                    raise
            else:
                return

    return run


def _today() -> int:
    return int(time.time()) // _DAY_S
