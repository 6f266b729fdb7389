"""Every way out, tried by the doctor as a worker and without confinement: one test for each, and for each user."""

import pytest

from coordinator.adapters.escapes.catalogue import ESCAPES
from tests.support.examination import USERS, examined

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("doctor")]  # one process asks once for all

# What does not bite on every machine even where nothing confines it, so that there it proves nothing.
ROOT_ALONE = {
    "namespace-of-another": "only root may enter a namespace of somebody else",
    "packets": "only root may make raw packets",
    "bpf": "most systems let only root load programs (kernel.unprivileged_bpf_disabled)",
    "kernel-log": "most systems show the log to root alone (kernel.dmesg_restrict)",
    "file-handle": "only root may open files by number",
    "file-watch": "only root may watch every file",
    "make-device": "only root may make a device",
    "kernel-settings": "they belong to root",
    "control-groups": "they belong to root",
    "devices": "they belong to root",
}
THIS_MACHINE = {
    "tcp-loopback-6": "it has no IPv6",
    "tcp-address": "it has no address but loopback",
    "terminal-input": "its kernel has no TIOCSTI (dev.tty.legacy_tiocsti)",
    "other-machine-calls": "its kernel runs no programs of 32 bits",
    "io-uring": "its kernel has no io_uring (kernel.io_uring_disabled)",
    "performance-counters": "its kernel lets nobody measure (kernel.perf_event_paranoid)",
    "core-dump": "it keeps no core dumps",
    "file-watch": "its kernel has no fanotify",
    "bpf": "its kernel has no bpf",
    "control-groups": "its control groups are elsewhere, or read-only",
    "devices": "it has none of these devices",
    "make-device": "it is a container without that right",
    "file-handle": "it is a container without that right",
    "kernel-log": "it is a container without that right",
    "kernel-settings": "it is a container with read-only settings",
    "packets": "it is a container without that right",
    "capabilities": "it is a container with none",
    "raise-limits": "it has hard limits already",
    "new-mount-calls": "its kernel is old",
}


def test_there_are_many_ways_out_and_each_is_another() -> None:
    assert len({one.id for one in ESCAPES}) == len(ESCAPES) == len({one.tries for one in ESCAPES})
    assert len(ESCAPES) >= 50


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", [one.id for one in ESCAPES])
def test_no_worker_gets_out_this_way(name: str, user: str) -> None:
    row = examined(user).row(name)
    loose = [arm for arm in row["arms"] if not arm["stopped"]]
    excused = row["known_limit"] and all(arm["ran"] for arm in loose)
    assert not loose or excused, loose
    assert row["stopped"] or excused


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("name", [one.id for one in ESCAPES])
def test_this_way_leads_out_where_nothing_confines(name: str, user: str) -> None:
    examination = examined(user)
    row = examination.row(name)
    if not row["bites"] and name in ROOT_ALONE and not examination.is_root:
        pytest.skip(f"it does not bite here: {ROOT_ALONE[name]}")
    if not row["bites"] and name in THIS_MACHINE:
        pytest.skip(f"it does not bite here: {THIS_MACHINE[name]} ({row['control']})")
    assert row["bites"], row["control"]


@pytest.mark.parametrize("user", USERS)
def test_fifty_ways_out_are_proved_by_both_arms(user: str) -> None:
    proved = [row for row in examined(user).said["escapes"] if row["bites"] and row["stopped"]]
    assert len(proved) >= 50
