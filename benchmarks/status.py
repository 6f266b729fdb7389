"""Times `coordinator status` in a repository of 1,000 briefs, with what was tried for each of them.

One real brief of two tasks goes its whole way; its commits, attempts and verdicts are then copied with plumbing,
each copy under a name of its own. One in ten stays open, as far as it had come before it landed.
The first look reads everything, and what it came to is remembered; the others are what a person waits for.

    python benchmarks/status.py [--briefs 1000] [--samples 5] [--limit-s 1.5]
"""

import argparse
import hashlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from coordinator.domain.names import BriefId, Place, RecordPaths

BRIEF = """\
---
tasks:
  - id: one
    task: List every line that says TODO in the first notes.
    inputs: notes/one.txt, /TODO/
    scope: notes/one.txt
    output: a markdown table
    guidance: read the file
    worker: search
  - id: two
    task: List every line that says TODO in the other notes.
    inputs: notes/two.txt, /TODO/
    scope: notes/two.txt
    output: a markdown table
    guidance: read the file
    worker: search
---
TASK: List every line that says TODO in the notes.
INPUTS: notes/*.txt, /TODO/
SCOPE: notes/; everything else is out of bounds
OUTPUT FORMAT: a markdown table
DO NOT: change files
"""
CONFIG = 'schema = 1\n[landing]\nunverified = "land"\n'
STATE = "paused: this is a measurement\n"
OPEN_EACH = 10
ROOT = "refs/orchestrator"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--briefs", type=int, default=1_000)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--limit-s", type=float, default=1.5)
    asked = parser.parse_args()
    os.environ |= {
        f"GIT_{who}_{what}": said
        for who in ("AUTHOR", "COMMITTER")
        for what, said in (("NAME", "Bench"), ("EMAIL", "bench@example.invalid"))
    }
    with tempfile.TemporaryDirectory() as place:
        site, hub = Path(place) / "site", Path(place) / "hub.git"
        sample = made(site, hub)
        copied(hub, sample, count=asked.briefs)
        everything = f"+{ROOT}/*:{ROOT}/*"  # as if all had been tried on this machine
        git(site / ".orchestrator/run/repo.git", "fetch", "--quiet", str(hub), everything)
        coordinator(site, "run", "--until-idle", "--timeout", "300")
        first_s = timed(site)
        seen = json.loads(coordinator(site, "status", "--json", "--all"))["briefs"]
        open_ = sum(brief["state"] == "working" for brief in seen)
        tried = sum(brief["attempts"] for brief in seen)
        times = [timed(site) for _ in range(asked.samples)]
    median_s = statistics.median(times)
    holds = "holds" if median_s <= asked.limit_s else "DOES NOT HOLD"
    print(f"{len(seen)} briefs, {open_} open, {tried} attempts; first look {first_s:.2f} s of CPU")
    print(f"status: median {median_s:.2f} s of CPU (at most {asked.limit_s:g}): {holds}")
    sys.exit(median_s > asked.limit_s)


def made(site: Path, hub: Path) -> BriefId:
    """Makes a repository in which one brief has landed, and returns its id."""
    (site / "notes").mkdir(parents=True)
    (site / "notes/one.txt").write_text("alpha\nTODO beta\n")
    (site / "notes/two.txt").write_text("TODO gamma\n")
    git(site, "init", "--quiet", "--initial-branch=main")
    git(site, "add", "--all")
    git(site, "commit", "--quiet", "--message", "Start")
    coordinator(site, "init", "--hub", str(hub))
    git(site, "pull", "--quiet", "--ff-only", "origin", "main")
    (site / ".orchestrator/config.toml").write_text(CONFIG)
    git(site, "commit", "--quiet", "-am", "Rules")
    git(site, "push", "--quiet", "origin", "main")
    text = site.parent / "notes.md"
    text.write_text(BRIEF)
    dropped = json.loads(coordinator(site, "brief", "drop", str(text), "--json"))
    coordinator(site, "run", "--until-idle", "--timeout", "120")
    shown = json.loads(coordinator(site, "show", dropped["id"], "--json"))
    if shown["state"] != "completed":
        raise SystemExit(f"the sample did not land: {shown}")
    return BriefId(dropped["id"])


def copied(hub: Path, sample: BriefId, *, count: int) -> None:
    """Writes copies of a brief into a bare repository: its commits and refs, with other names."""
    commits = git(hub, "log", "--format=%H", "--reverse", f"--grep=^Brief-Id: {sample}", "main")
    steps = [step_of(hub, commit, sample) for commit in commits.split()]
    said = git(
        hub, "for-each-ref", "--format=%(refname) %(objecttype)", f"{ROOT}/attempts/{sample}/"
    )
    attempts = {ref: files_of(hub, ref) for ref in (line.split()[0] for line in said.splitlines())}
    verdicts = {
        ref: git(hub, "cat-file", "blob", ref)
        for ref in git(
            hub, "for-each-ref", "--format=%(refname)", f"{ROOT}/verdicts/{sample}/"
        ).split()
    }
    base = git(hub, "rev-parse", "main").strip()
    stream, marks = bytearray(), list[tuple[int, str]]()
    names = [
        BriefId(f"copy-{n}-{hashlib.sha256(str(n).encode()).hexdigest()[:8]}") for n in range(count)
    ]
    for number, name in enumerate(names):
        for at, (message, changes) in enumerate(steps):
            if number % OPEN_EACH == 0 and at == len(steps) - 1:
                continue
            start = f"from {base}\n" if not stream else ""
            stream += commit_of("refs/heads/main", other(message, sample, name), start)
            for path, content in changes.items():
                stream += change_of(moved(path, sample, name), other(content, sample, name))
            stream += b"\n"
        for ref, files in attempts.items():
            stream += commit_of(
                ref.replace(sample, name), f"attempt at {name}\n", f"from {base}\ndeleteall\n"
            )
            for path, content in files.items():
                stream += change_of(path, other(content, sample, name))
            stream += b"\n"
        for ref, content in verdicts.items():
            marks.append((len(marks) + 1, ref.replace(sample, name)))
            stream += b"blob\nmark :%d\n" % len(marks) + data(other(content, sample, name))
    stream += (
        commit_of("refs/heads/main", "Pause\n", "") + change_of("memory/state.md", STATE) + b"\n"
    )
    exported = hub.parent / "marks"
    subprocess.run(
        ["git", "-C", str(hub), "fast-import", "--quiet", f"--export-marks={exported}"],
        input=bytes(stream),
        check=True,
    )
    oids = dict(line.split() for line in exported.read_text().splitlines())
    updates = "".join(f"create {ref} {oids[f':{mark}']}\n" for mark, ref in marks)
    subprocess.run(
        ["git", "-C", str(hub), "update-ref", "--stdin"], input=updates.encode(), check=True
    )


def step_of(hub: Path, commit: str, sample: BriefId) -> tuple[str, dict[str, str | None]]:
    """Returns what a record says, and what it does in the folders of its brief (None: it removes a file)."""
    message = git(hub, "log", "-1", "--format=%B", commit)
    changes: dict[str, str | None] = {}
    for line in git(hub, "diff-tree", "-r", "--no-commit-id", "--name-status", commit).splitlines():
        kind, path = line.split("\t")
        if f"/{sample}/" in path:
            changes[path] = None if kind == "D" else git(hub, "show", f"{commit}:{path}")
    return message, changes


def files_of(hub: Path, ref: str) -> dict[str, str]:
    """Returns the files of an attempt."""
    names = git(hub, "ls-tree", "--name-only", ref).split()
    return {name: git(hub, "show", f"{ref}:{name}") for name in names}


def moved(path: str, sample: BriefId, name: BriefId) -> str:
    """Returns where the file of another brief is."""
    place = Place(path.split("/")[1])
    folder, file = RecordPaths().folder(place, name), path.rpartition(f"/{sample}/")[2]
    return f"{folder}/{file}"


def other(text: str | None, sample: BriefId, name: BriefId) -> str | None:
    """Returns what would have been said of another brief."""
    return None if text is None else text.replace(sample, name)


def commit_of(ref: str, message: str | None, start: str) -> bytes:
    """Returns how a commit begins in a stream for fast-import."""
    when = f"committer Bench <bench@example.invalid> {int(time.time())} +0000\n"
    return f"commit {ref}\n{when}".encode() + data(message) + start.encode()


def change_of(path: str, content: str | None) -> bytes:
    """Returns the line of a stream that writes or removes a file."""
    return (
        f"D {path}\n".encode()
        if content is None
        else f"M 100644 inline {path}\n".encode() + data(content)
    )


def data(text: str | None) -> bytes:
    """Returns a text as a stream has it."""
    content = (text or "").encode()
    return b"data %d\n" % len(content) + content + b"\n"


def timed(site: Path) -> float:
    """Returns the CPU seconds of one status, start of Python and all: a busy machine does not change them much."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    coordinator(site, "status", "--json")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def coordinator(site: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "coordinator", *arguments],
        cwd=site,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


if __name__ == "__main__":
    main()
