"""What a worker may ask the daemon: its model, its tools, nothing else; one socket and token each attempt."""

import hmac
import json
import logging
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from coordinator.domain import fairness
from coordinator.domain.attempt import Spec
from coordinator.domain.errors import CoordinatorError, WorkerError
from coordinator.domain.output import Usage
from coordinator.domain.package import ContextPackage
from coordinator.domain.policy import Endpoint, Policy, Profile
from coordinator.domain.worker import Connection, UngrantedTool

from . import network
from .asking import Refused
from .exchange import Exchange, Malformed, TooLong
from .key_proxy import KeyProxy, Refusal, Refusals, error_of
from .ledger import Ledger
from .prices import Prices
from .rationing import Rations
from .server import UnixServer, sweep
from .tokens import Tokens
from .upstream import Upstream

Tool = Callable[[Mapping[str, Any]], Any]
ToolsOf = Callable[[Spec, ContextPackage, Profile, Policy], Mapping[str, Tool]]

_TOKEN_BYTES = 32
_ARGUMENT_BYTES_MAX = 4_000_000
_CALLS_PER_TURN = 2

logger = logging.getLogger(__name__)


class OpenDesk:
    """The desk of one attempt that is under way."""

    def __init__(
        self,
        connection: Connection,
        *,
        proxy: KeyProxy | None,
        refusals: Refusals,
    ) -> None:
        self.connection = connection
        self._proxy = proxy
        self._refusals = refusals

    def usage(self) -> Usage:
        """Returns what its model calls have used until now; the cost is None when nobody knows it."""
        return self._proxy.usage() if self._proxy else Usage(cost_usd=0.0)

    def refusals(self) -> tuple[Refusal, ...]:
        """Returns what the worker asked for and did not get, oldest first."""
        return self._refusals.all()


class AttemptDesks:
    """Opens desks, and ways to allow-listed hosts for what prepares a gate.

    Args:
        folder: where sockets are made; nothing else is kept in it.
        environment: the daemon's own, the only place of keys.
        tools: returns what an attempt may have run by the daemon, by name.
    """

    def __init__(self, folder: Path, *, environment: Mapping[str, str], tools: ToolsOf) -> None:
        self._folder = folder
        self._environment = environment
        self._tools = tools
        self._lock = threading.Lock()
        self._trust: ssl.SSLContext | None = None
        self._rations = Rations()
        # Below this it writes down the headers of every answer, where a server may quote the key.
        logging.getLogger("httpcore2").setLevel(logging.INFO)
        sweep(folder)

    @contextmanager
    def open(
        self, spec: Spec, package: ContextPackage, profile: Profile, policy: Policy
    ) -> Iterator[OpenDesk]:
        """Serves one attempt until the block ends, which cuts off all that is under way.

        Raises WorkerError when its key is not there, or nobody knows what its model costs.
        """
        refusals = Refusals()
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        proxy = self._proxy(spec, profile, policy, refusals)
        tools = dict(self._tools(spec, package, profile, policy))
        desk = _Desk(token, profile=profile, proxy=proxy, tools=tools, refusals=refusals)
        server = UnixServer(self._folder, desk.answer)
        try:
            connection = Connection(socket=str(server.path), token=token)
            yield OpenDesk(connection, proxy=proxy, refusals=refusals)
        finally:
            if proxy is not None:
                proxy.close()
            server.close()

    @contextmanager
    def open_network(self, hosts: Sequence[str]) -> Iterator[Path]:
        """Serves a proxy to `hosts` alone, on the socket that it yields, until the block ends."""
        server = UnixServer(self._folder, network.Gate(hosts).answer)
        try:
            yield server.path
        finally:
            server.close()

    def _proxy(
        self, spec: Spec, profile: Profile, policy: Policy, refusals: Refusals
    ) -> KeyProxy | None:
        endpoint = policy.endpoint(profile.endpoint) if profile.network == "model" else None
        if endpoint is None or not profile.model:
            return None
        key = self._key(endpoint)
        prices = Prices(profile, endpoint)
        if policy.unknown_price == "refuse" and prices.usd(Tokens(input=1, output=1)) is None:
            raise WorkerError(
                f"nobody knows what the model {profile.model!r} costs, so no budget would hold it",
                hint=f"give the worker {profile.name} a `price`, or set [budget] unknown_price",
            )
        ledger = Ledger(
            tokens_max=spec.tokens_max,
            cost_usd_max=spec.cost_usd_max,
            calls_max=profile.limits.turns_max * _CALLS_PER_TURN,
            usd=prices.usd,
        )
        return KeyProxy(
            profile,
            endpoint,
            key=key,
            upstream=Upstream(endpoint, key=key, trust=self._trusted),
            ledger=ledger,
            rations=self._rations,
            limits=fairness.limits_of(profile, policy),
            refusals=refusals,
        )

    def _key(self, endpoint: Endpoint) -> str:
        if not endpoint.key_env:
            return ""
        key = self._environment.get(endpoint.key_env, "").strip()
        if not key:
            raise WorkerError(
                f"the model server {endpoint.name!r} wants a key, and {endpoint.key_env} is not set",
                hint=f"set {endpoint.key_env} in the environment of `coordinator run`",
            )
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise WorkerError(
                f"what {endpoint.key_env} holds cannot be a key: it has other than plain characters",
                hint=f"set {endpoint.key_env} anew in the environment of `coordinator run`",
            )
        return key

    def _trusted(self) -> ssl.SSLContext:
        """Returns the TLS settings of this machine; read once, because that takes a while."""
        import httpx2  # noqa: PLC0415  only workers with a model need it

        with self._lock:
            if self._trust is None:
                self._trust = httpx2.create_ssl_context()
            return self._trust


class _Desk:
    """Answers the requests of one attempt: first its token, then its model or its tools."""

    def __init__(
        self,
        token: str,
        *,
        profile: Profile,
        proxy: KeyProxy | None,
        tools: Mapping[str, Tool],
        refusals: Refusals,
    ) -> None:
        self._token = token.encode()
        self._profile = profile
        self._proxy = proxy
        self._tools = tools
        self._refusals = refusals

    def answer(self, exchange: Exchange) -> None:
        """Answers one request."""
        path, _, query = exchange.path.partition("?")
        if not self._knows(exchange.given):
            why = "the token of this attempt is missing, or another one"
            self._refuse(exchange, Refused(status=401, code="authentication_error", why=why))
        elif path.startswith("/tools/"):
            self._run_tool(exchange, path.removeprefix("/tools/"))
        elif self._proxy is not None:
            self._proxy.answer(exchange, path, query)
        else:
            why = "this worker is granted no model server"
            self._refuse(exchange, Refused(status=403, code="permission_error", why=why))

    def _knows(self, headers: Mapping[str, str]) -> bool:
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        given = [headers.get("x-api-key", "")]
        given += [bearer.strip()] if scheme.lower() == "bearer" else []
        shown = [one.encode("utf-8", "replace") for one in given if one]
        return bool(shown) and all(hmac.compare_digest(one, self._token) for one in shown)

    def _run_tool(self, exchange: Exchange, name: str) -> None:
        tool = self._tools.get(name)
        if tool is None or exchange.command != "POST":
            why = f"{exchange.command} of the tool {name[:100]!r} is not granted"
            self._refuse(exchange, Refused(status=403, code="permission_error", why=why))
            return
        try:
            arguments = json.loads(exchange.body(_ARGUMENT_BYTES_MAX) or b"{}")
        except (ValueError, RecursionError, TooLong, Malformed):
            arguments = None
        if not isinstance(arguments, dict):
            why = "the arguments of a tool are a JSON object, not a long one"
            self._refuse(exchange, Refused(status=400, code="invalid_request_error", why=why))
            return
        self._run(exchange, name, tool, arguments)

    def _run(self, exchange: Exchange, name: str, tool: Tool, arguments: dict[str, Any]) -> None:
        try:
            said = json.dumps(tool(arguments)).encode()
        except UngrantedTool as error:
            why = str(error) or f"the tool {name!r} is not granted so"
            self._refuse(exchange, Refused(status=403, code="permission_error", why=why))
        except (CoordinatorError, ValueError) as error:
            why = str(error)
            self._refuse(exchange, Refused(status=400, code="invalid_request_error", why=why))
        except Exception as error:
            logger.exception("a tool of the daemon broke tool=%s", name)
            why = f"the tool {name!r} broke: {type(error).__name__}"
            self._refuse(exchange, Refused(status=500, code="api_error", why=why))
        else:
            exchange.say(200, said, {"content-type": "application/json"})

    def _refuse(self, exchange: Exchange, refused: Refused) -> None:
        self._refusals.add(refused.status, exchange.path.partition("?")[0], refused.why)
        logger.info("refused worker=%s status=%d", self._profile.name, refused.status)
        said = error_of("anthropic", refused)
        exchange.say_json(refused.status, said, {"x-should-retry": "false"})
