"""Names and lines for the module, made from texts of a document; only letters, digits and ``_`` get into a name."""

from __future__ import annotations

import keyword
import re
import unicodedata

from lllm.proxies.base import BaseProxy

_MAX_NAME = 54
_LINE = 140
# A method of such a name would hide what the class, or a declaration below it, means by the name.
_TAKEN = frozenset(
    {*keyword.kwlist, *keyword.softkwlist, *dir(BaseProxy), *dir(type), "BaseProxy", "ProxyRegistrator"}
    | {"str", "int", "float", "bool", "list", "dict"}
    | {
        "base_url",
        "api_key_env",
        "api_key_name",
        "api_key_in",
        "api_key_prefix",
        "api_key_optional",
        "headers",
        "fixed",
    }
    | {"list_style", "bool_style", "error_key", "cache_ttl_s", "timeout_s", "additional_docs"}
)
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{0,500}\)")
_TAG = re.compile(r"<[^<>]{1,200}>")
_SENTENCE = re.compile(r"(?<=[^\s.]{3}[.!?])\s+(?=[A-Z(])")
_NOISE = re.compile(
    r"an?|and|apis?|beta|docs|documentation|for|https?|of|official|open|openapi|preview|public|reference|rest|restful|spec|specification"
    r"|swagger|the|version|v?\d*",
    re.IGNORECASE,
)


def to_name(text: str, otherwise: str = "x") -> str:
    """Return ``snake_case`` of letters, digits and underscores, of at most 54 characters, for any text. Pure."""
    ascii_text = unicodedata.normalize("NFKD", text[:400]).encode("ascii", "ignore").decode()
    ascii_text = re.sub(r"['\u2019]", "", ascii_text)
    snake = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", ascii_text)
    snake = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", snake)
    name = re.sub(r"[^a-z0-9]+", "_", snake.lower()).strip("_")[:_MAX_NAME].strip("_")
    if not name:
        return otherwise
    return name if name[0].isalpha() else f"n{name}"


def to_title_name(title: str) -> str:
    """Return the one to three words of a title that say whose service it is, as a name. Pure."""
    words = re.findall(r"[^\W_]+", re.sub(r"['\u2019]s\b", "", title[:200]))
    noise = [at for at, word in enumerate(words) if _NOISE.fullmatch(word)]
    start = next((at for at in range(len(words)) if at not in noise), 0)
    end = min([at for at in noise if at > start], default=len(words))
    first = words[start : min(end, start + 3)]
    return to_name(" ".join(first).lower(), "service")


def to_class_name(name: str, title: str = "") -> str:
    """Return ``CamelCase`` of a snake-case name, with the capitals that its words have in the title. Pure."""
    spelled = {word.lower(): word for word in re.findall(r"[A-Za-z0-9]+", title)}
    camel = "".join((word := spelled.get(part, part))[:1].upper() + word[1:] for part in name.split("_"))
    return f"{camel}Proxy" if camel in _TAKEN else camel


class Names:
    """Names of one place, of which no two are the same.

    Args:
        function: they name methods, so that what Python or the class itself means by a name is taken already.
    """

    def __init__(self, *, function: bool = False) -> None:
        self._taken: set[str] = set()
        self._function = function
        self._last: dict[str, int] = {}

    def take(self, name: str) -> str:
        """Return the name itself, or with the first number that makes it one of its own, and take it."""
        first = f"{name}_" if self._function and name in _TAKEN else name
        free, number = first, self._last.get(first, 1)
        while free in self._taken:
            number += 1
            free = f"{first.rstrip('_')}_{number}"
        self._taken.add(free)
        self._last[first] = number
        return free

    def __contains__(self, name: object) -> bool:
        return name in self._taken


def to_line(*texts: str, limit: int = _LINE) -> str:
    """Return the first sentence of the first text that says something, without markup, cut at a word. Pure."""
    for text in texts:
        plain = _TAG.sub(" ", _LINK.sub(r"\1", text[:4000]))
        plain = " ".join(re.sub(r"[`*#|\\]+", "", plain).split())
        sentence = _SENTENCE.split(plain, maxsplit=1)[0]
        if sentence:
            return _cut(sentence, limit)
    return ""


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    return (
        text[: limit - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"
        if " " in text[: limit - 1]
        else text[: limit - 1] + "…"
    )


def to_ascii(text: str, limit: int = 100) -> str:
    """Return a text for comments and docstrings: of signs that mean nothing there, on one line. Pure."""
    return " ".join(re.sub(r"[^A-Za-z0-9 .,:;()/_+-]+", " ", text[: limit * 4]).split())[:limit].strip()
