"""The figures of the evaluator with a recorded model, as the docs tell them."""

from pathlib import Path

from tests.recorded.judge import ANSWERS, judged
from tests.recorded.recording import Recording

DOCS = Path(__file__).parents[2] / "docs/review.md"
AGAIN = (
    "the corpus or the evaluator's prompt has changed: record again, see tests/recorded/README.md"
)


def test_a_recorded_model_judges_as_the_docs_tell(tmp_path: Path) -> None:
    recording = Recording.of(ANSWERS)
    told = judged(tmp_path, recording)
    assert not recording.missed, AGAIN
    assert not recording.unused(), AGAIN
    broken = told["deterministic"]
    assert broken["caught"] == broken["violations"] == 100
    heard = told["evaluator"]
    row = (
        f"judge: accepted {heard['accepted']} of {heard['cases']} that rules left open, of which "
        f"{heard['right']} are right: precision {heard['precision']:.2f}, "
        f"recall {heard['recall']:.2f}; {heard['void']} answers were void."
    )
    assert row in DOCS.read_text("utf-8")
