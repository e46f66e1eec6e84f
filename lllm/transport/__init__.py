"""The wire: how one request travels. `port.py` says what a transport does; each HTTP library stands in one file.

`default.py` chooses: sync calls take httpx, async calls take aiohttp where it is installed.
"""
