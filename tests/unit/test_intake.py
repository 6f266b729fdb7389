# ruff: noqa: E501 - a row of a table, or a whole message, is one line
"""What intake says about a dropped brief: each rule, whole messages, and what is written down."""

from dataclasses import replace

import pytest

from coordinator.domain import record
from coordinator.domain import reply as reply_text
from coordinator.domain.brief import Fault, Question
from coordinator.domain.names import Place, ProfileName, brief_id
from coordinator.domain.note import Precondition
from coordinator.domain.policy import Limits, Profile
from coordinator.domain.reply import Reply
from coordinator.services.intake import Ignore, Later, Record
from tests.support.inbox_world import BY, POLICY, House, drop, dropped_id

GOOD = """TASK: List every HTML page that public/sitemap.xml does not name.
INPUTS: public/sitemap.xml, public/**/*.html
SCOPE: public/; everything else
OUTPUT FORMAT: a table
DO NOT: add new files
"""


def with_front(front: str, text: str = GOOD) -> str:
    return f"---\n{front}\n---\n{text}"


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_the_five_lines_alone_are_accepted() -> None:
    said = House().check("sitemap", GOOD)
    assert (said.verdict, said.faults, said.questions) == ("accepted", (), ())
    assert said.profiles == ("sitemap",)
    assert (said.estimate.seconds, said.estimate.tokens, said.estimate.cost_usd) == (1.0, 3047, 0.0)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (changed("TASK: List every HTML page that public/sitemap.xml does not name.", "TASK: Fix a.md"), Fault(code="task-short", line=1, section="TASK", message="TASK has 8 characters; 20 is the least", hint="say what shall be done, and to what")),
        (changed("TASK: List every HTML page that public/sitemap.xml does not name.\n", ""), Fault(code="task-missing", line=0, section="TASK", message="TASK is missing", hint="write TASK: one sentence, with a verb")),
        ("TASK: Make the website nicer for everybody.\n", Fault(code="nothing-to-act-on", line=1, section="TASK", message="the brief names nothing to act on", hint="name paths, globs or URLs in INPUTS and SCOPE, or quote what to look for in TASK")),
        (with_front("deadline: 5"), Fault(code="deadline-short", line=2, section="front matter", message="the deadline is 5 s; 10 s is the least", hint="give it more time")),
        (with_front("max_tokens: 100"), Fault(code="too-long", line=2, section="front matter", message="about 3,053 tokens are estimated; max_tokens is 100", hint="raise max_tokens, or name fewer inputs")),
        (with_front("worker: sitemaps"), Fault(code="unknown-worker", line=2, section="front matter", message="there is no worker 'sitemaps'", hint="did you mean 'sitemap'?")),
        (with_front("worker: gpt"), Fault(code="unknown-worker", line=2, section="front matter", message="there is no worker 'gpt'", hint="the workers are sitemap, links, search, merge, copy")),
        (with_front("tools: [read, shell]"), Fault(code="ungranted-tool", line=2, section="front matter", message="sitemap is not granted the tool 'shell'", hint="its tools are glob, list, read")),
        (with_front("after: ghost"), Fault(code="unknown-brief", line=2, section="front matter", message="`after` names 'ghost', and there is no such brief", hint="drop that brief first, or in the same go")),
        (with_front("after: x"), Fault(code="circular", line=2, section="front matter", message="`after` goes round in a circle: x -> x", hint="leave one of these out")),
        (with_front("deploy: prod"), Fault(code="unknown-environment", line=2, section="front matter", message="there is no environment 'prod'", hint="did you mean 'production'?")),
        (GOOD + "ACCEPTANCE: check: link\n", Fault(code="unknown-check", line=6, section="ACCEPTANCE", message="there is no check 'link'", hint="did you mean 'links'?")),
        (changed("SCOPE: public/", "SCOPE: memory/plan.md"), Fault(code="record-path", line=3, section="SCOPE", message="memory/plan.md is on the record paths, which only the coordinator writes", hint="name product files only")),
        (changed("SCOPE: public/", "SCOPE: .orchestrator/config.toml"), Fault(code="protected-path", line=3, section="SCOPE", message=".orchestrator/config.toml belongs to git or to the rules of the house", hint="change it by hand, in a commit of your own")),
        (changed("SCOPE: public/", "SCOPE: vendor/lib/a.c"), Fault(code="submodule", line=3, section="SCOPE", message="vendor/lib/a.c is in a submodule; no worker can change it", hint="change it by hand, or name other files")),
        (changed("SCOPE: public/", "SCOPE: assets/logo.png"), Fault(code="lfs", line=3, section="SCOPE", message="assets/logo.png is stored with git-lfs; no worker can change it", hint="change it by hand, or name other files")),
        (changed("a table", "a table at briefs/x.md"), Fault(code="record-path", line=4, section="OUTPUT FORMAT", message="briefs/x.md is on the record paths, which only the coordinator writes", hint="name product files only")),
        (GOOD + "SECRET\n", Fault(code="secret", line=6, section="", message="this line looks like it holds a secret (Test Token)", hint="take it out, and change it if it is real")),
    ],
)  # fmt: skip
def test_a_brief_is_rejected(text: str, fault: Fault) -> None:
    said = House().check("x", text)
    assert said.verdict == "rejected"
    assert said.faults == (fault,)


@pytest.mark.parametrize(
    "path",
    [
        "briefs",
        "briefs/open/**",
        "memory/",
        "memory/*.md",
        ".git/config",
        ".GIT/x",
        ".orchestrator/",
    ],
)
def test_scope_keeps_off_the_record_paths(path: str) -> None:
    said = House().check("x", changed("SCOPE: public/", f"SCOPE: `{path}`"))
    assert {fault.code for fault in said.faults} <= {"record-path", "protected-path"}
    assert said.faults


@pytest.mark.parametrize("path", ["**", "memory/lessons.md", "briefings/", "docs/briefs/"])
def test_scope_may_name_what_only_looks_like_one(path: str) -> None:
    assert House().check("x", changed("SCOPE: public/", f"SCOPE: {path}")).verdict == "accepted"


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (changed("INPUTS: public/sitemap.xml, public/**/*.html\n", ""), Question(id="inputs", text="INPUTS is missing: which files, URLs or data shall be read?")),
        (changed("public/sitemap.xml, public/**/*.html", "the pages"), Question(id="inputs", text="INPUTS names no path, glob, URL or data: which files shall be read?")),
        (changed("INPUTS: public/sitemap.xml", "INPUTS: public/sitemaps.xml, public/*.php"), Question(id="inputs", text="INPUTS names what is not in the repository: public/sitemaps.xml, public/*.php; what is meant?", choices=("public/sitemap.xml",))),
        (changed("SCOPE: public/; everything else\n", ""), Question(id="scope", text="SCOPE is missing: what is in bounds, and what is out of bounds?")),
        (changed("SCOPE: public/; everything else", "SCOPE: public/a.html; public/"), Question(id="scope", text="SCOPE names public/a.html as in and out of bounds: which is meant?")),
        (changed("SCOPE: public/; everything else", "SCOPE: not docs/"), Question(id="scope", text="SCOPE says only what is out of bounds: what is in bounds?")),
        (changed("SCOPE: public/; everything else", "SCOPE: the pages").replace("a table", "changes"), Question(id="scope", text="SCOPE names no path in bounds, and changes are wanted: which files may be changed?")),
        (changed("OUTPUT FORMAT: a table\n", ""), Question(id="output_format", text="OUTPUT FORMAT is missing: a list, json, a table, a report, or changes?", choices=("list", "json", "table", "report", "changes"))),
        (changed("a table", "something good"), Question(id="output_format", text="OUTPUT FORMAT names none of the kinds: a list, json, a table, a report, or changes?", choices=("list", "json", "table", "report", "changes"))),
        (with_front("worker: search", changed("a table", "changes")), Question(id="output_format", text="OUTPUT FORMAT asks for changes, and search returns list, json, table or report: which do you want?", choices=("list", "json", "table", "report"))),
        (changed("everything else", "docs/").replace("a table", "a table at docs/x.md"), Question(id="output_format", text="OUTPUT FORMAT writes docs/x.md, which SCOPE puts out of bounds: where shall it go?")),
        (changed("a table", "changes").replace("add new files", "change any files"), Question(id="output_format", text="OUTPUT FORMAT asks for changes, and DO NOT forbids any: which do you want?", choices=("list", "json", "table", "report", "changes"))),
        (changed("does not name.", "does not name. Then mend it."), Question(id="task", text="TASK is 2 sentences: what shall be done, in one sentence with a verb?")),
        (changed("List every HTML page that public/sitemap.xml does not name.", "All HTML pages of the sitemap in public/"), Question(id="task", text="TASK has no verb: what shall be done, in one sentence with a verb?")),
        (changed("List every HTML page that public/sitemap.xml does not name.", "Polish the pages under public/ for me"), Question(id="worker", text="TASK names the work of no worker: which one shall do it?", choices=("sitemap", "links", "search"))),
        (with_front("task_type: painting"), Question(id="worker", text="no worker has the capability 'painting': which one shall do it?", choices=("sitemap", "links", "search"))),
    ],
)  # fmt: skip
def test_a_brief_is_asked_about(text: str, question: Question) -> None:
    said = House().check("x", text)
    assert (said.verdict, said.faults) == ("needs_clarification", ())
    assert said.questions == (question,)


@pytest.mark.parametrize(
    ("task", "worker"),
    [
        ("Add the missing pages to the sitemap", "sitemap"),
        ("List the HTML pages missing from public/sitemap.xml", "sitemap"),
        ("Find broken links and anchors in the docs", "links"),
        ("Fix every link that the sitemap page has", "links"),
        ("Mend the broken links of the docs", "links"),
        ("Find every TODO in docs/links.md", "search"),
        ("List where `foo bar` stands in docs/", "search"),
        ("List every line with /T[O0]DO/ in docs/", "search"),
        ('Count "broken link" in docs/', "search"),
    ],
)
def test_the_worker_is_chosen_by_the_words_of_the_task(task: str, worker: str) -> None:
    said = House().check(
        "x", changed("List every HTML page that public/sitemap.xml does not name.", task)
    )
    assert (said.profiles, said.questions) == ((worker,), ())


def test_all_reasons_and_questions_are_said_at_once() -> None:
    said = House().check("x", "---\nworker: gpt\ndeadline: 1\nafter: ghost\n---\nTASK: Fix it\n")
    assert [f.code for f in said.faults] == ["unknown-worker", "deadline-short", "unknown-brief", "task-short", "nothing-to-act-on"]  # fmt: skip
    assert [q.id for q in said.questions] == ["inputs", "scope", "output_format"]


def test_a_deadline_under_the_estimate_and_a_brief_too_long_for_its_worker() -> None:
    slow = Profile(
        name=ProfileName("slow"), capabilities=frozenset({"sitemap"}), tokens_per_s=100,
        limits=Limits(tokens_max=3_000), usd_per_token=0.001,
    )  # fmt: skip
    house = House(policy=replace(POLICY, profiles=(slow,)))
    said = house.check("x", with_front("deadline: 20"))
    assert [(f.code, f.message) for f in said.faults] == [
        ("deadline-estimate", "the deadline is 20 s, and about 31.5 s are estimated"),
        ("too-long", "about 3,053 tokens are estimated; slow takes 3,000"),
    ]
    assert said.estimate.cost_usd == 3.053


@pytest.mark.parametrize("name", ["../x", ".git", "a/b", "a\\b", "", "x\ny", ".hidden", "a" * 300])
def test_a_name_that_is_no_name_is_refused(name: str) -> None:
    said = House().check(name, GOOD)
    assert [f.code for f in said.faults] == ["bad-name"]
    assert "/" not in said.identity.id


def test_an_accepted_brief_is_on_the_branch_with_its_text_its_plan_and_its_reasons() -> None:
    house = House()
    request = drop("Site Map", GOOD.replace("\n", "\r\n"))
    (decision,) = house.take_in(request)
    brief = dropped_id(request)
    assert isinstance(decision, Record)
    assert house.place(brief) is Place.OPEN
    assert house.file(brief, "brief.md") == GOOD
    plan = house.plan(brief)
    assert [(t.id, t.profile) for t in plan.tasks] == [("sitemap", "sitemap")]
    assert (plan.name, plan.accepted_at, plan.requested_by) == ("Site Map", 1_700_000_000, BY)
    assert decision.note.when == (Precondition(brief=brief, place=None),)
    message = record.render(decision.note.record)
    assert (
        message.splitlines()[0] == f"accept {brief}: List every HTML page that public/sitemap.xml"
    )
    said = record.parse(message)
    assert said is not None
    assert said.trailers == (
        ("Brief-Id", brief),
        ("Brief-Digest", house.check("Site Map", GOOD).identity.digest),
        ("Requested-By", BY),
        ("Source", "folder Site Map.md"),
        ("Decided-By", "rule intake.accept@cccccccccccc"),
        ("Rule", "2"),
        ("Format", "1"),
    )


def test_a_rejected_brief_leaves_only_its_digest_and_the_reasons() -> None:
    house = House()
    request = drop("x", "TASK: Tidy the quiet corner of briefs/.\nSCOPE: briefs/\n")
    (decision,) = house.take_in(request)
    brief = dropped_id(request)
    assert isinstance(decision, Record)
    assert house.place(brief) is Place.REJECTED
    assert house.file(brief, "brief.md") is None
    reply = house.reply(brief)
    assert (reply.state, [f.code for f in reply.faults]) == ("rejected", ["record-path"])
    assert "quiet corner" not in record.render(decision.note.record) + (
        house.file(brief, "reply.md") or ""
    )
    assert decision.note.record.values("Reason") == (
        "record-path: line 2: briefs is on the record paths, which only the coordinator writes",
    )
    assert decision.note.record.values("Rule") == ("1",)


def test_nothing_of_a_text_with_a_secret_is_quoted() -> None:
    house = House()
    request = drop("x", "---\nhunter2: SECRET\nworker: hunter2\n---\nTASK: Use hunter2\n")
    (decision,) = house.take_in(request)
    assert isinstance(decision, Record)
    written = record.render(decision.note.record) + (
        house.file(dropped_id(request), "reply.md") or ""
    )
    assert "hunter2" not in written
    assert decision.note.record.values("Rule") == ("3",)
    assert "SECRET" not in house.check("my SECRET name", GOOD).identity.id.upper()


def test_an_unclear_brief_waits_with_its_questions() -> None:
    house = House()
    request = drop("x", changed("OUTPUT FORMAT: a table\n", ""), source="branch")
    (decision,) = house.take_in(request)
    brief = dropped_id(request)
    assert isinstance(decision, Record)
    assert house.place(brief) is Place.WAITING
    assert [q.id for q in house.reply(brief).questions] == ["output_format"]
    assert decision.note.record.values("Source") == ("branch x",)
    assert decision.note.record.values("Question") == (
        "output_format: OUTPUT FORMAT is missing: a list, json, a table, a report, or changes?",
    )


def test_the_same_brief_again_is_a_duplicate_until_again_is_set() -> None:
    house = House()
    request = drop("x", GOOD)
    house.take_in(request)
    assert house.judge(request) == (
        Ignore(request, f"taken in as {dropped_id(request)}", "working", dropped_id(request)),
    )
    other = drop("x", GOOD + "\n<!-- the same -->\n")
    (decision,) = house.judge(other)
    assert decision == Ignore(
        other, f"a duplicate of {dropped_id(request)}, which is working", "working", dropped_id(request), duplicate=True
    )  # fmt: skip
    said = house.check("x", GOOD)
    assert (said.verdict, said.duplicate, said.state) == ("rejected", True, "working")
    assert (
        said.faults[0].message == f"the same brief is there already: {dropped_id(request)}, working"
    )
    assert house.check("x", with_front("again: 1")).verdict == "accepted"


def test_the_same_brief_is_a_duplicate_when_it_has_ended_too() -> None:
    house = House()
    request = drop("x", GOOD)
    house.take_in(request)
    house.move(dropped_id(request), Place.DONE, {})
    (decision,) = house.judge(drop("x", GOOD + "\n\n"))
    assert isinstance(decision, Ignore)
    assert (decision.state, decision.duplicate) == ("completed", True)


def test_a_refused_brief_is_taken_in_when_the_reasons_are_gone() -> None:
    house = House()
    late = drop("late", with_front("after: early"))
    house.take_in(late)
    assert house.place(dropped_id(late)) is Place.REJECTED
    assert isinstance(house.judge(late)[0], Ignore)
    house.take_in(drop("early", GOOD))
    house.take_in(late)
    assert house.place(dropped_id(late)) is Place.OPEN


def test_a_brief_that_waits_for_an_input_goes_on_when_it_is_there_and_dropped_again() -> None:
    house = House()
    request = drop("x", changed("INPUTS: public/sitemap.xml", "INPUTS: public/new.xml"))
    house.take_in(request)
    assert house.place(dropped_id(request)) is Place.WAITING
    house.commit({"public/new.xml": "<urlset/>"})
    house.take_in(request)
    assert house.place(dropped_id(request)) is Place.OPEN
    assert house.file(dropped_id(request), "reply.md") is None


def test_an_edit_of_a_waiting_brief_takes_its_place() -> None:
    house = House()
    vague = drop("x", changed("OUTPUT FORMAT: a table\n", ""))
    house.take_in(vague)
    house.take_in(drop("x", GOOD))
    assert house.place(dropped_id(vague)) is Place.REJECTED
    assert house.reply(dropped_id(vague)).state == "canceled"
    assert house.place(dropped_id(drop("x", GOOD))) is Place.OPEN


def test_briefs_dropped_together_may_come_after_each_other() -> None:
    house = House()
    second = drop("second", with_front("after: first", GOOD + "ACCEPTANCE: reads well\n"))
    decisions = house.take_in(second, drop("first", GOOD))
    assert [d.note.record.verb for d in decisions if isinstance(d, Record)] == ["accept", "accept"]
    assert [d.request.name for d in decisions if isinstance(d, Record) and hasattr(d.request, "name")] == ["first", "second"]  # fmt: skip


def test_a_circle_of_briefs_is_rejected_whole() -> None:
    house = House()
    house.take_in(drop("a", with_front("after: b")), drop("b", with_front("after: a")))
    assert {house.reply(i).faults[0].message for i, _ in house.folders(Place.REJECTED)} >= {
        "`after` goes round in a circle: a -> b -> a"
    }
    assert not house.folders(Place.OPEN)


def test_who_comes_after_a_rejected_brief_is_rejected() -> None:
    house = House()
    decisions = house.take_in(drop("a", with_front("after: b")), drop("b", "TASK: x\n"))
    assert [d.note.record.verb for d in decisions if isinstance(d, Record)] == ["reject", "reject"]


def test_an_input_that_an_earlier_brief_writes_need_not_be_there_yet() -> None:
    house = House()
    first = drop("first", changed("a table", "a table at docs/missing.md"))
    second = drop(
        "second",
        with_front(
            "after: first", changed("INPUTS: public/sitemap.xml", "INPUTS: docs/missing.md")
        ),
    )
    house.take_in(first, second)
    assert house.place(dropped_id(second)) is Place.OPEN


def test_a_full_queue_leaves_the_rest_submitted() -> None:
    house = House(policy=replace(POLICY, queue_max=1))
    one, two = drop("one", GOOD), drop("two", GOOD)
    taken, left = house.take_in(one, two)
    assert isinstance(taken, Record)
    assert left == Later(two, "the queue is full: 1 briefs are being worked on")
    assert house.judge(two) == (left,)


def test_the_same_brief_from_two_places_is_judged_once() -> None:
    one, two = drop("x", GOOD), drop("x", GOOD, source="branch")
    house = House()
    decisions = house.take_in(one, two)
    assert isinstance(decisions[0], Record)
    assert decisions[1] == Later(two, f"{dropped_id(one)} is being judged")


def test_two_texts_with_one_short_hash_get_ids_of_their_own() -> None:
    house = House()
    long = house.check("x", GOOD).identity
    # A folder that has the id by its own digest, but for another text: what a collision looks like.
    other = changed("add new files", "touch docs/")
    taken = house.check("x", other).identity
    squatted = brief_id("x", taken.digest)
    folder = house.policy.paths.folder(Place.REJECTED, squatted)
    twin = taken.digest[:15] + "0" * 56
    reply = Reply(state="rejected", name="x", digest=twin)
    house.commit({f"{folder}/reply.md": reply_text.render(reply)})
    said = house.check("x", other)
    assert (said.verdict, said.duplicate) == ("accepted", False)
    assert said.identity.id == brief_id("x", taken.digest, hash_chars=12)
    assert long.id == brief_id("x", long.digest)


def test_thousands_in_the_inbox_do_not_slow_the_few_that_are_judged() -> None:
    house = House()
    requests = [drop(f"b{number}", GOOD) for number in range(1_000)]
    decisions = house.judge(*requests)
    assert sum(isinstance(decision, Record) for decision in decisions) == 200
    assert decisions[-1] == Later(requests[-1], "many requests are before it")


def test_a_planner_names_the_workers_of_a_brief_that_asks_for_it() -> None:
    house = House()
    refused = house.check("sitemap", with_front("plan: model"))
    (fault,) = refused.faults
    assert (fault.code, fault.line, fault.section) == ("no-planner", 2, "front matter")
    small = Profile(name=ProfileName("mind"), limits=Limits(tokens_max=10))
    profiles = (*POLICY.profiles, small)
    house.policy = replace(POLICY, planner="mind", profiles=profiles)
    text = with_front("plan: model", changed("List every HTML page", "Paint every HTML page"))
    said = house.check("sitemap", text.replace("sitemap.xml does", "map.xml does"))
    assert (said.faults, [q.id for q in said.questions]) == ((), []), "no worker is asked for"
    said = house.check("sitemap", with_front("plan: model\nmax_tokens: 100\ntools: [read]"))
    assert (said.verdict, said.profiles) == ("accepted", ("mind",))
    assert said.estimate.cost_usd is None, "whose it will be is not known yet"
    both = house.check("sitemap", with_front("plan: model\nrecipe: solo"))
    assert [one.code for one in both.faults] == ["two-plans"]
