"""Nano: a tiny language model that comes with lllm, and all that made it. It is for demonstrations and tests."""
