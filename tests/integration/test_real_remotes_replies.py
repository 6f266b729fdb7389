"""What a push came to is read from the remote: zombies, lost replies, refusals that moved, orphan locks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.patience import UNTIL_IDLE
from tests.support.stations import (
    PAGES,
    SITEMAP_BRIEF,
    Daemon,
    Hub,
    Station,
    Transport,
    config,
    hub,
    until,
)

TRANSPORTS = pytest.mark.parametrize("transport", ["file", "http"])

# A server that takes its time: the first push of a landing waits in the hook until it may go on. Its
# process is the parent of the hook, and what becomes of it is known when that process is gone.
SLOW_SERVER = """\
while read old new ref; do
  [ "$ref" = refs/heads/main ] || continue
  git log -1 --format=%s "$new" | grep -q '^land ' || continue
  mkdir CONTROL/first 2>/dev/null || continue
  echo "$PPID" >CONTROL/zombie.new && mv CONTROL/zombie.new CONTROL/zombie
  tries=0
  until [ -e CONTROL/go ] || [ "$tries" -ge 12000 ]; do sleep 0.05; tries=$((tries + 1)); done
done
"""

# A server that dies between the update and its report, the first time it updates what is looked for.
DYING_SERVER = """\
[ "$1" = committed ] || exit 0
while read old new ref; do
  case "$ref" in
    refs/heads/main) said=$(git log -1 --format=%s "$new" | cut -d' ' -f1) ;;
    refs/orchestrator/held/*) said=claim ;;
    *) continue ;;
  esac
  [ "$said" = WANTED ] || continue
  mkdir CONTROL/first 2>/dev/null || continue
  kill -9 "$PPID"
done
"""

# A server that says no to the first landing, after the branch has moved.
LYING_SERVER = """\
while read old new ref; do
  [ "$ref" = refs/heads/main ] || continue
  git log -1 --format=%s "$new" | grep -q '^land ' || continue
  mkdir CONTROL/first 2>/dev/null || continue
  cp -R "$GIT_QUARANTINE_PATH/." objects/
  unset GIT_QUARANTINE_PATH GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
  git update-ref "$ref" "$new" "$old"
  exit 1
done
"""


class Control:
    """What a hook of the server did, and when it may go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    def script(self, text: str) -> str:
        """Returns a hook that uses this folder."""
        return text.replace("CONTROL", str(self.folder))

    def hit(self) -> bool:
        """Tells whether the hook has done what it is for."""
        return (self.folder / "first").exists()

    def zombie(self) -> Path:
        """Waits for the push that the server holds back; returns its process."""
        pid = until(
            lambda: (self.folder / "zombie").exists() and (self.folder / "zombie").read_text(),
            "a landing is being pushed",
        )
        return Path("/proc") / str(pid).strip()

    def let_go(self, zombie: Path) -> None:
        """Lets the push that was held back come to its end."""
        (self.folder / "go").touch()
        until(lambda: not zombie.exists(), "the server has dealt with the zombie")


def dead_with_a_push_under_way(made: Hub, control: Control) -> tuple[str, Station, Path]:
    """Returns a brief whose landing a killed daemon has pushed, and the server still thinks about."""
    made.hook("pre-receive", control.script(SLOW_SERVER))
    station = made.station("first")
    brief = station.drop("sitemap", SITEMAP_BRIEF)
    daemon = station.start()
    zombie = control.zombie()
    daemon.kill(clients=True)
    assert not made.landings(brief)
    return brief, station, zombie


@TRANSPORTS
def test_a_zombie_push_that_arrives_after_another_landed_the_brief_changes_nothing(
    tmp_path: Path, transport: Transport
) -> None:
    control = Control(tmp_path / "control")
    with hub(tmp_path, transport, rules=config(lease_s=2.0), files=PAGES) as made:
        brief, _, zombie = dead_with_a_push_under_way(made, control)
        heir = made.station("second").start()
        heir.event("land", brief=brief)
        landed = made.tip

        control.let_go(zombie)

        assert made.tip == landed
        assert len(made.landings(brief)) == 1
        made.assert_quiet()


@TRANSPORTS
def test_a_zombie_push_that_arrives_after_a_takeover_is_refused_whole(
    tmp_path: Path, transport: Transport
) -> None:
    control, door = Control(tmp_path / "control"), tmp_path / "open"
    door.touch()
    rules = config(gate=f"until [ -e {door} ]; do sleep 0.05; done", lease_s=2.0)
    with hub(tmp_path, transport, rules=rules, files=PAGES) as made:
        brief, _, zombie = dead_with_a_push_under_way(made, control)
        door.unlink()
        held = f"refs/orchestrator/held/{brief}"
        before = made.said(held)["epoch"]
        heir = made.station("second").start()
        until(lambda: made.said(held)["epoch"] != before, "the second one takes over")

        control.let_go(zombie)
        assert not made.landings(brief)
        assert made.said(held)["epoch"] != before

        door.touch()
        heir.event("land", brief=brief)
        assert len(made.landings(brief)) == 1
        made.assert_quiet()


@TRANSPORTS
def test_a_zombie_push_that_arrives_before_anybody_looks_is_the_landing(
    tmp_path: Path, transport: Transport
) -> None:
    control = Control(tmp_path / "control")
    with hub(tmp_path, transport, rules=config(lease_s=2.0), files=PAGES) as made:
        brief, station, zombie = dead_with_a_push_under_way(made, control)
        control.let_go(zombie)
        landed = made.landings(brief)
        assert len(landed) == 1

        assert station.start(*UNTIL_IDLE).wait() == 0

        assert made.landings(brief) == landed
        assert station.brief(brief)["state"] == "completed"
        made.assert_quiet()


@pytest.mark.parametrize(
    ("transport", "kept"),
    [("file", "run folder kept"), ("http", "run folder kept"), ("file", "run folder lost")],
)
def test_a_daemon_that_restarts_beside_its_own_zombie_lands_once(
    tmp_path: Path, transport: Transport, kept: str
) -> None:
    control = Control(tmp_path / "control")
    with hub(tmp_path, transport, rules=config(lease_s=2.0), files=PAGES) as made:
        brief, station, zombie = dead_with_a_push_under_way(made, control)
        if kept == "run folder lost":
            station.lose_run_folder()
        again = station.start()
        until(lambda: made.landings(brief), "the restarted one lands")

        control.let_go(zombie)

        until(lambda: station.brief(brief)["state"] == "completed", "it knows")
        assert again.stop() == 0
        assert len(made.landings(brief)) == 1
        made.assert_quiet()


@TRANSPORTS
@pytest.mark.parametrize("push", ["accept", "claim", "land"])
def test_a_lost_response_is_resolved_as_what_really_happened(
    tmp_path: Path, transport: Transport, push: str
) -> None:
    control = Control(tmp_path / "control")
    with hub(tmp_path, transport, files=PAGES) as made:
        lost = lose_one_reply(made, push, control)
        station = made.station("one")
        brief = station.drop("sitemap", SITEMAP_BRIEF)
        daemon = station.start(*UNTIL_IDLE)
        assert daemon.wait() == 0

        assert lost()
        verbs = [subject.split()[0] for subject in made.subjects()]
        assert verbs == ["start", "accept", "land"]
        assert len(made.landings(brief)) == 1
        assert attempts_started(daemon) == 1
        assert station.brief(brief)["state"] == "completed"
        made.assert_quiet()


@TRANSPORTS
def test_a_refused_push_that_did_move_the_branch_is_seen_as_landed(
    tmp_path: Path, transport: Transport
) -> None:
    control = Control(tmp_path / "control")
    with hub(tmp_path, transport, files=PAGES) as made:
        made.hook("pre-receive", control.script(LYING_SERVER))
        station = made.station("one")
        brief = station.drop("sitemap", SITEMAP_BRIEF)
        daemon = station.start(*UNTIL_IDLE)
        assert daemon.wait() == 0

        assert control.hit()
        verbs = [subject.split()[0] for subject in made.subjects()]
        assert verbs == ["start", "accept", "land"]
        assert attempts_started(daemon) == 1
        assert station.brief(brief)["state"] == "completed"
        made.assert_quiet()


@TRANSPORTS
def test_an_orphan_lock_on_the_server_ends_as_a_question_and_lands_once_it_is_mended(
    tmp_path: Path, transport: Transport
) -> None:
    with hub(tmp_path, transport, rules=config(lease_s=60.0), files=PAGES) as made:
        made.git("config", "core.packedRefsTimeout", "100")  # how long the server waits for it
        lock = made.bare / "packed-refs.lock"
        lock.touch()
        station = made.station("one")
        brief = station.drop("sitemap", SITEMAP_BRIEF)
        daemon = station.start(*UNTIL_IDLE)
        assert daemon.wait() == 0

        # One question, and no loop: the attempt was made once, the record written once.
        verbs = [subject.split()[0] for subject in made.subjects()]
        assert verbs == ["start", "accept", "ask"]
        assert attempts_started(daemon) == 1
        status = station.brief(brief)
        assert (status["state"], status["held"]) == ("input_required", "question")
        (question,) = status["questions"]
        assert question["id"] == "refused"
        assert question["choices"] == ["try again"]
        shown = station.run("show", brief).stdout
        assert "packed-refs.lock" in question["text"] + shown
        assert f"coordinator answer {brief} refused" in shown

        lock.unlink()
        assert station.run("answer", brief, "refused", "try again").returncode == 0
        assert station.start(*UNTIL_IDLE).wait() == 0
        assert len(made.landings(brief)) == 1
        made.assert_quiet()


def attempts_started(daemon: Daemon) -> int:
    """Returns how many attempts a daemon started."""
    return sum(event["event"] == "started" for event in daemon.events)


def lose_one_reply(made: Hub, push: str, control: Control) -> Callable[[], bool]:
    """Makes the server carry out one push of a kind and say nothing; returns whether it has."""
    if made.server is None:
        made.hook("reference-transaction", control.script(DYING_SERVER).replace("WANTED", push))
        return control.hit
    server = made.server

    def lose(path: str, body: bytes) -> bool:
        head = body[:4096]
        if server.lost or not path.endswith("/git-receive-pack"):
            return False
        branch, held = b" refs/heads/main" in head, b" refs/orchestrator/held/" in head
        return {"accept": branch and not held, "claim": held and not branch}.get(
            push, branch and held
        )

    server.lose = lose
    return lambda: server.lost == 1


@pytest.mark.parametrize("transport", ["file"])
def test_records_that_are_refused_leave_one_commit_of_unknown_fate_and_are_written_once_allowed(
    tmp_path: Path, transport: Transport
) -> None:
    with hub(tmp_path, transport, files=PAGES) as made:
        made.hook("pre-receive", "grep -q refs/heads/main && echo main is protected && exit 1\n")
        station = made.station("one")
        brief = station.drop("sitemap", SITEMAP_BRIEF)
        daemon = station.start()
        refused = "pushed outcome=Refused commit="
        until(lambda: station.log().count(refused) >= 3, "it is refused, and tried again")
        commits = {
            line.split("commit=")[1][:40] for line in station.log().splitlines() if refused in line
        }
        assert len(commits) == 1
        daemon.event("trouble")

        (made.bare / "hooks" / "pre-receive").unlink()
        daemon.event("land", brief=brief)
        assert [subject.split()[0] for subject in made.subjects()] == ["start", "accept", "land"]
        made.assert_quiet()
