"""What the tests of the sandbox share."""

import os
from pathlib import Path

from kernels import isolator, kernel, start

__all__ = ["isolator", "kernel", "start"]


def pytest_configure(config):
    """Give a worker that is another user than who began the tests (as_user.py) temporary folders of its own."""
    given = config.option.basetemp
    if given is not None and hasattr(config, "workerinput") and not os.access(Path(given).parent, os.W_OK):
        config.option.basetemp = None
