"""The doctor attacks what it finds: it is content where everything holds, and sees what does not."""

import shutil
from pathlib import Path

import pytest

from tests.support.examination import USERS, examine, examined, need_bubblewrap
from tests.support.walk import until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("doctor"),
]  # one at a time: it looks for what is left
ME = USERS[0]


@pytest.mark.parametrize("user", USERS)
def test_the_doctor_finds_nothing_that_gets_through(user: str) -> None:
    examination = examined(user)
    assert examination.said["through"] == []
    assert [one for one in examination.said["checks"] if not one["ok"]] == []
    assert examination.code == 0


def test_every_kind_of_cell_and_the_gate_and_the_registry_are_attacked() -> None:
    rows = examined(ME).said["escapes"]
    assert {arm["arm"] for row in rows for arm in row["arms"]} == {
        "read, no network",
        "write, no network",
        "read, model",
        "write, model",
        "gate",
        "registry",
    }
    key = examined(ME).row("ssh-key")
    assert "gate" in {arm["arm"] for arm in key["arms"]}


def test_the_doctor_leaves_nothing_behind() -> None:
    assert examined(ME).left == ()
    # Somebody else on this machine may be asking a doctor just now; what is left would stay.
    assert until(lambda: not _planted(), within_s=600)


def _planted() -> list[bytes]:
    lines = (_line(path) for path in Path("/proc").glob("[0-9]*/cmdline"))
    return [line for line in lines if b"planted-" in line]


def _line(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("layers", "through"),
    [
        (["seccomp"], {"io-uring", "keyring", "netlink", "userfaultfd"}),
        (["limits"], {"fork-bomb", "thread-bomb", "memory-of-one", "raise-limits"}),
        (
            ["processes", "network"],
            {
                "signal-one",
                "signal-all",
                "process-list",
                "proc-cmdline",
                "tcp-loopback",
                "udp",
                "listen",
                "unix-abstract",
            },
        ),
        (
            ["mounts", "environment", "read-only"],
            {
                "ssh-key",
                "token",
                "own-environment",
                "unix-socket",
                "coordinator-journal",
                "snapshot",
            },
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_the_doctor_sees_that_a_layer_is_missing(layers: list[str], through: set[str]) -> None:
    need_bubblewrap()
    asked = [word for layer in layers for word in ("--without", layer)]
    examination = examine(ME, "--json", *asked, *only(*through))
    found = set(examination.said["through"])
    kernel_has = {one["id"] for one in examination.said["escapes"] if one["bites"]}
    assert through & kernel_has <= found
    assert found
    assert examination.code == 1


def only(*escapes: str) -> list[str]:
    return [word for escape in sorted(escapes) for word in ("--only", escape)]


def test_the_doctor_tries_what_it_is_asked_to_and_nothing_else() -> None:
    need_bubblewrap()
    examination = examine(ME, "--json", *only("ssh-key", "fork-bomb"))
    assert {row["id"] for row in examination.said["escapes"]} == {"ssh-key", "fork-bomb"}
    assert examination.code == 0
    unknown = examine(ME, "--json", *only("no-such-escape"))
    assert unknown.code == 1
    assert "there is no escape 'no-such-escape'" in unknown.stderr
    unknown = examine(ME, "--json", "--without", "secomp")
    assert unknown.code == 1
    assert "there is no layer 'secomp'" in unknown.stderr


def test_a_configuration_that_shows_too_much_is_seen() -> None:
    need_bubblewrap()
    given = ("--json", *only("ssh-key"))
    examination = examine(ME, *given, confined='read = ["/tmp"]', temporary="/tmp")
    assert "ssh-key" in examination.said["through"]
    assert examination.code == 1


def test_what_got_through_is_said_in_the_table_with_where() -> None:
    need_bubblewrap()
    given = ("--without", "environment", *only("own-environment", "ssh-key"))
    examination = examine(ME, *given)
    text = examination.said["text"]
    line = next(line for line in text.splitlines() if line.startswith("find a key in its environ"))
    assert line.endswith("GOT THROUGH")
    assert "  got through (read, no network)" in text
    assert "stopped: mount namespace" in text
    assert examination.code == 1


def test_a_quick_doctor_only_looks() -> None:
    need_bubblewrap()
    examination = examine(ME, "--json", "--quick")
    assert examination.said["escapes"] == []
    assert examination.check("confinement")["ok"]
    assert examination.code == 0


def test_without_bubblewrap_the_doctor_says_what_to_install(tmp_path: Path) -> None:
    for name in ("git", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    examination = examine(ME, "--json", path=str(tmp_path))
    check = examination.check("confinement")
    assert not check["ok"]
    assert "install bubblewrap" in check["hint"]
    assert examination.said["escapes"] == []
    assert examination.code == 1


def test_where_nothing_is_to_be_confined_nothing_is_attacked() -> None:
    examination = examine(ME, "--json", confined='checks = "none"')
    assert "by choice not confined: checks and gates" in examination.check("confinement")["detail"]
    assert examination.said["escapes"] == []
    assert examination.code == 0
