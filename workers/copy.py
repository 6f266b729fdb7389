"""Returns what its brief says word for word: how a page that a person wrote gets into the history."""

from coordinator.domain.output import Output, Report
from coordinator.domain.package import ContextPackage
from coordinator.domain.worker import Tools

from . import reading


class Copy:
    """Adds nothing, leaves nothing out, and reads no file."""

    def work(self, package: ContextPackage, tools: Tools) -> Output:
        """Returns the data of INPUTS, all of it in its order."""
        del tools  # all that it needs is in the package
        if package.constraints.output_format.kind != "report":
            return reading.missing_tool("The copy worker returns a report.")
        texts = [item.content for item in package.input_data if item.kind == "data"]
        found = "\n".join(text for text in texts if text)
        if not found.strip():
            return reading.missing_data("INPUTS have no data to copy.")
        return Output(body=Report(text=found))
