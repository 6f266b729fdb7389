"""Links that lead out of the repository: which URL each means, and what the daemon says of it."""

from collections.abc import Iterable, Mapping

from coordinator.domain.package import ContextPackage
from coordinator.domain.web import CheckedUrl, without_fragment
from coordinator.domain.worker import Tools

from .link_targets import Broken, Kind, has_template

URLS_MAX = 5_000
TOOL = "check_url"
_TIME_SHARE = 0.7  # of the attempt's time; the rest is for reading and for the report

_KINDS = {
    "dead": Kind.DEAD,
    "moved": Kind.MOVED,
    "unreachable": Kind.UNREACHABLE,
    "not-allowed": Kind.NOT_ALLOWED,
    "unchecked": Kind.NOT_CHECKED,
}


def are_asked_for(package: ContextPackage) -> bool:
    """Tells whether external links shall be looked at: the tool for it is granted only then."""
    return TOOL in package.tools_available and package.constraints.output_format.kind != "changes"


def url_of(target: str) -> str | None:
    """Returns the URL that a link means, without its fragment; None for any other link."""
    url, _ = without_fragment(target.strip())
    if url.startswith("//"):
        url = f"https:{url}"  # as a page that is served would have it
    if not url.lower().startswith(("http://", "https://")) or has_template(url):
        return None
    return url


def checked(
    targets: Iterable[str], package: ContextPackage, tools: Tools
) -> Mapping[str, CheckedUrl]:
    """Returns what is wrong with each URL that one of `targets` means; each is looked at once."""
    urls = tuple(dict.fromkeys(url for target in targets if (url := url_of(target))))
    if not urls:
        return {}
    within_s = package.constraints.deadline_seconds * _TIME_SHARE
    found = dict(tools.check_urls(urls[:URLS_MAX], within_s=within_s))
    why = f"more than {URLS_MAX} URLs"
    for url in urls[URLS_MAX:]:
        found[url] = CheckedUrl(url=url, problem="unchecked", why=why)
    return found


def broken(target: str, found: Mapping[str, CheckedUrl]) -> Broken | None:
    """Returns what is wrong with a link, None when nothing is or it is no external one."""
    url = url_of(target)
    said = found.get(url) if url is not None else None
    if said is None or not said.problem:
        return None
    suggestion = None
    if said.problem == "moved" and said.moved is not None:
        _, fragment = without_fragment(target)
        suggestion = said.moved if "#" in said.moved else said.moved + fragment
    return Broken(_KINDS[said.problem], suggestion, said.why)
