"""Asks the daemon about many URLs for one worker: each once, a few at a time, within a time."""

import concurrent.futures
import json
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from coordinator.domain.web import CheckedUrl, judged
from coordinator.domain.worker import UnusableArgument

Ask = Callable[[str, Mapping[str, Any]], str]
"""Calls a tool of the daemon: name and arguments in, JSON out. Raises UngrantedTool or UnusableArgument."""

_PARALLEL_MAX = 8
_LOOK_S = 1.0


def check(
    urls: Iterable[str], ask: Ask, *, within_s: float, used: Callable[[], None]
) -> dict[str, CheckedUrl]:
    """Returns what is wrong with each URL. Raises UngrantedTool.

    Args:
        urls: what to ask about.
        ask: calls the tool.
        within_s: what has no answer by then is left unchecked.
        used: called now and then, as a sign of life.
    """
    wanted = tuple(dict.fromkeys(urls))
    end_s = time.monotonic() + within_s
    found = {
        url: CheckedUrl(url=url, problem="unchecked", why="no time was left") for url in wanted
    }

    def one(url: str) -> CheckedUrl:
        if time.monotonic() > end_s:
            return found[url]
        try:
            said = json.loads(ask("check_url", {"url": url}))
        except UnusableArgument as error:
            return CheckedUrl(url=url, problem="unchecked", why=str(error))
        return judged(
            url, status=said["status"], answer=said["answer"], moved=said["moved"], code=said["code"],
            reason=said["error"],
        )  # fmt: skip

    pool = concurrent.futures.ThreadPoolExecutor(_PARALLEL_MAX)
    try:
        asked = [pool.submit(one, url) for url in wanted]
        left = set(asked)
        while left and time.monotonic() < end_s:
            done, left = concurrent.futures.wait(left, timeout=_LOOK_S)
            used()
            found |= {checked.url: checked for checked in (future.result() for future in done)}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return found
