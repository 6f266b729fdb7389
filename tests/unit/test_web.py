"""Which URLs may be fetched: what a URL says, the allow-list, and the addresses that a name leads to."""

import pytest

from coordinator.domain.web import Address, address, is_granted, joined, may_connect, ungranted


def parts(url: str) -> Address:
    found = address(url)
    assert isinstance(found, Address), found
    return found


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://Example.ORG", "http://example.org/"),
        ("http://example.org:80/a?b=c#d", "http://example.org/a?b=c"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("https://bücher.example/ä?ö=ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6=%C3%BC"),
        ("http://[::1]:8000/x", "http://[::1]:8000/x"),
        ("http://example.org/%41%zz", "http://example.org/%41%zz"),
    ],
)
def test_a_url_is_asked_for_as_dns_and_http_have_it(url: str, asked: str) -> None:
    assert parts(url).url == asked


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", "it is neither http nor https"),
        ("//example.org/", "it is neither http nor https"),
        ("file:///etc/passwd", "it is neither http nor https"),
        ("http://me:secret@example.org/", "it holds a user name or a password"),
        ("http://example.org@other.example/", "it holds a user name or a password"),
        (
            "http://example.org\\@other.example/",
            "it holds blanks, control characters or backslashes",
        ),
        ("http://example.org/a b", "it holds blanks, control characters or backslashes"),
        ("http://example.org/\r\nHost:other", "it holds blanks, control characters or backslashes"),
        ("http://example.org:99999/", "its host or port is none"),
        ("http://example.org:0/", "its host or port is none"),
        ("http:///x", "its host or port is none"),
        ("http://a..b/", "its host or port is none"),
        ("http://%6c%6f/", "its host or port is none"),
        ("http://[::1", "its host or port is none"),
        ("http://example.org/" + "x" * 4000, "it has more than 4000 characters"),
    ],
)
def test_what_cannot_be_fetched_says_why(url: str, why: str) -> None:
    assert address(url) == why


@pytest.mark.parametrize(
    ("url", "host", "is_listed"),
    [
        ("http://example.org/", "example.org", True),
        ("https://example.org/", "example.org", True),
        ("https://example.org:443/", "example.org", True),
        ("http://EXAMPLE.org/", "example.org", True),
        ("http://example.org:8000/", "example.org", False),
        ("http://example.org:8000/", "example.org:8000", True),
        ("http://example.org/", "example.org:8000", False),
        ("http://example.org/", "example.org:80", True),
        ("http://www.example.org/", "example.org", False),
        ("http://example.org.evil.example/", "example.org", False),
        ("http://bücher.example/", "xn--bcher-kva.example", True),
        ("http://xn--bcher-kva.example/", "bücher.example", True),
        ("http://[::1]/", "::1", True),
        ("http://a.b.example.org/", "*.example.org", True),
        ("http://a.example.org:8000/", "*.example.org", False),
        ("http://a.example.org:8000/", "*.example.org:8000", True),
        ("http://example.org/", "*.example.org", False),
        ("http://example.org/", "*", False),
        ("http://example.org/", "", False),
        ("http://example.org/", "[", False),
        ("http://[::1]:8000/", "[::1]:8000", True),
        ("http://2130706433/", "127.0.0.1", False),
    ],
)
def test_a_host_is_granted_as_it_is_listed_and_in_no_other_way(
    url: str, host: str, is_listed: bool
) -> None:
    assert is_granted(parts(url), ("other.example", host)) is is_listed


OWN = [
    "127.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "0.1.2.3",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1%eth0",
    "ff02::1",
    "::ffff:127.0.0.1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "no address",
]
PRIVATE = ["10.1.2.3", "172.16.0.1", "192.168.1.1", "fd00::1", "::ffff:10.1.2.3"]


@pytest.mark.parametrize("answer", OWN)
def test_a_granted_name_does_not_open_this_machine_nor_its_link(answer: str) -> None:
    wanted = parts("http://a.example.org/")
    for hosts in (("a.example.org",), ("*.example.org",)):
        assert not may_connect(answer, wanted, hosts, "listed")


@pytest.mark.parametrize("answer", PRIVATE)
def test_a_private_network_is_opened_by_its_own_name_and_by_no_wildcard(answer: str) -> None:
    wanted = parts("http://a.example.org/")
    assert may_connect(answer, wanted, ("*.example.org", "a.example.org"), "listed")
    assert not may_connect(answer, wanted, ("*.example.org",), "listed")
    assert not may_connect(answer, wanted, ("other.example",), "anywhere")


@pytest.mark.parametrize("answer", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:8.8.8.8"])
def test_a_public_address_may_be_connected_to(answer: str) -> None:
    assert may_connect(answer, parts("http://example.org/"), ("example.org",), "listed")


def test_an_address_of_this_machine_is_opened_where_it_is_listed_at_that_port() -> None:
    wanted = parts("http://wiki.example/")
    assert may_connect("127.0.0.1", wanted, ("wiki.example", "127.0.0.1"), "listed")
    assert not may_connect("127.0.0.1", wanted, ("wiki.example", "127.0.0.1:8000"), "listed")
    assert may_connect("127.0.0.1", wanted, ("wiki.example",), "anywhere")


def test_localhost_leads_to_this_machine_and_to_no_other() -> None:
    wanted = parts("http://localhost:8000/")
    assert may_connect("127.0.0.1", wanted, ("localhost:8000",), "listed")
    assert may_connect("::1", wanted, ("localhost:8000",), "listed")
    assert not may_connect("10.0.0.7", wanted, ("localhost:8000",), "listed")


def test_a_redirect_is_read_from_where_it_was_given() -> None:
    here = parts("http://example.org/a/b?c")
    assert joined(here, "../d") == "http://example.org/d"
    assert joined(here, " //other.example/e ") == "http://other.example/e"
    assert joined(here, "https://x.example/") == "https://x.example/"


def test_each_url_that_may_not_be_fetched_is_named_with_its_reason() -> None:
    urls = ("http://example.org/a", "http://example.org:81/", "http://u@example.org/")
    assert ungranted(urls, ("example.org",)) == (
        ("http://example.org:81/", "example.org:81 is not in [network] hosts"),
        ("http://u@example.org/", "it holds a user name or a password"),
    )
