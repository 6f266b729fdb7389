"""History as a coordinator writes it, made by hand: accepts, landings, attempts, deploys."""

import json
from collections.abc import Mapping
from pathlib import Path

from coordinator.adapters.git import Signature
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.objects import GitObjects
from coordinator.domain import reply as reply_text
from coordinator.domain.attempt import AttemptId, Spec
from coordinator.domain.brief_text import identify_text
from coordinator.domain.names import (
    BriefId,
    Epoch,
    Oid,
    Place,
    ProfileName,
    RecordPaths,
    RepoPath,
    TaskId,
)
from coordinator.domain.output import Output, Report, Usage
from coordinator.domain.package import Constraints, ContextPackage, Scope, WantedOutput
from coordinator.domain.plan import Plan, Task
from coordinator.domain.record import Record, Verb, render
from coordinator.domain.reply import Reply
from coordinator.domain.tree import Entry
from coordinator.domain.verdict import Accept, Finding, Trust
from tests.support.repos import git

WHO = "A Person <person@example.invalid>"
BRIEF = b"""\
## TASK

List the lines with the word "start".

## INPUTS

- **/*.md

## SCOPE

- in: **/*.md

## OUTPUT FORMAT

list
"""
REPORT = b"- README.md\n- \xc3\xa9t\xc3\xa9\n"
PATHS = RecordPaths()


class Chronicle:
    """Writes commits of ours straight to the branch of a bare hub."""

    def __init__(self, hub: Path, *, branch: str = "main") -> None:
        self._hub = hub
        self._branch = branch
        self.git = GitProcess(hub, remote_url="")
        self.objects = GitObjects(self.git, paths=lambda: PATHS)
        self._seconds = 1_700_000_000

    @property
    def tip(self) -> Oid:
        """Returns the newest commit."""
        ref = f"refs/heads/{self._branch}"
        return self.git.refs(ref)[ref]

    def accept(self, name: str, text: bytes = BRIEF, *, plan: Plan | None = None) -> BriefId:
        """Accepts a brief."""
        identity = identify_text(name, text)
        folder = PATHS.folder(Place.OPEN, identity.id)
        planned = plan or Plan(
            tasks=(Task(id=TaskId("search"), objective="look", profile=ProfileName("search")),),
            name=name,
            accepted_at=self._seconds,
            requested_by=WHO,
        )
        record = Record(
            verb=Verb.ACCEPT,
            about=identity.id,
            subject="taken in",
            trailers=(
                ("Brief-Id", identity.id),
                ("Brief-Digest", identity.digest),
                ("Requested-By", WHO),
                ("Source", f"folder {name}.md"),
                ("Decided-By", "rule intake.complete@default"),
                ("Rule", "2"),
                ("Format", "1"),
            ),
        )
        self.commit(
            record,
            {
                f"{folder}/brief.md": text,
                f"{folder}/plan.json": planned.model_dump_json().encode(),
            },
        )
        return identity.id

    def attempt(self, brief: BriefId, *, number: int = 1) -> tuple[str, Oid]:
        """Keeps an accepted attempt; returns its ref and commit."""
        package = ContextPackage(
            brief_id=brief,
            task_id=TaskId("search"),
            attempt=number,
            task_type="search",
            description="List the lines.",
            tools_available=("read",),
            constraints=Constraints(
                deadline_seconds=60,
                max_tokens=1000,
                output_format=WantedOutput(kind="list"),
                max_retries=1,
            ),
            input_data=(),
            acceptance_criteria=(),
            base=self.tip,
            scope=Scope(inside=("**",), outside=()),
            do_not=(),
        )
        spec = Spec(
            id=AttemptId(brief=brief, epoch=Epoch("e1"), number=number),
            round=1,
            task=TaskId("search"),
            profile=ProfileName("search"),
            base=self.tip,
            package=self.blob(package.model_dump_json().encode()),
            wall_clock_s_max=60,
        )
        output = Output(
            body=Report(text=REPORT.decode()), usage=Usage(cost_usd=0.25), confinement="none"
        )
        tree = self.objects.edit(
            self.objects.edit(self.objects.tree_of(self.tip), {RepoPath(""): None}),
            {
                RepoPath("package.json"): Entry("100644", spec.package),
                RepoPath("output.json"): self._entry(output.model_dump_json().encode()),
                RepoPath("spec.json"): self._entry(spec.model_dump_json().encode()),
            },
        )
        commit = self._write(tree, "attempt\n", parent=spec.base)
        finding = Finding(code="scope", criterion="SCOPE", met=True, evidence="inside SCOPE")
        verdict = Accept(trust=Trust.VERIFIED, findings=(finding,))
        blob = self.blob(verdict.model_dump_json().encode())
        git(self._hub, "update-ref", spec.id.ref, commit)
        git(self._hub, "update-ref", spec.id.ref.replace("/attempts/", "/verdicts/"), blob)
        return spec.id.ref, commit

    def land(
        self,
        brief: BriefId,
        name: str,
        text: bytes = BRIEF,
        *,
        attempts: tuple[tuple[str, Oid], ...] = (),
        changes: Mapping[str, bytes] | None = None,
        claims: tuple[tuple[str, str], ...] = (),
        gated: str | None = None,
    ) -> Oid:
        """Lands a brief with its report; `gated` falsifies the trailer."""
        identity = identify_text(name, text)
        base = self.tip
        opened, done = PATHS.folder(Place.OPEN, brief), PATHS.folder(Place.DONE, brief)
        reply = Reply(state="completed", name=name, text="Done.")
        files: dict[str, bytes | None] = {
            f"{opened}/brief.md": None,
            f"{opened}/plan.json": None,
            f"{done}/brief.md": text,
            f"{done}/result.md": REPORT,
            f"{done}/reply.md": reply_text.render(reply),
            **(changes or {}),
        }
        product = self.objects.product(self._edited(files))
        record = Record(
            verb=Verb.LAND,
            about=brief,
            subject="two rows",
            trailers=(
                ("Brief-Id", brief),
                ("Brief-Digest", identity.digest),
                ("Requested-By", WHO),
                *(("Attempt", f"search/1 accepted {ref} {oid}") for ref, oid in attempts),
                ("Decided-By", "rule landing.verified@default"),
                ("Rule", "6"),
                ("Base", base),
                ("Gated-Tree", gated or product),
                *(("Claim", f"{path} {oid}") for path, oid in claims),
                ("Checks", "passed 1 of 1"),
                ("Review", "verified"),
                ("Cost-USD", "0.25"),
                ("Format", "1"),
            ),
        )
        return self.commit(record, files)

    def wait(self, brief: BriefId, name: str, reply: Reply) -> Oid:
        """Sends an open brief to waiting/."""
        opened, waiting = PATHS.folder(Place.OPEN, brief), PATHS.folder(Place.WAITING, brief)
        tree = self.objects.tree_of(self.tip)
        files: dict[str, bytes | None] = {}
        for file in ("brief.md", "plan.json"):
            files[f"{waiting}/{file}"] = self.objects.read(tree, RepoPath(f"{opened}/{file}"))
            files[f"{opened}/{file}"] = None
        files[f"{waiting}/reply.md"] = reply_text.render(reply.model_copy(update={"name": name}))
        trailers = (("Brief-Id", brief), ("Format", "1"))
        record = Record(verb=Verb.ASK, about=brief, subject="a question", trailers=trailers)
        return self.commit(record, files)

    def deploy(self, environment: str, revision: Oid, brief: BriefId) -> Oid:
        """Records that a revision is live."""
        trailers = (
            ("Environment", environment),
            ("Revision", revision),
            ("Generation", "1"),
            ("Brief-Id", brief),
            ("Live", "seen 2 times"),
            ("Decided-By", "rule deliver.live@default"),
            ("Rule", "9"),
            ("Format", "1"),
        )
        record = Record(verb=Verb.DEPLOY, about=environment, subject="is live", trailers=trailers)
        return self.commit(record, {"memory/state.md": f"# live {revision}\n".encode()})

    def claim(self, path: str, holder: Mapping[str, object]) -> None:
        """Puts a claim of `path` onto the hub."""
        said = {"format": 1, "path": path, "acq": "a1", "nonce": "n1", **holder}
        blob = self.blob(json.dumps(said).encode())
        git(self._hub, "update-ref", f"refs/orchestrator/claims/{path}", blob)

    def commit(self, record: Record, files: Mapping[str, bytes | None]) -> Oid:
        """Commits one record."""
        commit = self._write(self._edited(files), render(record), parent=self.tip)
        git(self._hub, "update-ref", f"refs/heads/{self._branch}", commit)
        return commit

    def blob(self, content: bytes) -> Oid:
        """Stores content."""
        return self.git.write("blob", content)

    def close(self) -> None:
        """Ends the process that reads objects."""
        self.git.close()

    def _edited(self, files: Mapping[str, bytes | None]) -> Oid:
        edits = {
            RepoPath(path): None if content is None else self._entry(content)
            for path, content in files.items()
        }
        return self.objects.edit(self.objects.tree_of(self.tip), edits)

    def _entry(self, content: bytes) -> Entry:
        return Entry("100644", self.blob(content))

    def _write(self, tree: Oid, message: str, *, parent: Oid) -> Oid:
        self._seconds += 60
        who = Signature(name="Coordinator", email="c@example.invalid", timestamp=self._seconds)
        return self.git.commit(
            tree=tree, parents=[parent], message=message, author=who, committer=who, sign=False
        )
