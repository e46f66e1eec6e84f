"""A service of one's own, and both ways to call it."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from loopback import Service, Way


@pytest.fixture
def service():
    with Service() as service:
        yield service


@pytest.fixture(params=["sync", "async"])
def way(request):
    return Way(request.param)
