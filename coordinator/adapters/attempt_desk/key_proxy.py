"""Passes granted model calls on with the real key, streams the answers back, and counts every one."""

import json
import logging
import math
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coordinator.domain.failure_policy import Limit
from coordinator.domain.output import Usage
from coordinator.domain.policy import Endpoint, Profile

from .asking import Ask, Refused, ask, is_path
from .exchange import BODY_BYTES_MAX, Exchange, Malformed, TooLong
from .ledger import Hold, Ledger
from .rationing import Later, Rations
from .scrubbing import Scrubber, scrubbed
from .tokens import Meter, Tokens
from .upstream import Unanswered, Upstream

if TYPE_CHECKING:
    import httpx2

_REFUSALS_MAX = 200
_ERROR_BYTES_MAX = 1_000_000
_PASSED_BACK = ("content-type", "request-id", "x-request-id", "retry-after", "retry-after-ms")
_NO_RETRY = {"x-should-retry": "false"}  # what the clients of both APIs heed
_ANSWER_BYTES_MAX = 64_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something a worker asked for and did not get."""

    status: int
    path: str
    why: str


class Refusals:
    """What was refused, the newest of them; a worker that asks without end fills no memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: deque[Refusal] = deque(maxlen=_REFUSALS_MAX)

    def add(self, status: int, path: str, why: str) -> None:
        """Remembers one."""
        with self._lock:
            self._kept.append(Refusal(status, path[:200], why))

    def all(self) -> tuple[Refusal, ...]:
        """Returns them, oldest first."""
        with self._lock:
            return tuple(self._kept)


class KeyProxy:
    """The model calls of one attempt. It grants the profile's model at the profile's endpoint alone."""

    def __init__(
        self,
        profile: Profile,
        endpoint: Endpoint,
        *,
        key: str,
        upstream: Upstream,
        ledger: Ledger,
        rations: Rations,
        limits: tuple[Limit, ...],
        refusals: Refusals,
    ) -> None:
        self._rations = rations
        self._limits = limits
        self._profile = profile
        self._endpoint = endpoint
        self._key = key.encode()
        self._upstream = upstream
        self._ledger = ledger
        self._refusals = refusals

    def answer(self, exchange: Exchange, path: str, query: str) -> None:
        """Answers one request of a worker that has shown its token."""
        if exchange.command == "GET" and path == "/v1/models":
            exchange.say_json(200, _models(self._profile.model))
            return
        if exchange.command != "POST" or not is_path(self._endpoint.api, path):
            why = f"{exchange.command} {path[:200]} is not granted to workers"
            self.refuse(exchange, Refused(status=403, code="permission_error", why=why))
            return
        asked = self._asked(exchange, path, query)
        if isinstance(asked, Refused):
            self.refuse(exchange, asked)
            if asked.status == 413:
                exchange.discard()
            return
        worst = Tokens() if asked.is_free else asked.worst
        ration = self._rations.begin(self._limits, worst.total)
        if isinstance(ration, Later):
            self._put_off(exchange, ration)
            return
        hold = self._ledger.reserve(worst)
        if isinstance(hold, str):
            self._rations.drop(ration)
            self.refuse(exchange, _over(hold))
            return
        try:
            self._relay(exchange, asked, hold)
        finally:
            self._rations.end(ration, hold.taken.total)

    def usage(self) -> Usage:
        """Returns what was used until now."""
        return self._ledger.usage()

    def close(self) -> None:
        """Ends every call that is under way; what was streamed of it counts."""
        self._upstream.cut()

    def refuse(self, exchange: Exchange, refused: Refused) -> None:
        """Tells a worker why not, in the form of the API that it speaks."""
        self._refusals.add(refused.status, exchange.path.partition("?")[0], refused.why)
        logger.info("refused worker=%s status=%d", self._profile.name, refused.status)
        exchange.say_json(refused.status, self._error(refused), _NO_RETRY)

    def _put_off(self, exchange: Exchange, later: Later) -> None:
        """Tells a worker to ask again in a while, as a model server would that is asked for too much."""
        why = f"asked for too much at once: {later.why}"
        logger.info("put off worker=%s: %s", self._profile.name, later.why)
        code = "rate_limit_error" if self._endpoint.api == "anthropic" else "rate_limit_exceeded"
        said = self._error(Refused(status=429, code=code, why=why))
        exchange.say_json(429, said, {"retry-after": str(max(1, math.ceil(later.in_s)))})

    def _asked(self, exchange: Exchange, path: str, query: str) -> Ask | Refused:
        if exchange.given.get("content-encoding", "identity") != "identity":
            why = "the body must not be compressed"
            return Refused(status=415, code="invalid_request_error", why=why)
        try:
            content = exchange.body()
        except TooLong:
            why = f"the body is longer than {BODY_BYTES_MAX} bytes"
            return Refused(status=413, code="request_too_large", why=why)
        except Malformed:
            why = "the body cannot be read"
            return Refused(status=400, code="invalid_request_error", why=why)
        most = self._profile.output_tokens_max
        return ask(
            path,
            query,
            content,
            api=self._endpoint.api,
            profile=self._profile,
            room=lambda read: self._ledger.room(read, output_max=most),
        )

    def _relay(self, exchange: Exchange, asked: Ask, hold: Hold) -> None:
        meter = Meter(asked.api, input_tokens=asked.worst.input)
        taken = Tokens()
        try:
            with self._upstream.answer(
                asked.path, asked.body, query=asked.query, headers=exchange.given
            ) as response:
                if not 200 <= response.status_code < 300:
                    self._pass_fault(exchange, response)
                elif asked.is_free:
                    self._pass_whole(exchange, response, _read(response, _ANSWER_BYTES_MAX))
                else:
                    taken = meter.tokens()  # counted from here on, whatever happens to the rest
                    self._ledger.note(hold, taken)
                    try:
                        self._pass_answer(exchange, response, asked, hold, meter)
                    finally:
                        taken = meter.tokens()
        except Unanswered as error:
            if error.is_sent and not asked.is_free and not taken.total:
                taken = meter.tokens()
            self._unanswered(exchange, error)
        finally:
            self._ledger.settle(hold, taken)

    def _pass_answer(
        self,
        exchange: Exchange,
        response: "httpx2.Response",
        asked: Ask,
        hold: Hold,
        meter: Meter,
    ) -> None:
        kind = response.headers.get("content-type", "")
        if not (asked.is_stream and kind.startswith("text/event-stream")):
            content = _read(response, _ANSWER_BYTES_MAX)
            meter.hear_whole(content)
            self._ledger.note(hold, meter.tokens())
            self._pass_whole(exchange, response, content)
            return
        exchange.begin(response.status_code, self._headers(response))
        scrubber = Scrubber(self._key)
        why = None
        for chunk in response.iter_bytes():
            meter.hear(chunk)
            why = self._ledger.note(hold, meter.tokens())  # before anybody can act on it
            exchange.pass_on(scrubber.pass_on(chunk))
            if why is not None:
                break
        exchange.pass_on(scrubber.end())
        if why is not None:
            self._refusals.add(429, asked.path, why)
            logger.info("cut off worker=%s: %s", self._profile.name, why)
            exchange.pass_on(self._event(_over(why)))
        exchange.end()

    def _pass_whole(self, exchange: Exchange, response: "httpx2.Response", content: bytes) -> None:
        exchange.say(response.status_code, scrubbed(content, self._key), self._headers(response))

    def _pass_fault(self, exchange: Exchange, response: "httpx2.Response") -> None:
        """Passes an error on; one that is about our key or our address is said in our words."""
        status = response.status_code
        content = scrubbed(_read(response, _ERROR_BYTES_MAX), self._key)
        logger.info("model server endpoint=%s status=%d", self._endpoint.name, status)
        if status == 401:
            why = f"the model server {self._endpoint.name!r} does not take the coordinator's key"
            refused = Refused(status=401, code="authentication_error", why=why)
            exchange.say_json(401, self._error(refused), _NO_RETRY)
        elif status < 400:
            why = f"the model server {self._endpoint.name!r} leads elsewhere ({status})"
            exchange.say_json(502, self._error(Refused(status=502, code="api_error", why=why)))
        else:
            headers = self._headers(response)
            if "x-should-retry" in response.headers:
                headers["x-should-retry"] = response.headers["x-should-retry"]
            exchange.say(status, content, headers)

    def _unanswered(self, exchange: Exchange, error: Unanswered) -> None:
        """Says that nothing came; an answer that has begun can only be broken off."""
        exchange.close_connection = True
        if exchange.is_begun:
            return
        refused = Refused(status=error.status, code="api_error", why=str(error))
        exchange.say_json(error.status, self._error(refused))

    def _headers(self, response: "httpx2.Response") -> dict[str, str]:
        key = self._key.decode()
        given = {name: response.headers[name] for name in _PASSED_BACK if name in response.headers}
        return {name: value for name, value in given.items() if not (key and key in value)}

    def _error(self, refused: Refused) -> Any:
        return error_of(self._endpoint.api, refused)

    def _event(self, refused: Refused) -> bytes:
        """Returns an error as an event of a stream, wherever that was cut."""
        said = json.dumps(self._error(refused))
        if self._endpoint.api == "anthropic":
            return f"\n\nevent: error\ndata: {said}\n\n".encode()
        return f"\n\ndata: {said}\n\n".encode()


def error_of(api: str, refused: Refused) -> Mapping[str, Any]:
    """Returns an error in the form of `api`."""
    if api == "anthropic":
        return {"type": "error", "error": {"type": refused.code, "message": refused.why}}
    is_spent = refused.code == "rate_limit_error"
    code = "insufficient_quota" if is_spent else refused.code  # one that clients do not retry
    return {
        "type": "error",
        "error": {"message": refused.why, "type": code, "code": code, "param": None},
    }


def _over(why: str) -> Refused:
    return Refused(status=429, code="rate_limit_error", why=f"over the budget: {why}")


def _models(model: str) -> Mapping[str, Any]:
    one = {"id": model, "object": "model", "type": "model", "display_name": model, "created": 0}
    return {"object": "list", "data": [one], "has_more": False, "first_id": model, "last_id": model}


def _read(response: "httpx2.Response", bytes_max: int) -> bytes:
    """Returns the body of an answer, no more of it than `bytes_max`."""
    content = bytearray()
    for chunk in response.iter_bytes():
        content += chunk
        if len(content) > bytes_max:
            break
    return bytes(content[:bytes_max])
