"""Workers that break their promises, each in its own way; review, the pool and the screen catch them."""

import base64
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from coordinator.domain.names import ProfileName, RepoPath
from coordinator.domain.output import Changes, Edit, Output, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools, Worker
from workers.links import Links
from workers.sitemap import Sitemap


class ProseEditingLinkFixer:
    """Mends the links as it should, and improves a sentence while it is there."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        output = Links().work(package, tools)
        if not isinstance(output.body, Changes):
            return output
        edits = []
        for edit in output.body.edits:
            content = base64.b64decode(edit.content_b64 or "")
            content += b"\nThis page was tidied up a little.\n"
            edits.append(edit.model_copy(update={"content_b64": _encoded(content)}))
        return output.model_copy(
            update={"body": Changes(edits=tuple(edits), summary=output.body.summary)}
        )


class SitemapWritingAuditor:
    """Asked for a report on the sitemap, it edits the sitemap."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        wanted = package.constraints.output_format.model_copy(update={"kind": "changes"})
        constraints = package.constraints.model_copy(update={"output_format": wanted})
        changing = package.model_copy(update={"constraints": constraints})
        output = Sitemap().work(changing, tools)
        if isinstance(output.body, Changes):
            return output
        path = RepoPath("sitemap.xml")
        edit = Edit(path=path, content_b64=_encoded(b"<urlset/>\n"))
        return Output(body=Changes(edits=(edit,), summary="the sitemap as it should be"))


class Regex:
    """Matches a pattern that takes for ever."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        re.match(r"(a+)+$", "a" * 64 + "b")
        return done()


class Babbler:
    """Prints without end."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        while True:
            sys.stdout.write("blah " * 1000)


class Giant:
    """Returns far more than is allowed."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        return done("x" * 6_000_000)


class Raiser:
    """Raises what it did not expect."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        raise RuntimeError("out of\nideas")


class Crasher:
    """Dies by a signal."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        os.abort()


class Quitter:
    """Exits as if all were well, and returns nothing."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        os._exit(0)


class Stranger:
    """Returns something else than an Output."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        return {"body": "done"}  # type: ignore[return-value]


class Sleeper:
    """Starts a process of its own, tells both numbers in a file of the package's data, and sleeps."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        target = package.input_data[0].value
        whole = Path(f"{target}.tmp")
        whole.write_text(f"{os.getpid()} {os.getppid()} {child.pid}")
        whole.replace(target)
        time.sleep(600)
        return done()


class Environment:
    """Reports what it can see of the daemon: its environment and open descriptors."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        sys.stdout.write("a print is no output\n")
        descriptors = sorted(filter(None, map(_aim, Path("/proc/self/fd").iterdir())))
        body = Report(text="seen", data={"environ": dict(os.environ), "open": descriptors})
        return Output(body=body)


BAD_WORKERS: Mapping[ProfileName, Worker] = {
    ProfileName("prose"): ProseEditingLinkFixer(),
    ProfileName("auditor"): SitemapWritingAuditor(),
    ProfileName("regex"): Regex(),
    ProfileName("babbler"): Babbler(),
    ProfileName("giant"): Giant(),
    ProfileName("raiser"): Raiser(),
    ProfileName("crasher"): Crasher(),
    ProfileName("quitter"): Quitter(),
    ProfileName("stranger"): Stranger(),
    ProfileName("sleeper"): Sleeper(),
    ProfileName("environment"): Environment(),
}


def done(text: str = "done") -> Output:
    return Output(body=Report(text=text))


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _aim(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except OSError:
        return ""  # the one that listed the folder
