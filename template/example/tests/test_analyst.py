"""Tests of {{project_name}}: plain pytest, offline, in a log of their own."""

from pathlib import Path

import pytest

from lllm import CallRefused, Proxy, auto_discover, build_agent
from lllm.config import load_agent_config
from lllm.replay import replay
from lllm.sandbox.probe import probe_isolators
