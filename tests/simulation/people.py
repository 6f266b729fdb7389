"""What people ask and answer, and what they push themselves, at moments that the seed chooses."""

import json
from collections.abc import Sequence
from functools import partial
from random import Random
from typing import Any

from coordinator.adapters.git import RefUpdate, Signature
from coordinator.adapters.objects import GitObjects
from coordinator.domain.names import BriefId, Place, RecordPaths, RepoPath, digest
from coordinator.domain.request import Origin
from coordinator.domain.request_text import parse_request
from coordinator.domain.tree import Entry
from coordinator.domain.world import Filed
from tests.support.fake_git import FakeGit

from .machine import Machine
from .network import BRANCH, SimServer, Trace
from .watch import Watch

_ANSWERS_MAX = 4
_LOOK_S = 4.0
_TEXT = """\
{front}TASK: Write by hand a line of number {number} into the pages named below.
INPUTS: index.txt
SCOPE: {scope}; everything else
OUTPUT FORMAT: {output}
DO NOT: rename any page
"""


class People:
    """Everybody who is no coordinator."""

    def __init__(
        self,
        machines: Sequence[Machine],
        server: SimServer,
        watch: Watch,
        *,
        haste: float,
        trace: Trace,
    ) -> None:
        self.dropped: dict[str, str] = {}  # file name -> text
        self.expected = 0
        self.planned = 0  # what people will still do
        self._machines = machines
        self._server = server
        self._watch = watch
        self._trace = trace
        self._random: Random = server.scheduler.random
        self._git = FakeGit(server, name="people")
        self._objects = GitObjects(self._git, paths=RecordPaths)
        self._answered: dict[BriefId, int] = {}
        self._asked = 0
        self._haste = haste
        self._haste_left = 10

    def begin(self, briefs: int, *, deploys: bool) -> None:
        """Plans a day: drops, a few second thoughts, and looks at what waits for an answer."""
        random, after = self._random, self._later
        for number in range(briefs):
            name, text = f"brief-{number}", self._brief(number, deploys=deploys)
            self.dropped[name] = text
            after(random.uniform(0.0, 20.0), partial(self._drop, name, text))
            if random.random() < 0.25:
                after(random.uniform(0.0, 25.0), partial(self._drop, name, text))
            if random.random() < 0.35:
                after(random.uniform(1.0, 45.0), partial(self._ask, name, "cancel"))
            if random.random() < 0.25:
                after(random.uniform(20.0, 70.0), partial(self._ask, name, "retry"))
        for _ in range(random.choice((0, 0, 1, 3))):
            after(random.uniform(0.0, 60.0), self._push)
        self._server.scheduler.after(_LOOK_S, self._look)

    def changed(self, verb: str, brief: BriefId | None) -> None:
        """Second thoughts: somebody cancels a brief soon after it was accepted."""
        if verb == "accept" and brief is not None and self._is_hasty():
            self._later(self._random.uniform(0.0, 3.0), partial(self._request, "cancel", brief))

    def gating(self, took_s: float) -> None:
        """Second thoughts: somebody cancels what is about to land."""
        held = self._watch.held()
        if held and self._is_hasty():
            about_s = took_s + self._random.uniform(-1.5, 0.5)
            one = self._random.choice(held)
            self._later(max(0.0, about_s), partial(self._request, "cancel", one))

    def _is_hasty(self) -> bool:
        self._haste_left -= 1
        return self._haste_left > 0 and self._random.random() < self._haste

    def _later(self, delay_s: float, call: Any) -> None:
        self.planned += 1

        def due() -> None:
            self.planned -= 1
            call()

        self._server.scheduler.after(delay_s, due)

    def _brief(self, number: int, *, deploys: bool) -> str:
        random = self._random
        front = ""
        if number and random.random() < 0.2:
            front += f"after: brief-{random.randrange(number)}\n"
        if deploys and random.random() < 0.6:
            front += "deploy: production\n"
        if random.random() < 0.2:
            front += f"priority: {random.choice((-1, 5))}\n"
        front = f"---\n{front}---\n" if front else ""
        scope = random.choice(("site/a/", "site/a/shared.txt", "site/b/", "site/", "docs/*.txt"))
        output = random.choice(("changes", "changes", "changes", "changes", "a report"))
        if output == "a report" and random.random() < 0.5:
            output = f"a report at reports/r{number}.md"
        return _TEXT.format(front=front, number=number, scope=scope, output=output)

    def _drop(self, name: str, text: str) -> None:
        self.put(f"{name}.md", text.encode())

    def _ask(self, name: str, verb: str) -> None:
        known = {b for b, _ in sorted(self._watch.seen) if b.startswith(f"{name}-")}
        for brief in sorted(known):
            self._request(verb, brief)

    def _request(self, verb: str, brief: BriefId, **fields: str) -> None:
        self._asked += 1
        said = {"format": 1, "request": verb, "brief": brief, "by": "Ada <ada@example.org>"}
        text = json.dumps({**said, **fields}) + " " * self._asked  # each has a token of its own
        self.put(f"{verb}-{self._asked}.request.json", text.encode())

    def put(self, file: str, content: bytes) -> None:
        machine = self._random.choice(self._machines)
        origin = Origin(
            source="folder", name=file, by="Ada <ada@example.org>", token=digest(content)
        )
        machine.folder.requests.append(parse_request(file, content, origin=origin))
        self._trace("people", lambda: f"put {file} into the inbox of {machine.name}")
        if machine.life is not None and machine.life.alive:
            machine.wake()

    def _push(self) -> None:
        """Somebody pushes a commit of their own: a fast-forward, made on the newest tip."""
        tip = self._watch.tip
        path = self._random.choice(("site/a/shared.txt", "docs/readme.txt", "people.txt"))
        text = self._watch.file(path) + f"people {self._random.randrange(1000)}\n"
        tree = self._objects.edit(
            self._objects.tree_of(tip),
            {RepoPath(path): Entry("100644", self._objects.blob(text.encode()))},
        )
        who = Signature(name="Ada", email="ada@example.org", timestamp=1_700_000_000)
        commit = self._git.commit(
            tree=tree, parents=[tip], message="by hand\n", author=who, committer=who, sign=False
        )
        self._trace("people", lambda: f"push {commit[:6]} to {path}")
        self._server.deliver(
            [RefUpdate(ref=BRANCH, expected=tip, new=commit)], self._server.changes
        )

    def _look(self) -> None:
        """Answers what waits, and takes an orphan lock away when somebody says that the remote refuses."""
        self._server.scheduler.after(_LOOK_S, self._look)
        waiting = [f for f in self._watch.live().values() if f.place is Place.WAITING]
        if any("packed-refs.lock" in t for machine in self._machines for t in machine.troubles):
            self._server.obstructed = False
        for filed in sorted(waiting, key=lambda f: f.id):
            if any(q.id == "refused" for q in filed.reply.questions) if filed.reply else False:
                self._server.obstructed = False
            if not self._is_asking(filed.id) and self._random.random() < 0.5:
                self._answer(filed)

    def _is_asking(self, brief: BriefId) -> bool:
        return any(
            getattr(request, "brief", None) == brief
            for machine in self._machines
            for request in machine.folder.requests
        )

    def _answer(self, filed: Filed) -> None:
        reply = filed.reply
        if reply is None:
            return
        times = self._answered[filed.id] = self._answered.get(filed.id, 0) + 1
        if times > _ANSWERS_MAX:
            self._request("cancel", filed.id)
        elif reply.changeset is not None:
            if self._random.random() < 0.8:
                self._request("approve", filed.id, changeset=reply.changeset)
            else:
                self._request("reject", filed.id, reason="not like this")
        elif reply.questions:
            question = reply.questions[0]
            text = question.choices[0] if question.choices else "as you think best"
            self._request("answer", filed.id, question=question.id, text=text)
        else:
            self._request("cancel", filed.id)
