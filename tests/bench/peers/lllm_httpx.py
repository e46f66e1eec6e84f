"""lllm where aiohttp is not installed: async calls go over httpx, too. Its virtual environment is another one."""

from peers.lllm import *  # noqa: F403 - a peer is a module with these names

VENV = "lllm_httpx"
