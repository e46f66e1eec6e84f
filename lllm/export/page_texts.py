"""Pictures, which the page holds once each, however many of its lines have them. Pure."""

from __future__ import annotations

import re
from hashlib import sha256

# Lines are JSON in ASCII: the sign around a number in them stands for nothing else.
_PICTURE = re.compile(r'("(?:png|base64|image/(?:png|jpeg))":)"([^"\\]{200,})"')
_SIGN = "§"


class PageTexts:
    """The letters of pictures; lines have a number in their place, as the page's script knows it."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._new: list[str] = []

    def share(self, line: str) -> str:
        """Return a line of JSON with numbers in place of pictures."""
        return _PICTURE.sub(self._to_number, line)

    def take(self) -> list[str]:
        """Return those that came since they were last taken, in the order of their numbers."""
        new, self._new = self._new, []
        return new

    def _to_number(self, found: re.Match[str]) -> str:
        key, text = found.groups()
        name = sha256(text.encode()).digest()
        if name not in self._numbers:
            self._numbers[name] = len(self._numbers)
            self._new.append(text)
        return f'{key}"{_SIGN}{self._numbers[name]}{_SIGN}"'
