"""The desk: a view, and the requests that people may put into the inbox.

What only some commands need is imported where it is used: `status` is asked often and has to start fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from coordinator.desk.telling import Teller
from coordinator.desk.viewer import id_of
from coordinator.domain.errors import BriefError, BusyError, RepositoryError, UnreachableError
from coordinator.domain.names import BriefId, Digest
from coordinator.domain.status import (
    BriefStatus,
    State,
)

if TYPE_CHECKING:
    from coordinator.desk.coupled import Coupled
    from coordinator.desk.remembering import CheckedMemory
    from coordinator.domain.proof import ClaimedPath
    from coordinator.domain.request import Origin, Request
    from coordinator.ports import Claims, Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """What a request came to: the brief, its state now, and the name of the file in the inbox."""

    id: BriefId
    state: State
    file: str
    duplicate: bool = False


class Desk(Teller):
    """A view that takes requests; it holds nothing that could commit."""

    def coupling(self, paths: Sequence[str], *, most: int) -> tuple[Coupled, ...]:
        """Returns how paths are coupled (see desk.coupled). Raises RepositoryError."""
        from coordinator.desk.coupled import coupled  # noqa: PLC0415  see above

        if self.tip is None:
            raise RepositoryError("there is no commit yet", hint="commit something first")
        return coupled(
            paths,
            tip=self.tip,
            paths=self.policy.paths,
            objects=self._objects,
            past=self._parts.past,
            most=most,
        )

    # -- putting requests

    def drop(self, name: str, text: bytes) -> Put:
        """Puts a brief into the inbox; one that is known already is not put again (rule I1)."""
        inbox = self._writable_inbox()
        would = self.would_drop(name, text)
        if would.duplicate and not self._is_weighed_again(would):
            return would
        return replace(would, file=inbox.put(f"{name}.md", text))

    def is_in_inbox(self, file: str) -> bool:
        """Tells whether a file that was dropped has not been taken in yet."""
        dropped = self._parts.dropped.briefs() if self._parts.dropped else ()
        return file.rpartition(".")[0] in {name for name, _ in dropped}

    def would_drop(self, name: str, text: bytes) -> Put:
        """Returns what dropping a brief would come to; puts nothing."""
        brief = id_of(name, text)
        there = next((b for b in self.briefs() if b.id == brief), None)
        if there is not None:
            return Put(id=there.id, state=there.state, file="", duplicate=True)
        return Put(id=brief, state=State.SUBMITTED, file="")

    def answer(self, wanted: str, question: str, text: str) -> Put:
        """Puts an answer to one of the questions that a brief waits with."""
        from coordinator.domain.request import Answer  # noqa: PLC0415  see above

        brief = self._waiting(wanted, "answer")
        ids = [q.id for q in brief.questions]
        if question not in ids:
            raise BriefError(
                f"{brief.id} does not ask {question!r}",
                hint=f"it asks: {', '.join(ids)}"
                if ids
                else "it asks nothing; `coordinator show` it",
            )
        return self._request(
            brief, Answer(brief=brief.id, question=question, text=text, origin=self._origin())
        )

    def approve(self, wanted: str) -> Put:
        """Puts an approval of exactly the changeset that waits now."""
        from coordinator.domain.request import Approve  # noqa: PLC0415  see above

        brief = self._waiting(wanted, "approve")
        shelved = self._shelved(brief.id)
        changeset = shelved.reply.changeset if shelved and shelved.reply else None
        if changeset is None:
            raise BriefError(
                f"{brief.id} has no changeset to approve: it waits for an answer",
                hint=f"`coordinator show {brief.id}` says what it asks",
            )
        return self._request(
            brief,
            Approve(brief=brief.id, changeset=Digest(changeset), origin=self._origin()),
        )

    def reject(self, wanted: str, reason: str) -> Put:
        """Puts a no to a brief that waits."""
        from coordinator.domain.request import Refuse  # noqa: PLC0415  see above

        brief = self._waiting(wanted, "reject")
        return self._request(brief, Refuse(brief=brief.id, reason=reason, origin=self._origin()))

    def cancel(self, wanted: str) -> Put:
        """Puts a request to stop a brief that has not landed."""
        from coordinator.domain.request import Cancel  # noqa: PLC0415  see above

        brief = self.find(wanted)
        if brief.landed or brief.state.terminal:
            raise BriefError(
                f"{brief.id} is {brief.state}: there is nothing to cancel",
                hint="a change that landed is taken back by another brief, or `git revert`",
            )
        return self._request(brief, Cancel(brief=brief.id, origin=self._origin()))

    def retry(self, wanted: str) -> Put:
        """Puts a request to open a failed, rejected or canceled brief again."""
        from coordinator.domain.request import Retry  # noqa: PLC0415  see above

        brief = self.find(wanted)
        if brief.state not in (State.FAILED, State.REJECTED, State.CANCELED):
            raise BriefError(
                f"{brief.id} is {brief.state}: only failed, rejected and canceled briefs can be retried",
                hint="for the same work once more, drop it with `again: 2` in its front matter",
            )
        shelved = self._shelved(brief.id)
        if shelved is not None and not self._shelf.has_text(self.tip, shelved):
            raise BriefError(
                f"{brief.id} was refused at intake, which keeps no text of it: there is nothing to retry",
                hint="mend the brief and drop it again: `coordinator brief drop FILE`",
            )
        return self._request(brief, Retry(brief=brief.id, origin=self._origin()))

    # -- memory

    def remembered(self) -> CheckedMemory:
        """Returns every entry of decisions, lessons and handoffs, and whether it still holds."""
        from coordinator.desk import remembering  # noqa: PLC0415  see above

        if self.tip is None:
            return remembering.CheckedMemory(entries=(), faults=())
        return remembering.check(
            self.tip, self.policy.paths, past=self._past(), objects=self._objects
        )

    def handoff(self) -> str:
        """Returns what a newcomer needs, as Markdown. Raises RepositoryError without a commit."""
        from datetime import UTC, datetime  # noqa: PLC0415  see above

        from coordinator.desk import handing  # noqa: PLC0415

        said = self._history.commit(self.tip) if self.tip is not None else None
        if self.tip is None or said is None:
            raise RepositoryError(
                "there is nothing to hand over: the branch has no commit",
                hint="commit something, then `coordinator init`",
            )
        tree = self._objects.tree_of(self.tip)
        state = self._objects.read(tree, self.policy.paths.state_file) or b""
        return handing.page(
            self.tip,
            datetime.fromtimestamp(said.timestamp, UTC).date().isoformat(),
            look=self.look(),
            remembered=self.remembered(),
            sayings=self._past().sayings,
            state=state.decode("utf-8", "replace"),
            policy=self.policy,
        )

    # -- people's claims

    def take(self, paths: Sequence[str], reason: str) -> tuple[str, tuple[ClaimedPath, ...]]:
        """Claims paths for the person who asks, a glob's at its folder; returns the token.

        Raises BusyError naming the holder, and BriefError for what is no path of the repository.
        """
        from coordinator.domain.brief_paths import inside  # noqa: PLC0415  see above
        from coordinator.domain.claim_name import claimed_paths  # noqa: PLC0415
        from coordinator.domain.proof import Busy, Unreachable  # noqa: PLC0415

        wanted = claimed_paths([inside(path) for path in paths])
        found = self._writable_claims().take(wanted, who=self.who, reason=reason)
        if isinstance(found, Busy):
            why = f": {found.reason}" if found.reason else ""
            raise BusyError(
                f"{found.path or 'a path'} is claimed by {found.holder}{why}",
                hint="wait until it is released: `coordinator claims list`",
            )
        if isinstance(found, Unreachable):
            raise UnreachableError(found.reason, hint=found.hint)
        return found

    def release(self, token: str) -> None:
        """Gives a person's claim back. Raises BriefError when no claim has that token."""
        if not self._writable_claims().give_back(token):
            raise BriefError(
                f"no claim of a person has the token {token!r}", hint="`coordinator claims list`"
            )

    # -- helpers

    def _request(self, brief: BriefStatus, request: Request) -> Put:
        from coordinator.domain import request_text  # noqa: PLC0415  see above

        name, content = request_text.requests_file(request)
        return Put(id=brief.id, state=brief.state, file=self._writable_inbox().put(name, content))

    def _origin(self) -> Origin:
        from coordinator.domain.request import Origin  # noqa: PLC0415  see above

        return Origin(source="folder", name="", by=self.who, token="")

    def _is_weighed_again(self, put: Put) -> bool:
        """Tells whether intake looks anew at a brief that it refused or asked about, and nobody planned."""
        shelved = self._shelved(put.id)
        judged = put.state in (State.REJECTED, State.INPUT_REQUIRED)
        return judged and shelved is not None and not shelved.planned

    def _waiting(self, wanted: str, verb: str) -> BriefStatus:
        brief = self.find(wanted)
        if brief.state is not State.INPUT_REQUIRED:
            raise BriefError(
                f"{brief.id} is {brief.state}, so there is nothing to {verb}",
                hint="`coordinator status` lists what waits for you",
            )
        return brief

    def _writable_inbox(self) -> Inbox:
        if self._parts.inbox is None:
            raise RepositoryError(
                "this repository is not coordinated: there is no .orchestrator/config.toml",
                hint="run `coordinator init` (with --hub PATH when there is no remote)",
            )
        return self._parts.inbox()

    def _writable_claims(self) -> Claims:
        if self._parts.claims is None:
            raise RepositoryError(
                "claims need the private clone", hint="run `coordinator init` in this clone first"
            )
        return self._parts.claims()
