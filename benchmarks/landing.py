"""Times the landing of a 3-file change, gate `true` and its checkout included: 50,000 files against 1,000.

Two real repositories with their hubs and daemons, used in turn within one run. One sample is the time
from the verdict on an output to the landing being read back from the remote. The first landing of each
repository makes its checkout and is not counted.

    python benchmarks/landing.py [--samples 20] [--small 1000] [--large 50000]
"""

import argparse
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BRIEF = """TASK: Repair the broken links of the folder work-{number}.
INPUTS: work-{number}/*.md
SCOPE: work-{number}/; everything else is out of bounds
OUTPUT FORMAT: changes to the three files
DO NOT: change anything but link targets
"""
CONFIG = """schema = 1
[daemon]
record_interval_s = 0.05
[[gate]]
name = "true"
run = "true"
"""


class Subject:
    """One repository of `files` files with a daemon at work."""

    def __init__(self, folder: Path, *, files: int, briefs: int) -> None:
        self.files = files
        self.folder = folder / f"site-{files}"
        self._events: queue.Queue[tuple[float, dict[str, object]]] = queue.Queue()
        self._make(files, briefs)
        hub = folder / f"hub-{files}.git"
        self.coordinator("init", "--hub", str(hub))
        git(self.folder, "pull", "--quiet", "--ff-only", "origin", "main")
        config = self.folder / ".orchestrator" / "config.toml"
        config.write_text(CONFIG)
        git(self.folder, "commit", "--quiet", "-am", "A gate")
        git(self.folder, "push", "--quiet", "origin", "main")
        self._daemon = subprocess.Popen(
            [sys.executable, "-m", "coordinator", "run", "--json"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()
        self._until("ready")

    def land(self, number: int) -> float:
        """Drops brief `number` and returns the seconds from its verdict to its landing."""
        name = self.folder.parent / f"fix-{self.files}-{number}.md"
        name.write_text(BRIEF.format(number=number))
        self.coordinator("brief", "drop", str(name))
        judged = self._until("judged")
        return self._until("land") - judged

    def stop(self) -> None:
        self._daemon.terminate()
        self._daemon.wait(timeout=30)

    def coordinator(self, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "coordinator", *arguments],
            cwd=self.folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def _make(self, files: int, briefs: int) -> None:
        for number in range(files):
            place = self.folder / f"pages-{number // 500}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"page-{number}.txt").write_text(f"page {number}\n" * 5)
        for number in range(briefs):
            place = self.folder / f"work-{number}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"goal-{number}.md").write_text("# Goal\n")
            for file in range(3):
                text = f"# Text\n\nSee [the goal](lost/goal-{number}.md).\n"
                (place / f"text-{file}.md").write_text(text)
        git(self.folder, "init", "--quiet", "--initial-branch=main")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "Start")

    def _read(self) -> None:
        assert self._daemon.stdout is not None
        for line in self._daemon.stdout:
            self._events.put((time.monotonic(), json.loads(line)))

    def _until(self, wanted: str) -> float:
        while True:
            seen_s, event = self._events.get(timeout=180)
            if event["event"] == wanted:
                return seen_s
            if event["event"] in ("fail", "ask", "reject", "trouble"):
                raise SystemExit(f"{self.folder}: {event}")


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--large", type=int, default=50_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ |= {
            "GIT_AUTHOR_NAME": "Bench",
            "GIT_AUTHOR_EMAIL": "bench@example.invalid",
            "GIT_COMMITTER_NAME": "Bench",
            "GIT_COMMITTER_EMAIL": "bench@example.invalid",
        }
        sizes = (asked.small, asked.large)
        subjects = [Subject(Path(place), files=n, briefs=asked.samples + 1) for n in sizes]
        try:
            for subject in subjects:
                subject.land(0)
            samples: dict[int, list[float]] = {size: [] for size in sizes}
            for number in range(1, asked.samples + 1):
                for subject in subjects:
                    samples[subject.files].append(subject.land(number))
        finally:
            for subject in subjects:
                subject.stop()
    small, large = (statistics.median(samples[size]) for size in sizes)
    for size, median in ((asked.small, small), (asked.large, large)):
        worst = max(samples[size])
        print(f"{size:>7} files: median {median * 1000:7.1f} ms, worst {worst * 1000:7.1f} ms")
    print(f"ratio {large / small:.2f} (median of {asked.samples}; at most 1.5)")


if __name__ == "__main__":
    main()
