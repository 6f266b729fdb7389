"""The evaluator with a recorded model: the worker as it is, over planted outputs, without a process for each."""

from pathlib import Path
from typing import Any

from coordinator import config
from coordinator.adapters import planted
from coordinator.adapters.scratch import scratch
from coordinator.desk.examining import Examiner
from coordinator.domain.attempt import Spec
from coordinator.domain.names import ProfileName
from coordinator.domain.output import NoOutput, Output
from coordinator.domain.package import ContextPackage
from coordinator.domain.planted import Examined, figures
from coordinator.domain.policy import Profile
from coordinator.domain.worker import WorkerFailure
from tests.recorded.recording import Recording
from tests.recorded.replay import by
from tests.support.memory_tools import MemoryTools
from tests.support.model_server import ModelServer, serving
from workers.openai_compatible import OpenAICompatible

ANSWERS = Path(__file__).parent / "answers" / "judge.jsonl"
SEED = 20
ROUNDS = 2

JUDGE = """\
---
kind: openai-compatible
description: judges
capabilities: [evaluation]
endpoint: recorded
model: recorded
tools: []
returns: [json]
price: {input: 0, output: 0}
---
You judge what others made. You are exact, and you believe nothing that you cannot see for yourself.
"""


def judged(folder: Path, recording: Recording, *, rounds: int = ROUNDS) -> dict[str, Any]:
    """Returns the figures of the recorded evaluator, as `coordinator eval --json` tells them."""
    policy = config.read_policy(None, {"judge.md": JUDGE.encode()})
    examined: list[Examined] = []
    with (
        scratch(folder / "scratch", policy, environment={}) as here,
        serving(folder, by=by(recording)) as server,
    ):
        examiner = Examiner(
            objects=here.objects,
            attempts=here.attempts,
            policy=policy,
            evaluator=ProfileName("judge"),
            ask=lambda spec, package, profile: _asked(server, spec, package, profile),
        )
        for site, cases in planted.corpus(SEED, rounds=rounds):
            examined += examiner.examine(cases, here.commit(site.files))
    return figures(examined, seed=SEED, evaluator="judge")


def _asked(
    server: ModelServer, spec: Spec, package: ContextPackage, profile: Profile
) -> Output | NoOutput:
    try:
        return OpenAICompatible(profile, server.connection).work(package, MemoryTools({}))
    except WorkerFailure as failure:
        return NoOutput(reason=f"the worker failed: {failure}")
