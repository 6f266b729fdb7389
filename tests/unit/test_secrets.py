# ruff: noqa: E501 - a row of a table, or a whole message, is one line
"""Secrets are found, and what only looks random is not."""

import pytest

from coordinator.adapters.secrets import DetectSecrets
from coordinator.ports import SecretHit

# Put together here, so that no file of this repository holds what looks like a secret.
SECRETS = {
    "AWS Access Key": "AKIA" + "IOSFODNN7" + "EXAMPLQ",
    "GitHub Token": "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8",
    "Slack Token": "xoxb-" + "123456789012-123456789012-" + "abcdefghijklmnopqrstuvwx",
    "JSON Web Token": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0." + "dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "Private Key": "-----BEGIN " + "RSA PRIVATE KEY-----",
    "Secret Keyword": 'password = "' + 'hunter2hunter2"',
    "Stripe Access Key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "Basic Auth Credentials": "https://ada:" + "lovelace1815@example.org/x",
    "Anthropic API Key": "sk-ant-" + "api03-AbCdEfGhIjKlMnOpQrSt",
}  # fmt: skip
UNQUOTED = ("API_KEY=" + "9f8e7d6c5b4a39281706", "password: " + "hunter2hunter2")
ORDINARY = """---
worker: links
after: fix-3fa29c01
---
TASK: Fix what commit 3fa29c01d2b4e5f60718293a4b5c6d7e8f901234 broke in `docs/Setup/HowTo2024.md`.
INPUTS: docs/**, https://example.com/a/b?token=1#part, "9b74c9897bac770ffc029102a2da0c5de0e1b2c3"
SCOPE: docs/; the digest sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
OUTPUT FORMAT: a JSON object, schema: {"type": "object"}
DO NOT: print a password, the secret: it is not needed
ACCEPTANCE: matches: /password\\s*=\\s*\\S+/
Set `password = "changeme"` and `token: ${TOKEN}`; see `secret: "docs/secret.md"`.
integrity="sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC"
"""


@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_found_on_its_line_and_not_quoted(kind: str) -> None:
    text = f"TASK: Use this.\nDATA: {SECRETS[kind]} and go on\n"
    hits = DetectSecrets().scan(text)
    assert SecretHit(2, kind) in hits
    assert {hit.line for hit in hits} == {2}
    assert SECRETS[kind] not in repr(hits)


@pytest.mark.parametrize("line", UNQUOTED)
def test_an_unquoted_value_behind_a_telling_word_is_found(line: str) -> None:
    assert DetectSecrets().scan(line) == (SecretHit(1, "Secret Keyword"),)


def test_an_ordinary_brief_holds_none() -> None:
    assert DetectSecrets().scan(ORDINARY) == ()


def test_a_secret_far_out_on_a_long_line_is_found() -> None:
    text = "x " * 5_000 + SECRETS["AWS Access Key"] + " y" * 5_000
    assert DetectSecrets().scan(text) == (SecretHit(1, "AWS Access Key"),)


def test_a_hostile_line_takes_no_time_to_speak_of() -> None:
    assert DetectSecrets().scan("//" * 20_000 + ":_authToken") == ()
