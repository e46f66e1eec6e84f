"""A headless Chromium, spoken to over two pipes, so that a test can type, click and look without another library."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import count

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# The browser reads from descriptor 3 and writes to 4.
_START = """
import fcntl, os, sys
near, far = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1:3])
os.dup2(near, 3), os.dup2(far, 4), os.close(near), os.close(far)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One browser with one page.

    Attributes:
        asked: every URL that the page wanted to load, its own included.
        problems: what the page's console told, such as a broken policy or an error of its script.
    """

    def __init__(self, profile, *, dark=False):
        self._read, their_write = os.pipe()
        their_read, self._write = os.pipe()
        options = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        options += [
            "--no-first-run",
            "--disable-background-networking",
            "--disable-extensions",
            "--window-size=1400,1000",
        ]
        command = [sys.executable, "-c", _START, str(their_read), str(their_write), CHROMIUM, *options, "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, pass_fds=(their_read, their_write), **quiet)
        os.close(their_read)
        os.close(their_write)
        self._ids, self._rest, self.asked, self.problems = count(1), b"", [], []
        self._session = None
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=scheme)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        os.close(self._write)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._read)

    def send(self, method, **params):
        """Ask for something and return the answer."""
        asked = {"id": next(self._ids), "method": method, "params": params}
        if self._session:
            asked["sessionId"] = self._session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._receive()
            if told.get("id") == asked["id"]:
                assert "error" not in told, told
                return told["result"]
            self._take(told)

    def _receive(self):
        while b"\0" not in self._rest:
            chunk = os.read(self._read, 1 << 20)
            assert chunk, "the browser is gone"
            self._rest += chunk
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def _take(self, told):
        method, params = told.get("method"), told.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(str(params["exceptionDetails"]))

    def open(self, path, place=""):
        """Load a file and wait until its script is done."""
        self.send("Page.navigate", url=path.as_uri() + place)
        self.wait("document.documentElement.dataset.ready === 'yes'")

    def run(self, script):
        """Return what an expression of the page comes to; a promise is waited for."""
        told = self.send("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def wait(self, condition):
        """Wait until an expression is true, at most ten seconds."""
        script = f"""new Promise((done) => {{ let left = 500; const look = () => {{
            let is = false; try {{ is = Boolean({condition}); }} catch {{}}
            if (is || !left--) done(is); else setTimeout(look, 20); }}; look(); }})"""
        assert self.run(script), condition

    def text(self, selector):
        """Return the text of what a selector finds, all of it."""
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((n) => n.textContent).join('\\n')")

    def shoot(self, path):
        """Save a picture of what is seen."""
        from base64 import b64decode

        path.write_bytes(b64decode(self.send("Page.captureScreenshot")["data"]))
