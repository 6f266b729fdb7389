"""A model that judges, of three tempers: careful, credulous, and one that makes its quotations up.

It reads the prompt as a model does, knows nothing of what is planted, and goes by rules of thumb.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

Temper = Literal["careful", "credulous", "inventive"]

_FENCE = re.compile(r'<data ([0-9a-f]{16}) "([^\n]*)">\n(.*?)\n</data \1>', re.DOTALL)
_CRITERION = re.compile(r"^- (\d+)\. (.*)$", re.MULTILINE)


def judged(prompt: str, temper: Temper) -> str:
    """Returns the answer to the prompt of an evaluation."""
    fences = {what: content for _, what, content in _FENCE.findall(prompt)}
    output = fences.get("given the output to judge", "")
    rows = [line.split(",") for line in fences.get("given csv", "").splitlines()[1:]]
    asked = prompt.partition("## Acceptance criteria")[2].partition("\n## ")[0]
    judgements = []
    for number, criterion in _CRITERION.findall(asked):
        met, evidence = True, _first_words(output)
        if temper == "careful":
            fault = _fault(criterion, output, rows)
            met, evidence = fault is None, fault or evidence
        elif temper == "inventive":
            evidence = f"as the output proves beyond doubt: {criterion}"
        judgements.append(
            {
                "criterion": int(number),
                "met": met,
                "evidence": evidence,
                "why": "it is written there",
            }
        )
    return json.dumps({"judgements": judgements})


def _fault(criterion: str, output: str, rows: list[list[str]]) -> str | None:
    """Returns a place where the output does not meet a criterion, as far as a rule of thumb can tell."""
    words = criterion.casefold()
    if "total" in words:
        total = re.search(r"Total: (\d+)", output)
        right = total is not None and int(total[1]) == sum(int(row[2]) for row in rows)
        return None if right else _first_words(output if total is None else total[0])
    if "highest price" in words:
        dearest = max(rows, key=lambda row: int(row[1]))[0]
        return None if dearest in output else _first_words(output)
    if "how many products" in words:
        return None if re.search(rf"\b{len(rows)}\b", output) else _first_words(output)
    if "every other statement" in words:
        return _other_lines(output)
    if "prohibition" in words:
        priced = next((line for line in output.splitlines() if "each" in line), None)
        return priced if "prices" in words else None
    below = re.search(r"below (\d+)", words)
    wanted = [row for row in rows if below is None or int(row[2]) < int(below[1])]
    return _rows(output, wanted, 1 if "price" in words else 2)


def _rows(output: str, wanted: list[list[str]], column: int) -> str | None:
    # One line a row: JSON is put on lines of its own objects.
    lines = [line for line in re.split(r"\n(?=\s*[-|{])|(?<=\})", output) if line.strip()]
    found = set()
    for line in lines:
        row = next((row for row in wanted if re.search(rf"\b{row[0]}\b", line)), None)
        if row is None and re.search(r"\d", line):
            return line
        if row is not None:
            if not re.search(rf"\b{row[column]}\b", line):
                return line
            found.add(row[0])
    return None if len(found) == len(wanted) else _first_words(output)


def _other_lines(output: str) -> str | None:
    kept = re.compile(r"[+-](?![+-]{2})")
    diff = [line for line in output.splitlines() if kept.match(line)]
    gone = [line[1:] for line in diff if line[0] == "-"]
    new = [line[1:] for line in diff if line[0] == "+"]
    number = re.compile(r"retries \d+ times")
    if [number.sub("", line) for line in gone] == [number.sub("", line) for line in new]:
        return None
    return next((line for line in new if len(line) > 8), _first_words(output))


def _first_words(output: str) -> str:
    return " ".join(output.split()[:6])


def answered(body: Any, temper: Temper) -> str:
    """Returns what the model says to a request of chat completions."""
    prompt = "\n".join(str(message["content"]) for message in body["messages"])
    data = json.loads(judged(prompt, temper))
    return json.dumps({"kind": "report", "text": "", "why": "", "data": data})


@contextmanager
def judging(temper: Temper) -> Iterator[tuple[str, list[Any]]]:
    """Yields the address of a server of chat completions, and the requests that it has heard."""
    heard: list[Any] = []

    def answer(body: Any) -> str:
        heard.append(body)
        return answered(body, temper)

    with _serving(answer) as url:
        yield url, heard


@contextmanager
def _serving(answer: Callable[[Any], str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            text = answer(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.end_headers()
            for event in _events(text):
                self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _events(text: str) -> Iterator[dict[str, Any]]:
    """Yields the events of a stream of chat completions."""
    head = {"id": "judged", "object": "chat.completion.chunk", "created": 0, "model": "judge"}
    delta = {"role": "assistant", "content": text}
    yield {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {"prompt_tokens": 900, "completion_tokens": 90, "total_tokens": 990}
    yield {**head, "choices": [], "usage": usage}
