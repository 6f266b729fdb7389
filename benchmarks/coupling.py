"""Tells how well a history foretells which files change together: AUC on the part that was not learned from.

For each repository (a git directory), the oldest 80 % of its commits are learned from. Pairs of files
that stood at that cut and changed together in a later commit are ranked against ten times as many pairs
that did not: drawn evenly from the files at the cut, and again from the files of the positive pairs, as
often as they stand in those (the hard ones: files that are alive, in another combination). The AUC is the
chance that a pair of the first sort is ranked above one of the second; 0.5 is a coin.

    python benchmarks/coupling.py [--seed 7] GIT_DIR...
"""

import argparse
import random
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from coordinator.adapters.co_change import GitCoChange
from coordinator.adapters.git_process import GitProcess
from coordinator.adapters.reading import FileMemo
from coordinator.domain.names import Oid
from coordinator.domain.together import COMMITS_MAX, PATHS_MAX, Together, Touched

LEARNED_SHARE = 0.8
POSITIVES_MAX = 3_000
NEGATIVES_EACH = 10

Pair = tuple[str, str]


def main() -> None:
    """Measures every repository that is named, and prints a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("repositories", nargs="+", type=Path, metavar="GIT_DIR")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args()
    print(f"{'repository':<36} learned  files   pairs  AUC even  AUC hard  seconds")
    for folder in chosen.repositories:
        measure(folder, seed=chosen.seed)


def measure(folder: Path, *, seed: int) -> None:
    """Prints how one repository fares."""
    with GitProcess(folder, remote_url="") as git:
        tip = Oid(git.plumbing("rev-parse", "HEAD").out.decode().strip())
        history = GitCoChange(git, FileMemo(None), commits_max=1_000_000).touched(tip)
        later = history[: len(history) - int(len(history) * LEARNED_SHARE)]
        earlier = history[len(later) :]
        files = _files(git, earlier, tip)
    begun_s = time.monotonic()
    learned = Together(earlier[:COMMITS_MAX])
    positive = changed_together(later, frozenset(files))
    dice = random.Random(seed)
    sample = sorted(positive)
    if len(sample) > POSITIVES_MAX:
        sample = dice.sample(sample, POSITIVES_MAX)
    ends = [path for pair in sample for path in pair]
    even = drawn(dice, files, positive, count=NEGATIVES_EACH * len(sample))
    hard = drawn(dice, ends, positive, count=NEGATIVES_EACH * len(sample))

    def score(pair: Pair) -> float:
        return learned.between(frozenset(pair[:1]), frozenset(pair[1:])).value

    good = [score(pair) for pair in sample]
    print(
        f"{_name(folder):<36} {learned.commits:>7} {len(files):>6} {len(positive):>7}"
        f"  {auc(good, list(map(score, even))):>8.3f}  {auc(good, list(map(score, hard))):>8.3f}"
        f"  {time.monotonic() - begun_s:>7.1f}"
    )


def changed_together(later: Sequence[Touched], files: frozenset[str]) -> set[Pair]:
    """Returns the pairs of `files` that a commit after the cut changed, by their names at the cut."""
    before: dict[str, str] = {}
    found: set[Pair] = set()
    for touched in reversed(later):
        for old, new in touched.renamed:
            before[new] = before.get(old, old)
        if len(touched.paths) <= PATHS_MAX:
            known = {before.get(path, path) for path in touched.paths} & files
            found.update(combinations(sorted(known), 2))
    return found


def drawn(
    dice: random.Random, files: Sequence[str], not_in: set[Pair], *, count: int
) -> list[Pair]:
    """Returns `count` random pairs that did not change together, or fewer where there are hardly any."""
    found: list[Pair] = []
    for _ in range(30 * count):
        one, two = sorted((dice.choice(files), dice.choice(files)))
        if one != two and (one, two) not in not_in:
            found.append((one, two))
        if len(found) == count:
            break
    return found


def auc(good: Sequence[float], bad: Sequence[float]) -> float:
    """Returns the chance that one of `good` is above one of `bad`; a tie is half."""
    ranked = sorted([(x, True) for x in good] + [(x, False) for x in bad])
    total, start = 0.0, 0
    while start < len(ranked):
        end = start
        while end < len(ranked) and ranked[end][0] == ranked[start][0]:
            end += 1
        total += (start + 1 + end) / 2 * sum(is_good for _, is_good in ranked[start:end])
        start = end
    pairs = len(good) * len(bad)
    return (total - len(good) * (len(good) + 1) / 2) / pairs if pairs else float("nan")


def _files(git: GitProcess, earlier: Sequence[Touched], tip: Oid) -> list[str]:
    """Returns the files at the cut: of the newest learned commit that is on the main line."""
    line = set(git.plumbing("rev-list", "--first-parent", tip).out.decode().split())
    cut = next((one.commit for one in earlier if one.commit in line), earlier[0].commit)
    listed = git.plumbing("ls-tree", "-r", "-z", "--name-only", cut).out
    return listed.decode("utf-8", "surrogateescape").split("\0")[:-1]


def _name(folder: Path) -> str:
    return folder.parent.name if folder.name in ("repo", ".git") else folder.name


if __name__ == "__main__":
    main()
