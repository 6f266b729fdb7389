"""How long tests wait for what must come: a busy machine gives a process nothing for many seconds.

A wait ends as soon as what it waits for is there, so that a long one costs nothing where all is well.
Nothing that is to be proved may hang on how fast something is: see CONTRIBUTING.md.
"""

PATIENCE_S = 240.0
"""For whatever comes by itself, and for a daemon that shall come to rest."""

COMMAND_S_MAX = 300.0
"""For a command to end: longer than a daemon in it may take to come to rest."""

UNTIL_IDLE = ("--until-idle", "--timeout", f"{PATIENCE_S:g}")
"""What a daemon is started with that shall end when nothing is left to do."""
