"""From nothing to a deployed change: a site, a hub, the daemon and six briefs, in a scratch folder."""

import argparse
import functools
import http.server
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from demo import pages, shell
from demo.shell import Daemon, DemoError

BRIEFS = Path(__file__).parent / "briefs"
WANTED = {
    "sitemap": "completed",
    "link-audit": "completed",
    "guide-links": "completed",
    "links-everywhere": "completed",
    "old-name": "completed",
    "malformed": "rejected",
}
# What the author of the vague brief says when asked: by a word of the question's id.
ANSWERS = {"scope": "in: **/*.html", "output": "list", "format": "list"}
SETTLED = ("completed", "failed", "canceled", "rejected")
READY_S_MAX = 120
ALL_S_MAX = 600
LOOK_EVERY_S = 0.5
HOUSE = """
[checks.well-formed]
run = "python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse(\\"sitemap.xml\\")'"

[[gate]]
run = "test -s index.html"

[environments.site]
kind = "directory"
path = "{published}"
live = "http://127.0.0.1:{port}/.coordinator-revision"
"""


def main() -> int:
    """Runs the demo; returns 0 when every brief ended as it should."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--into", type=Path, help="an empty folder to use (default: a new one)")
    into: Path | None = options.parse_args().into
    scratch = into.resolve() if into else Path(tempfile.mkdtemp(prefix="coordinator-demo-"))
    scratch.mkdir(parents=True, exist_ok=True)
    server = serve(scratch / "published")
    started = time.monotonic()
    try:
        return play(scratch, port=server.server_address[1], started=started)
    except DemoError as error:
        print(f"\nerror: {error}\nhint: everything is still in {scratch}", file=sys.stderr)
        return 1
    finally:
        server.shutdown()
        server.server_close()


def play(scratch: Path, *, port: int, started: float) -> int:
    """Sets the scene, lets the daemon work, and shows what came of it."""
    site = scratch / "site"
    make_site(site)
    join(site, published=scratch / "published", port=port)
    shell.heading("The daemon starts, and six briefs are dropped")
    daemon = Daemon(where=site, errors=scratch / "daemon.stderr")
    try:
        daemon.wait_until_ready(timeout_s=READY_S_MAX)
        ids = drop(site)
        briefs = watch(site, daemon=daemon, ids=ids)
        tell(site, briefs=briefs, ids=ids, port=port)
    finally:
        code = daemon.stop()
    wrong = {n: briefs[i]["state"] for n, i in ids.items() if briefs[i]["state"] != WANTED[n]}
    shell.heading(f"Done in {time.monotonic() - started:.0f} s; the daemon stopped with {code}")
    for name, state in wrong.items():
        print(f"  {name} should be {WANTED[name]} and is {state}")
    invite(site)
    return 1 if wrong or code else 0


def serve(published: Path) -> http.server.ThreadingHTTPServer:
    """Serves a folder on the loopback, as a web server in front of the deployed site would."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - named by the base
            """Says nothing: the timeline is the story."""

    handler = functools.partial(Quiet, directory=str(published))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def make_site(site: Path) -> None:
    """Makes the repository that a user would already have."""
    shell.heading(f"A site of its own, in {site}")
    for path, text in pages.files().items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    git = functools.partial(shell.run, "git", where=site)
    git("init", "--quiet", "--initial-branch=main")
    git("config", "user.name", "Demo")
    git("config", "user.email", "demo@example.invalid")
    git("config", "commit.gpgsign", "false")
    git("add", ".")
    git("commit", "--quiet", "--message=A small site")
    shell.show("git", "log", "--oneline", "--shortstat", where=site)


def join(site: Path, *, published: Path, port: int) -> None:
    """Gives the repository a hub and a coordinator, and says what may be deployed where."""
    shell.heading("It gets a hub and a coordinator")
    shell.show("coordinator", "init", "--hub", "../hub.git", where=site)
    config = site / ".orchestrator/config.toml"
    house = HOUSE.format(published=published, port=port)
    settings = config.read_text(encoding="utf-8")
    if not shell.can_confine():
        print(
            "  (bubblewrap does not work here: the gate runs unconfined, which is never the default)"
        )
        settings = settings.replace('# checks = "strict"', 'checks = "none"    ')
    config.write_text(settings + house, encoding="utf-8")
    print("$ cat >> .orchestrator/config.toml" + house.replace("\n", "\n  ").rstrip())
    shell.run("git", "commit", "--quiet", "--all", "--message=House rules", where=site)
    shell.show("git", "push", "--quiet", "origin", "main", where=site)


def drop(site: Path) -> dict[str, str]:
    """Drops the six briefs, as files that anybody could have written; returns their ids by name."""
    for path in sorted(BRIEFS.glob("*.md")):
        (site.parent / path.name).write_bytes(path.read_bytes())
    ids = {}
    for name in WANTED:
        said = shell.answer("coordinator", "brief", "drop", f"../{name}.md", where=site)
        ids[name] = str(said["id"])
    return ids


def watch(site: Path, *, daemon: Daemon, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Waits until every brief has ended, answering what is asked; returns them by id."""
    give_up = time.monotonic() + ALL_S_MAX
    answered: set[tuple[str, str]] = set()
    while time.monotonic() < give_up:
        if not daemon.runs:
            raise DemoError(f"the daemon ended\n{daemon.complaints()}")
        status = shell.answer("coordinator", "status", where=site)
        briefs = {str(brief["id"]): brief for brief in status["briefs"]}
        ours = [briefs.get(brief) for brief in ids.values()]
        if all(brief and brief["state"] in SETTLED for brief in ours):
            return briefs
        for brief in ours:
            for question in (brief or {}).get("questions", []):
                if brief and (brief["id"], question["id"]) not in answered:
                    answered.add((brief["id"], question["id"]))
                    reply(site, brief=brief["id"], question=question)
        time.sleep(LOOK_EVERY_S)
    states = {n: briefs.get(i, {}).get("state", "unseen") for n, i in ids.items()}
    raise DemoError(f"not all briefs ended within {ALL_S_MAX} s: {states}\n{daemon.complaints()}")


def reply(site: Path, *, brief: str, question: dict[str, Any]) -> None:
    """Answers one question, as its author would."""
    said = next((text for word, text in ANSWERS.items() if word in question["id"].lower()), None)
    print(f"\n  {brief} asks ({question['id']}): {question['text']}")
    if said is None:
        raise DemoError(f"the demo has no answer to this question of {brief}")
    shell.show("coordinator", "answer", brief, question["id"], said, where=site)
    print()


def tell(site: Path, *, briefs: dict[str, dict[str, Any]], ids: dict[str, str], port: int) -> None:
    """Shows what came of it: the refusal, the report, the history, one audit and the live page."""
    shell.heading("What the malformed brief was told, all at once")
    shell.show("coordinator", "brief", "check", "../malformed.md", where=site, expect=(1,))
    shell.heading("What the link audit found")
    shell.show("coordinator", "show", ids["link-audit"], "--result", where=site)
    shell.heading("Where everything stands")
    shell.show("coordinator", "status", where=site)
    shell.heading("The history is the record")
    shell.run("git", "fetch", "--quiet", "origin", where=site)
    shell.show("git", "log", "--first-parent", "--oneline", "origin/main", where=site)
    landed = briefs[ids["sitemap"]]["commit"]
    if landed:
        shell.heading("One commit, walked back to who asked for it")
        shell.show("coordinator", "audit", str(landed), where=site)
    shell.heading("What visitors see")
    for path in (".coordinator-revision", "sitemap.xml"):
        look(f"http://127.0.0.1:{port}/{path}")


def look(url: str) -> None:
    """Shows what a page answers."""
    print(f"$ curl {url}")
    try:
        with urllib.request.urlopen(url, timeout=60) as page:
            text = page.read().decode("utf-8", "replace")
    except OSError as error:
        raise DemoError(f"nothing is live at {url}: {error}") from error
    print("".join(f"  {line}\n" for line in text.splitlines()), end="", flush=True)


def invite(site: Path) -> None:
    """Says where all this is, and what to try next."""
    print(f"""
It is all still there, to go on playing:

  cd {site}
  export PATH={Path(sys.executable).parent}:$PATH
  git pull --ff-only                       # bring your checkout up to what landed
  coordinator status                       # works with or without a daemon
  coordinator show {"ID":<24}# the checklist of one brief, as executed
  coordinator brief new my-brief           # a template; then: coordinator brief drop FILE
  coordinator run --until-idle             # work on what was dropped, then stop
""")


if __name__ == "__main__":
    sys.exit(main())
