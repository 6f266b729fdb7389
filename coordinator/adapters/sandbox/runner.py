"""The process that holds one cell; started as `python -I -S runner.py`, never imported.

It is a process of its own because a namespace is entered by a process, and so that a killed daemon
leaves nothing: the kernel kills this one, and the cell with it. It has the standard library and no more, and of
that only what loads fast. Its neighbours are imported by hand, as a package whose `__init__` is not run.
"""

import os
import sys

if __name__ == "__main__":
    name = "cells"
    package = type(sys)(name)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[name] = package
    __import__(name + ".supervise")
    sys.modules[name + ".supervise"].main()
    os._exit(0)  # nothing is left to tidy, and somebody waits
