"""The stages of the pipeline. `python -m stages` lists every command, README.md is the map."""

import os
import signal
import sys
from types import FrameType


def _stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's signature
    """Ends the process by one line: nothing has begun while modules are imported."""
    os.write(2, b"Stopped.\n")
    os._exit(130)


# `python -m stages.train` comes here before it imports torch, which takes seconds; a test or a
# library that imports this package keeps its own way to be stopped
if sys.argv[:1] == ["-m"] and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _stop)
