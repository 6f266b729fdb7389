"""The built-in criterion of sitemap workers: nothing but sitemaps may change, and they stay readable."""

import re
import xml.etree.ElementTree as ET

from coordinator.domain.resulting import Resulting
from coordinator.domain.verdict import Finding

_CODE = "only_sitemaps"
_RULE = "a sitemap worker changes sitemaps and nothing else"
_ROOT = re.compile(
    r"\ufeff?\s*(?:<\?xml[^>]{0,200}\?>)?\s*(?:<!--(?:[^-]|-(?!-))*-->\s*|<\?[^>]*\?>\s*)*"
    r"<(?:[A-Za-z_][\w.-]*:)?(?:urlset|sitemapindex)[\s>/]"
)


def only_sitemaps(resulting: Resulting) -> Finding:
    """Returns whether every changed file was a sitemap or is a new one, and is one that parses now."""
    for change in resulting.own_changes:
        before, after = resulting.bytes_of(change.before), resulting.bytes_of(change.after)
        why = _fault(change.path, before, after)
        if why is not None:
            return Finding(
                code=_CODE, criterion=_RULE, met=False, evidence=f"{_plain(change.path)}: {why}"
            )
    told = f"{len(resulting.own_changes)} changed files are sitemaps"
    return Finding(code=_CODE, criterion=_RULE, met=True, evidence=told)


def _fault(path: str, before: bytes | None, after: bytes | None) -> str | None:
    if not path.lower().endswith(".xml"):
        return "it is no .xml file"
    if before is not None and not _is_sitemap(before):
        return "it was no sitemap"
    if after is None or not _is_sitemap(after):
        return "it is removed" if after is None else "its root is neither urlset nor sitemapindex"
    return _unreadable(after)


def _unreadable(after: bytes) -> str | None:
    if b"<!DOCTYPE" in after or b"<!ENTITY" in after:
        return "it declares a document type"
    try:
        ET.fromstring(after)  # noqa: S314  no document type, so no entity can grow
    except (ET.ParseError, ValueError, LookupError) as error:
        return f"it is not well-formed: {error}"
    return None


def _is_sitemap(content: bytes) -> bool:
    return _ROOT.match(content[:20_000].decode("utf-8", "replace")) is not None


def _plain(path: str) -> str:
    return path.encode("utf-8", "backslashreplace").decode()
