"""The tools check_url, fetch_url and web_search: what the daemon looks up for a worker that has no network."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote_plus

from coordinator.domain.packing import cut
from coordinator.domain.policy import Policy
from coordinator.domain.record import clean, one_line
from coordinator.domain.web import CONTENT_CHARS_MAX, Address, Fetched, FetchOutcome, address
from coordinator.domain.worker import UnusableArgument
from coordinator.ports import Web

Tool = Callable[[Mapping[str, Any]], Any]

QUERY_CHARS_MAX = 1_000
RESULTS_MAX = 20
_FIELD_CHARS_MAX = 1_000


def text_argument(arguments: Mapping[str, Any], name: str, *, chars_max: int) -> str:
    """Returns the one argument that a tool takes. Raises UnusableArgument."""
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip():
        raise UnusableArgument(f"it needs {name!r}, a text")
    if len(value) > chars_max:
        raise UnusableArgument(f"{name!r} has more than {chars_max} characters")
    if more := sorted(set(arguments) - {name}):
        raise UnusableArgument(f"there is no argument {more[0][:60]!r}; it takes {name!r}")
    return value


def check_url(arguments: Mapping[str, Any], *, web: Web, policy: Policy) -> dict[str, Any]:
    """Tells whether a URL is there: its status, where it leads, and why there is no answer."""
    url = text_argument(arguments, "url", chars_max=10_000)
    return _said(web.check(url, hosts=policy.network_hosts))


def fetch_url(arguments: Mapping[str, Any], *, web: Web, policy: Policy) -> dict[str, Any]:
    """Returns the text that a URL holds, with the digest of its bytes."""
    url = text_argument(arguments, "url", chars_max=10_000)
    found = web.fetch(url, hosts=policy.network_hosts)
    said = _said(found)
    if isinstance(found, Fetched):
        text = None if found.text is None else cut(clean(found.text), CONTENT_CHARS_MAX)
        if text is None:
            said["error"] = f"it is {found.media_type or 'binary'}, not text"
        said |= {
            "media_type": found.media_type,
            "size": found.size,
            "digest": found.digest,
            "text": text,
        }
    return said


def web_search(arguments: Mapping[str, Any], *, web: Web, policy: Policy) -> dict[str, Any]:
    """Asks the house's search endpoint; each result has a title, a URL and a snippet."""
    query = text_argument(arguments, "query", chars_max=QUERY_CHARS_MAX)
    url = policy.search_url + quote_plus(query)
    endpoint = address(url)
    if not policy.search_url or not isinstance(endpoint, Address):
        raise UnusableArgument("there is no search endpoint: `search_url` of [network] names one")
    # Who names a search endpoint means that very host, be it on their own network.
    found = web.fetch(url, hosts=(_entry(endpoint),), reach="anywhere")
    if not isinstance(found, Fetched):
        return {"query": query, "results": [], "error": f"the search failed: {found.reason}"}
    if not found.is_there or found.text is None:
        return {"query": query, "results": [], "error": f"the search failed: {found.answer}"}
    results = _results(found.text)
    if results is None:
        error = "the search failed: its answer is no JSON list of results"
        return {"query": query, "results": [], "error": error}
    return {"query": query, "results": results, "error": None}


def _said(found: FetchOutcome) -> dict[str, Any]:
    if isinstance(found, Fetched):
        return {
            "url": found.url,
            "status": found.status,
            "answer": found.answer,
            "final_url": found.final_url,
            "moved": found.moved,
            "code": None,
            "error": None,
        }
    return {
        "url": found.url,
        "status": None,
        "answer": None,
        "final_url": one_line(found.final_url)[:_FIELD_CHARS_MAX],
        "moved": None,
        "code": found.code,
        "error": found.reason,
    }


def _entry(endpoint: Address) -> str:
    """Returns the allow-list of one host that means exactly this endpoint."""
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    return f"{host}:{endpoint.port}"


def _results(text: str) -> list[dict[str, str]] | None:
    """Returns the results of an answer: a list of objects, or an object whose `results` are one."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    listed = said.get("results") if isinstance(said, dict) else said
    if not isinstance(listed, list):
        return None
    found = [_result(one) for one in listed if isinstance(one, dict)]
    return [one for one in found if one["url"]][:RESULTS_MAX]


def _result(said: Mapping[str, Any]) -> dict[str, str]:
    def field(*names: str) -> str:
        values = (said[name] for name in names if isinstance(said.get(name), str))
        return one_line(next(values, ""))[:_FIELD_CHARS_MAX]

    return {
        "title": field("title", "name"),
        "url": field("url", "link"),
        "snippet": field("snippet", "content", "description"),
    }
