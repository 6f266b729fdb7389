"""Turns the bytes of an answer into bounded content and text: encodings undone, charsets read, binary told apart."""

import codecs
import re
import zlib
from collections.abc import Iterable, Iterator

_TEXT = re.compile(
    r"(?:text/.+|message/.+|application/(?:[\w.+-]+\+)?(?:json|xml|yaml|toml|javascript|ecmascript|sql|rtf)"
    r"|application/(?:x-)?(?:yaml|sh|javascript|ndjson|jsonlines|httpd-php|www-form-urlencoded)"
    r"|image/svg\+xml)\Z"
)
_BINARY = re.compile(r"(?:image|audio|video|font|model)/.+|application/(?:pdf|zip|gzip|wasm)\Z")
_CHARSETS = re.compile(
    r"(?:utf-?(?:8|16|32)(?:-?[lb]e)?|us-ascii|ascii|iso-?8859-?\d{1,2}|latin-?\d|windows-?\d{3,4}|cp\d{3,4}"
    r"|koi8-?[rtu]|gb2312|gbk|gb18030|big5(?:-?hkscs)?|euc-?(?:jp|kr)|shift-?jis|sjis|mac-?\w{3,10}|tis-?620)\Z"
)
_NAMED = re.compile(
    rb"""<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*["']?\s*([\w-]{1,40})"""
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class TooLarge(Exception):
    """The content goes over the limit."""


class Undecodable(Exception):
    """The content is in an encoding that is not undone here, or is broken."""


def content(chunks: Iterable[bytes], encoding: str, *, bytes_max: int) -> bytes:
    """Returns the content of an answer, never holding much more than `bytes_max`.

    Raises TooLarge and Undecodable.
    """
    found = bytearray()
    for chunk in _plain(chunks, encoding.strip().lower(), bytes_max=bytes_max):
        found += chunk
        if len(found) > bytes_max:
            raise TooLarge
    return bytes(found)


def _plain(chunks: Iterable[bytes], encoding: str, *, bytes_max: int) -> Iterator[bytes]:
    if encoding in ("", "identity"):
        yield from chunks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Undecodable(f"its content is encoded as {encoding[:40]!r}")
    # 32: a zlib or a gzip header. A few bytes may stand for gigabytes: never more than one over the limit.
    inflating = zlib.decompressobj(32 + zlib.MAX_WBITS)
    for chunk in chunks:
        try:
            yield inflating.decompress(chunk, bytes_max + 1)
        except zlib.error as error:
            raise Undecodable("its content is broken") from error
        if inflating.unconsumed_tail:
            raise TooLarge
    if not inflating.eof:
        raise Undecodable("its content ends too early")


def media_type(said: str) -> tuple[str, str]:
    """Returns the media type and the charset of a Content-Type, '' where it says none."""
    kind, _, parameters = said.partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", parameters, re.IGNORECASE)
    return kind.strip().lower()[:100], charset[1].lower() if charset else ""


def text(content: bytes, kind: str, charset: str) -> str | None:
    """Returns content as text; None when it is none. What cannot be decoded becomes U+FFFD."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return content.decode(name, "replace")
    if _BINARY.match(kind) and not _TEXT.match(kind):
        return None
    said = charset or _declared(content)
    name = said if _CHARSETS.match(said) else "utf-8"
    if b"\0" in content[:8000] and not re.match(r"utf-?(16|32)", name):
        return None
    try:
        return content.decode(name, "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def _declared(content: bytes) -> str:
    """Returns the charset that an HTML or XML text names at its beginning."""
    found = _NAMED.search(content[:2048])
    return found[1].decode("ascii", "replace").lower() if found else ""
