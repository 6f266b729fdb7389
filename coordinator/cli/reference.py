"""Writes docs/cli.md from the commands themselves: `python -m coordinator.cli.reference`."""

from collections.abc import Iterator

import click

from coordinator.cli import main

_HEAD = """\
# Commands

Made from `--help` by `python -m coordinator.cli.reference > docs/cli.md`; a test compares.
What programs may rely on is in [contract.md](contract.md).
"""
_WIDTH = 100


def reference() -> str:
    """Returns the whole page."""
    return "\n".join([_HEAD, *_sections(main, "coordinator", None)])


def _sections(command: click.Command, name: str, above: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        info_name=name if above is None else name.rpartition(" ")[2],
        parent=above,
        terminal_width=_WIDTH,
        help_option_names=["-h", "--help"],
    )
    yield f"## {name}\n\n```\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from _sections(found, f"{name} {below}", context)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
