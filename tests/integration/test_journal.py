import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coordinator.adapters.journal import CHECKS_MAX, PAST_MAX, SqliteJournal
from coordinator.domain.attempt import RESTARTED, AttemptId, Spec
from coordinator.domain.check import CheckResult
from coordinator.domain.errors import NewerSchemaError, RepositoryError
from coordinator.domain.names import BriefId, Digest, Epoch, Oid, ProfileName, TaskId
from coordinator.domain.output import Usage
from coordinator.domain.past import Past
from coordinator.domain.proof import Deletion, Planned
from tests.support.patience import PATIENCE_S

LINKS = BriefId("links-3fa29c01")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "journal.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(path)
    yield made
    made.close()


def planned(oid: str) -> Planned:
    return Planned(
        oid=Oid(oid * 40),
        parent=Oid("0" * 40),
        product=Oid("e" * 40),
        briefs=(LINKS,),
        deletions=(Deletion(ref="refs/orchestrator/claims/docs", oid=Oid("d" * 40)),),
    )


def spec(number: int, brief: BriefId = LINKS) -> Spec:
    return Spec(
        id=AttemptId(brief=brief, epoch=Epoch("e1"), number=number),
        round=1,
        task=TaskId("t1"),
        profile=ProfileName("links"),
        base=Oid("a" * 40),
        package=Oid("b" * 40),
        wall_clock_s_max=60.0,
    )


def result(key: str, *, passed: bool = True) -> CheckResult:
    return CheckResult(
        key=Digest(key),
        name="test",
        passed=passed,
        tail="odd \udc80 byte\n",
        log=Digest("sha256:00"),
        wall_s=0.5,
    )


def reopened(path: Path) -> SqliteJournal:
    """Returns what a process that starts later sees."""
    return SqliteJournal(path)


def test_an_intent_survives_a_restart_until_it_is_settled(
    path: Path, journal: SqliteJournal
) -> None:
    journal.intend(planned("1"))
    journal.intend(planned("2"))
    journal.intend(planned("1"))
    later = reopened(path)
    assert later.intents() == (planned("1"), planned("2"))
    later.settle_intent(planned("1"))
    assert journal.intents() == (planned("2"),)
    later.close()


def test_an_attempt_is_recorded_once_and_then_how_it_ended(
    path: Path, journal: SqliteJournal
) -> None:
    journal.begin(spec(1))
    journal.begin(spec(1).model_copy(update={"round": 9}))
    journal.begin(spec(2))
    journal.end(spec(1).id, usage=Usage(tokens_in=7, cost_usd=None), reason="killed")
    later = reopened(path)
    assert later.begun() == ((spec(1), "killed"), (spec(2), None))
    later.close()


def test_forgetting_a_brief_keeps_what_it_used(journal: SqliteJournal) -> None:
    other = BriefId("other-00000001")
    journal.begin(spec(1))
    journal.begin(spec(1, other))
    journal.end(spec(1).id, usage=Usage(cost_usd=0.25), reason="")
    journal.end(spec(1).id, usage=Usage(cost_usd=0.25), reason="")
    journal.forget(LINKS)
    assert journal.begun() == ((spec(1, other), None),)
    assert journal.spent(LINKS) == {spec(1).id.ref: Usage(cost_usd=0.25)}


def test_what_was_spent_is_known_by_the_day(path: Path) -> None:
    times = iter((50, 100, 150, 200, 250, 300, 400))
    journal = SqliteJournal(path, now=lambda: next(times))
    for number, cost in ((1, 0.25), (2, None), (3, 0.5)):
        journal.begin(spec(number))
        journal.end(spec(number).id, usage=Usage(cost_usd=cost), reason="")
    assert [journal.spent_since(at) for at in (100, 101, 300, 301)] == [0.75, 0.5, 0.5, 0.0]
    journal.end(spec(1).id, usage=Usage(cost_usd=0.25), reason="")  # told again, after a kill
    assert journal.spent_since(0) == 0.75
    journal.close()


def test_an_attempt_that_is_forgotten_before_it_ended_counts_with_all_its_money(
    journal: SqliteJournal,
) -> None:
    journal.begin(spec(1).model_copy(update={"cost_usd_max": 2.0}))
    journal.begin(spec(2))
    journal.forget(LINKS)
    assert journal.begun() == ()
    free = Usage(cost_usd=0.0)
    assert journal.spent(LINKS) == {spec(1).id.ref: Usage(cost_usd=2.0), spec(2).id.ref: free}
    used = Usage(cost_usd=0.5, tokens_in=7)
    journal.end(spec(1).id, usage=used, reason="cancelled")  # it ends all the same
    assert journal.spent_since(0) == 0.5
    known = {past.spec.id.number: (past.reason, past.tokens) for past in journal.past()}
    assert known == {1: ("cancelled", 7), 2: (RESTARTED, 0)}, "limits count what it took"


FIRST_FORMAT = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO meta VALUES ('format', '1');
CREATE TABLE intents (number INTEGER PRIMARY KEY, oid TEXT UNIQUE, said TEXT NOT NULL);
CREATE TABLE attempts (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, brief TEXT NOT NULL, said TEXT NOT NULL, reason TEXT);
CREATE TABLE spend (
    number INTEGER PRIMARY KEY, id TEXT UNIQUE, brief TEXT NOT NULL, said TEXT NOT NULL);
CREATE TABLE checks (number INTEGER PRIMARY KEY, key TEXT UNIQUE, said TEXT NOT NULL);
"""


def test_a_journal_of_the_first_format_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    used = Usage(cost_usd=0.25)
    with closing(sqlite3.connect(path)) as direct, direct:
        direct.executescript(FIRST_FORMAT)
        row = (spec(1).id.ref, LINKS, used.model_dump_json())
        direct.execute("INSERT INTO spend (id, brief, said) VALUES (?, ?, ?)", row)
    journal = SqliteJournal(path, now=lambda: 100)
    assert journal.spent(LINKS) == {spec(1).id.ref: used}
    assert journal.spent_since(1) == 0.0  # nobody knows when that was
    journal.end(spec(2).id, usage=Usage(cost_usd=0.5), reason="")
    journal.close()
    again = SqliteJournal(path)
    assert again.spent_since(1) == 0.5
    again.close()
    with closing(sqlite3.connect(path)) as direct:
        assert direct.execute("SELECT value FROM meta").fetchone() == ("3",)


SECOND_FORMAT = FIRST_FORMAT.replace("'1'", "'2'").replace(
    "brief TEXT NOT NULL, said TEXT NOT NULL);",
    "brief TEXT NOT NULL, said TEXT NOT NULL, ended INTEGER NOT NULL DEFAULT 0);",
)


def test_a_journal_of_the_second_format_is_taken_over(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as direct, direct:
        direct.executescript(SECOND_FORMAT)
        row = (spec(1).id.ref, LINKS, spec(1).model_dump_json())
        direct.execute("INSERT INTO attempts (id, brief, said) VALUES (?, ?, ?)", row)
    journal = SqliteJournal(path, now=lambda: 100)
    assert journal.begun() == ((spec(1), None),)
    assert journal.past() == ()  # nobody knows when it began
    journal.close()


def test_the_past_is_what_ended_and_then_what_has_not_and_outlives_the_brief(path: Path) -> None:
    clock = [100.0]
    journal = SqliteJournal(path, now=lambda: clock[0])
    for number in (1, 2, 3):
        journal.begin(spec(number))
        clock[0] += 10
    journal.end(spec(2).id, usage=Usage(tokens_in=3, tokens_out=4), reason="")
    clock[0] += 5
    journal.end(spec(1).id, usage=Usage(), reason="killed: too slow")
    clock[0] += 5
    two = Past(spec=spec(2), began_ago_s=30, ended_ago_s=10, reason="", tokens=7)
    one = Past(spec=spec(1), began_ago_s=40, ended_ago_s=5, reason="killed: too slow")
    assert journal.past() == (two, one, Past(spec=spec(3), began_ago_s=20))
    journal.forget(LINKS)
    unheard = Past(spec=spec(3), began_ago_s=20, ended_ago_s=0, reason=RESTARTED)
    assert journal.past() == (two, one, unheard)  # a request is a request, whatever became of it
    journal.close()
    again = SqliteJournal(path, now=lambda: clock[0])
    assert again.past() == (two, one, unheard)
    again.close()


def test_only_the_newest_past_is_looked_back_at(path: Path, journal: SqliteJournal) -> None:
    journal.begin(spec(1))
    journal.end(spec(1).id, usage=Usage(), reason="")
    with closing(sqlite3.connect(path)) as direct, direct:
        for number in range(PAST_MAX):
            direct.execute(
                "INSERT INTO spend (id, brief, said, spec, began, done) SELECT ?, brief, said, spec,"
                " began, done FROM spend WHERE id = ?",
                (f"x{number}", spec(1).id.ref),
            )
    assert len(journal.past()) == PAST_MAX


def test_check_results_are_remembered_and_the_newest_counts(
    path: Path, journal: SqliteJournal
) -> None:
    assert journal.checks() == {}
    journal.keep_check(result("k1", passed=False))
    journal.keep_check(result("k1"))
    journal.keep_check(result("k2"))
    wanted = {Digest("k1"): result("k1"), Digest("k2"): result("k2")}
    assert journal.checks() == wanted
    later = reopened(path)
    assert later.checks() == wanted
    later.close()


def test_old_check_results_are_dropped(path: Path, journal: SqliteJournal) -> None:
    journal.keep_check(result("oldest"))
    journal.keep_check(result("next"))
    direct = sqlite3.connect(path)
    with direct:
        direct.execute("UPDATE checks SET number = ? WHERE key = 'next'", (CHECKS_MAX,))
    direct.close()
    journal.keep_check(result("newest"))
    later = reopened(path)
    assert set(later.checks()) == {"next", "newest"}
    later.close()


def test_the_file_is_synced_fully_and_says_its_format(path: Path, journal: SqliteJournal) -> None:
    direct = sqlite3.connect(path)
    assert direct.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert direct.execute("SELECT value FROM meta WHERE key = 'format'").fetchone() == ("3",)
    direct.close()


def test_many_threads_write_at_once_and_nothing_is_lost(journal: SqliteJournal) -> None:
    def work(thread: int) -> None:
        for number in range(20):
            journal.begin(spec(thread * 100 + number))
            journal.end(spec(thread * 100 + number).id, usage=Usage(), reason="")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(journal.begun()) == 80
    assert all(reason == "" for _, reason in journal.begun())


@pytest.mark.parametrize(
    "content", [b"this is no database at all" * 100, b"SQLite format 3\0" * 400]
)
def test_a_file_that_is_no_database_is_set_aside_and_a_fresh_one_made(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.with_name("journal.sqlite3.broken-1").write_bytes(b"an earlier one")
    path.write_bytes(content)
    with caplog.at_level(logging.ERROR):
        journal = SqliteJournal(path)
    assert journal.intents() == ()
    journal.intend(planned("1"))
    assert journal.intents() == (planned("1"),)
    assert path.with_name("journal.sqlite3.broken-1").read_bytes() == b"an earlier one"
    assert path.with_name("journal.sqlite3.broken-2").read_bytes() == content
    assert "journal damaged, set aside" in caplog.text
    journal.close()


def test_damage_that_appears_while_running_is_survived(path: Path) -> None:
    first = SqliteJournal(path)
    for number in range(200):
        first.begin(spec(number))
    first.close()
    content = bytearray(path.read_bytes())
    # Every page but the first, which holds the format: the damage is met by a later read.
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    journal = SqliteJournal(path)
    assert journal.begun() == ()
    journal.begin(spec(1))
    assert journal.begun() == ((spec(1), None),)
    assert path.with_name("journal.sqlite3.broken-1").exists()
    journal.close()


def test_a_newer_format_is_left_as_it_is_and_named(path: Path) -> None:
    SqliteJournal(path).close()
    with sqlite3.connect(path) as direct:
        direct.execute("UPDATE meta SET value = '4'")
    direct.close()
    before = path.read_bytes()
    with pytest.raises(
        NewerSchemaError, match="has format 4, this program knows 3: read-only"
    ) as error:
        SqliteJournal(path)
    assert error.value.hint is not None
    assert "newer coordinator" in error.value.hint
    assert path.read_bytes() == before
    assert not path.with_name("journal.sqlite3.broken-1").exists()


def test_a_disk_without_room_is_an_error_that_says_what_to_do(path: Path) -> None:
    """The limit on file size stands in for a full disk; it holds for the child process only."""
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from coordinator.adapters.journal import SqliteJournal\n"
        "from coordinator.domain.errors import RepositoryError\n"
        "from tests.integration.test_journal import planned\n"
        "journal = SqliteJournal(Path(sys.argv[1]))\n"
        "journal.intend(planned('1'))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    journal.intend(planned('2'))\n"
        "except RepositoryError as error:\n"
        "    print(error.hint)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)\n"
        "journal.intend(planned('3'))\n"
        "print([p.oid[0] for p in journal.intents()])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.stdout == (
        "free some disk space; everything goes on by itself at the next try\n['1', '3']\n"
    ), done.stderr


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(RepositoryError, match="folder of the journal cannot be made"):
        SqliteJournal(tmp_path / "run" / "journal.sqlite3")
