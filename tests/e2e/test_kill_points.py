"""SIGKILL before and after every port call that writes: nothing is lost, nothing is done twice.

Each case kills a daemon at one point, starts another one, with the run folder as it was left or with all of it
deleted, and looks at what has come of all briefs. KILL_POINTS=all runs every combination, with more briefs.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from coordinator.adapters.faults import points
from tests.support import kill_judge
from tests.support.kill_site import ENDLESS, SITEMAP, Ended, KillSite, make_kill_site, plant_orphan
from tests.support.orphans import Orphans, adopting
from tests.support.patience import PATIENCE_S
from tests.support.repos import git

EVERY = os.environ.get("KILL_POINTS") == "all"

BY_OTHER_MEANS = {
    "claims.delete": "only where somebody left an orphan",
    "claims.take_over": "only where a coordinator died that held something",
    "claims.take": "a command of people",
    "claims.give_back": "a command of people",
    "committer.follow": "only where the house wants it",
    "inbox.put": "a command of people",
    "pool.cancel": "only where a brief ends while its worker works",
}
LATER = {  # of these the first call is not the one that matters most
    "committer.push": range(2, 7),
    "committer.record": range(2, 4),
    "journal.intend": range(2, 7),
    "journal.settle_intent": range(2, 7),
    "objects.edit": range(3, 40, 9),
    "remote.sync": range(2, 20, 5),
    "attempts.publish": range(2, 4),
    "claims.acquire": range(2, 4),
    "claims.renew": range(2, 5),
    "committer.land": range(2, 4),
    "deploys.swap": range(2, 3),
    "inbox.remove": range(2, 5),
    "inbox.reply": range(2, 5),
    "journal.end": range(2, 5),
    "pool.acknowledge": range(2, 5),
}

WRITING = [f"{point.port}.{point.call}" for point in points() if point.writes]
IN_ONE_RUN = [name for name in WRITING if name not in BY_OTHER_MEANS]
SIDES = ("before", "after")
RUN_FOLDERS = ("kept", "deleted")
CROSSED = [(s, r) for s in SIDES for r in RUN_FOLDERS if EVERY or (s == "before") == (r == "kept")]
NEEDS_BOTH = ("claims.release", "objects.unite")


def _first_calls() -> Iterator[tuple[str, str]]:
    """Yields where to die; by default at each call once, before it or after it, by turns."""
    for number, name in enumerate(IN_ONE_RUN):
        for second, side in enumerate(SIDES):
            for third, run_folder in enumerate(RUN_FOLDERS):
                if EVERY or (number % 2 == second and number // 2 % 2 == third):
                    yield f"{name}:{side}", run_folder


def _later_calls() -> Iterator[tuple[str, str]]:
    """Yields later calls of the same name; by default the push of the landing alone."""
    for name, numbers in LATER.items() if EVERY else [("committer.push", (3,))]:
        for number in numbers:
            for side in SIDES:
                for run_folder in RUN_FOLDERS if EVERY else ("kept",):
                    yield f"{name}:{side}:{number}", run_folder


@pytest.fixture
def orphans() -> Iterator[Orphans]:
    with adopting() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path) -> KillSite:
    return make_kill_site(tmp_path, both=EVERY)


def dies(ended: Ended, fault: str, orphans: Orphans) -> None:
    """Asserts that it was killed there, and waits for what it had begun: on a busy machine its last push takes long."""
    assert ended.code == -signal.SIGKILL, f"{fault} was never reached: {ended}"
    assert orphans.left(PATIENCE_S) == {}


def restart(site: KillSite, run_folder: str = "kept") -> None:
    """Starts the next daemon, which must come to rest by itself."""
    if run_folder == "deleted":
        site.forget()
    ended = site.run()
    assert ended.code == 0, ended
    assert "Traceback" not in ended.said, ended
    assert not [event for event in ended.events if event["event"] == "trouble"], ended


def rests(site: KillSite, orphans: Orphans, mine: dict[str, str]) -> None:
    """Asserts what must hold at the end, whatever the case."""
    kill_judge.judge(site)
    assert site.owned() == mine
    assert orphans.left(PATIENCE_S) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "run_folder"), tuple(_first_calls()))
def test_each_brief_lands_once_whichever_call_the_daemon_dies_at(
    tmp_path: Path, orphans: Orphans, fault: str, run_folder: str
) -> None:
    site = make_kill_site(tmp_path, both=EVERY or fault.startswith(NEEDS_BOTH))
    mine = site.owned()
    dies(site.run(fault), fault, orphans)
    restart(site, run_folder)
    if run_folder == "kept":
        assert kill_judge.published(site) <= kill_judge.spent(site)
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "run_folder"), tuple(_later_calls()))
def test_each_brief_lands_once_whichever_later_call_the_daemon_dies_at(
    tmp_path: Path, orphans: Orphans, fault: str, run_folder: str
) -> None:
    site = make_kill_site(tmp_path, both=EVERY)
    mine = site.owned()
    died = site.run(fault)
    # How many calls there are hangs on how records are grouped, so the last of them may not be reached.
    assert died.code in (-signal.SIGKILL, 0), died
    assert orphans.left(PATIENCE_S) == {}
    restart(site, run_folder)
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_daemon_may_die_where_it_takes_over_what_a_dead_one_held(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    dies(site.run("pool.submit:after"), "pool.submit:after", orphans)
    fault = f"claims.take_over:{side}"
    if run_folder == "deleted":
        site.forget()  # the one that takes over does not know that it was us
    dies(site.run(fault), fault, orphans)
    restart(site, run_folder)
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_daemon_may_die_where_it_sweeps_an_orphaned_claim(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    plant_orphan(site)
    fault = f"claims.delete:{side}"
    dies(site.run(fault), fault, orphans)
    restart(site, run_folder)
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_daemon_may_die_where_it_stops_a_worker(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    site.drop("endless", ENDLESS)
    fault = f"pool.cancel:{side}"
    with site.daemon(fault) as daemon:
        assert daemon.stdout is not None
        brief = started(daemon.stdout, "endless-")
        assert site.command("cancel", brief).code == 0
        for line in daemon.stdout:  # until it dies
            assert '"timeout"' not in line, f"{fault} was never reached"
        assert daemon.wait() == -signal.SIGKILL
    assert orphans.left(PATIENCE_S) == {}
    restart(site, run_folder)
    subjects = git(site.hub, "log", "--format=%s", "main").splitlines()
    assert len([line for line in subjects if line.startswith("cancel endless-")]) == 1
    rests(site, orphans, mine)


def started(lines: Iterable[str], brief: str) -> str:
    """Reads events until a worker has begun with a brief, and returns the id of the brief."""
    for line in lines:
        event = json.loads(line)
        if event["event"] == "started" and event["brief"].startswith(brief):
            return str(event["brief"])
    raise AssertionError(f"no worker began with {brief}")


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_daemon_may_die_where_it_brings_the_checkout_forward(
    tmp_path: Path, orphans: Orphans, side: str, run_folder: str
) -> None:
    site = make_kill_site(tmp_path, follow=True)
    fault = f"committer.follow:{side}"
    dies(site.run(fault), fault, orphans)
    restart(site, run_folder)
    kill_judge.judge(site)
    assert git(site.repo, "rev-parse", "HEAD") == git(site.hub, "rev-parse", "main")
    assert git(site.repo, "status", "--porcelain") == ""
    assert orphans.left(PATIENCE_S) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_brief_is_dropped_whole_or_not_at_all(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    text = site.folder / "sitemap.md"
    text.write_text(SITEMAP)
    (site.inbox / "sitemap.md").unlink()
    fault = f"inbox.put:{side}"
    dies(site.command("brief", "drop", str(text), fault=fault), fault, orphans)
    there = (site.inbox / "sitemap.md").exists()
    assert there == (side == "after")
    again = site.command("brief", "drop", str(text), "--json")
    assert (again.code, json.loads(again.out)["duplicate"]) == (0, there)
    restart(site, run_folder)
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_person_has_claimed_all_paths_or_none(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    fault = f"claims.take:{side}"
    taking = ("claims", "take", "LICENSE", "etc", "--reason", "by hand")
    dies(site.command(*taking, fault=fault), fault, orphans)
    restart(site, run_folder)
    held = claimed(site)
    assert sorted(claim["path"] for claim in held) == (
        ["LICENSE", "etc"] if side == "after" else []
    )
    for token in {claim["acq"] for claim in held}:
        assert site.command("claims", "release", token).code == 0
    rests(site, orphans, mine)


@pytest.mark.slow
@pytest.mark.parametrize(("side", "run_folder"), CROSSED)
def test_a_person_has_given_all_paths_back_or_none(
    site: KillSite, orphans: Orphans, side: str, run_folder: str
) -> None:
    mine = site.owned()
    taken = site.command("claims", "take", "LICENSE", "etc", "--reason", "by hand", "--json")
    token = json.loads(taken.out)["token"]
    fault = f"claims.give_back:{side}"
    dies(site.command("claims", "release", token, fault=fault), fault, orphans)
    restart(site, run_folder)
    assert len(claimed(site)) == (2 if side == "before" else 0)
    assert site.command("claims", "release", token).code == (0 if side == "before" else 1)
    rests(site, orphans, mine)


def claimed(site: KillSite) -> list[dict[str, str]]:
    """Returns what the claims on the hub say."""
    refs = git(site.hub, "for-each-ref", "--format=%(objectname)", "refs/orchestrator/claims")
    return [json.loads(git(site.hub, "cat-file", "blob", oid)) for oid in refs.splitlines()]


def test_every_writing_call_is_a_case_here() -> None:
    tested = Path(__file__).read_text()
    assert set(BY_OTHER_MEANS) <= set(WRITING)
    assert set(LATER) <= set(IN_ONE_RUN)
    for name in BY_OTHER_MEANS:
        assert f'f"{name}:{{side}}"' in tested, name


def test_a_process_that_is_left_behind_is_found(orphans: Orphans) -> None:
    leave = "import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)"
    subprocess.run([sys.executable, "-c", leave], check=True)
    assert list(orphans.left(0.0).values()) == ["sleep 600 "]
    orphans.kill()
    assert orphans.left(PATIENCE_S) == {}
