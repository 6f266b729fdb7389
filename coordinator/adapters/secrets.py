"""Secrets in a text, found with the detectors of detect-secrets; no network, and nothing quoted.

Its settings are global and its scanner verifies over the network, so only its detectors are used, one line at
a time. Digests, commit ids and paths look random too: entropy counts only for quoted strings of mixed case
with digits, and hexadecimal only behind a word such as `password`.
"""

import importlib
import re
from collections.abc import Iterator
from functools import cache
from typing import Protocol

from coordinator.ports import SecretHit

_DETECTORS = (
    ("aws", "AWSKeyDetector"),
    ("azure_storage_key", "AzureStorageKeyDetector"),
    ("basic_auth", "BasicAuthDetector"),
    ("discord", "DiscordBotTokenDetector"),
    ("github_token", "GitHubTokenDetector"),
    ("gitlab_token", "GitLabTokenDetector"),
    ("high_entropy_strings", "Base64HighEntropyString"),
    ("jwt", "JwtTokenDetector"),
    ("keyword", "KeywordDetector"),
    ("mailchimp", "MailchimpDetector"),
    ("npm", "NpmDetector"),
    ("openai", "OpenAIDetector"),
    ("pypi_token", "PypiTokenDetector"),
    ("sendgrid", "SendGridDetector"),
    ("slack", "SlackDetector"),
    ("square_oauth", "SquareOAuthDetector"),
    ("stripe", "StripeDetector"),
    ("telegram_token", "TelegramBotTokenDetector"),
    ("twilio", "TwilioKeyDetector"),
)
_ENTROPY = "Base64 High Entropy String"
_KEYWORD = "Secret Keyword"
_OWN: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("Private Key", re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----")),
    ("GitHub Token", re.compile(r"\bgithub_pat_[A-Za-z0-9_]{22,}")),
    ("Anthropic API Key", re.compile(r"\bsk-ant-[A-Za-z0-9_-]{16,}")),
    ("Google API Key", re.compile(r"\bAIza[A-Za-z0-9_-]{35}")),
    ("Bearer Token", re.compile(r"(?i)\bauthorization\s*:\s*(?:bearer|basic)\s+[\w.+/=-]{16,}")),
)
_UNQUOTED = re.compile(
    r"(?i)(?:password|passwd|pwd|secret|token|api_?key|access_?key|private_?key)\w{0,20}\s*[:=]\s*"
    r"(?P<value>[^\s'\"`,;]{8,200})(?=[\s,;]|\Z)"
)
_PLACEHOLDER = re.compile(
    r"(?i)[$<{%].*|(.)\1*|\W*|(?:your|my|the|some)?[-_ ]?(?:password|secret|token|api[-_ ]?key)[-_ ]?"
    r"(?:here)?|changeme|change[-_ ]me|example|placeholder|redacted|todo|none|null|true|false"
)
_PATH = re.compile(r"[a-z_.*/-]+")
_DIGEST = re.compile(r"(?:sha(?:1|256|384|512)[:-].*)|[0-9a-fA-F]+")
_CHARS_MAX = 1_000  # of a line at once: some detectors take quadratic time
_OVERLAP = 200


class _Detector(Protocol):
    secret_type: str

    def analyze_string(self, string: str) -> Iterator[str]: ...


class DetectSecrets:
    """The SecretScan that the coordinator uses."""

    def scan(self, text: str) -> tuple[SecretHit, ...]:
        """Returns every hit, by line."""
        hits: dict[SecretHit, None] = {}
        for number, line in enumerate(text.split("\n"), start=1):
            for piece in _pieces(line):
                for kind in _kinds(piece):
                    hits[SecretHit(number, kind)] = None
        return tuple(hits)


def _pieces(line: str) -> Iterator[str]:
    if not line.strip():
        return
    for start in range(0, max(1, len(line) - _OVERLAP), _CHARS_MAX - _OVERLAP):
        yield line[start : start + _CHARS_MAX]


def _kinds(piece: str) -> Iterator[str]:
    for kind, pattern in _OWN:
        if pattern.search(piece):
            yield kind
    for found in _UNQUOTED.finditer(piece):
        value = found["value"]
        if _is_random_word(value) and _counts(_KEYWORD, value):
            yield _KEYWORD
    for detector in _detectors():
        kind = detector.secret_type
        if any(_counts(kind, value) for value in detector.analyze_string(piece)):
            yield kind


def _counts(kind: str, value: str) -> bool:
    """Tells whether what a detector found can be a secret, and not a placeholder, path or digest."""
    if kind == _KEYWORD:
        return len(value) >= 6 and not (_PLACEHOLDER.fullmatch(value) or _PATH.fullmatch(value))
    if kind == _ENTROPY:
        mixed = (
            re.search(r"[a-z]", value) and re.search(r"[A-Z]", value) and re.search(r"\d", value)
        )
        return bool(mixed) and len(value) >= 20 and not _DIGEST.fullmatch(value)
    return True


def _is_random_word(value: str) -> bool:
    """Tells whether an unquoted value has letters and digits and is no URL or call."""
    return bool(
        re.search(r"\d", value)
        and re.search(r"[A-Za-z]", value)
        and not re.search(r"://|[()\\]", value)
    )


@cache
def _detectors() -> tuple[_Detector, ...]:
    """Loads the detectors at the first scan: reading commands never pay for them."""
    found: list[_Detector] = []
    for module, name in _DETECTORS:
        made = getattr(importlib.import_module(f"detect_secrets.plugins.{module}"), name)
        found.append(made(limit=4.5) if module == "high_entropy_strings" else made())
    return tuple(found)
