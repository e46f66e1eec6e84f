"""The tag parser: which blocks a prompt asks for, and what to say when one is missing."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from lllm.errors import ConfigError, ParseError
from lllm.parsing.blocks import fenced_blocks, find_xml_blocks

_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_MD_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+#-]{0,63}")


@dataclass(frozen=True, slots=True)
class TagParser:
    """Find named blocks in a reply. Pure.

    Args:
        xml_tags: names to look for as ``<name>..</name>``.
        md_tags: names to look for as fenced blocks.
        signal_tags: names whose ``<name>`` is either there or not.
        required_xml_tags, required_md_tags: names that must be found at least once; need not be listed above too.

    Raises:
        ConfigError: a name is not plain; the author of the prompt acts.
    """

    xml_tags: tuple[str, ...] = ()
    md_tags: tuple[str, ...] = ()
    signal_tags: tuple[str, ...] = ()
    required_xml_tags: tuple[str, ...] = ()
    required_md_tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for field in fields(self):
            pattern = _MD_NAME if "md" in field.name else _XML_NAME
            object.__setattr__(self, field.name, _names(field.name, getattr(self, field.name), pattern))

    @property
    def name(self) -> str:
        """What the log calls this parser."""
        return f"tags({','.join(dict.fromkeys((*self._xml, *self._md, *self.signal_tags)))})"

    @property
    def _xml(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.xml_tags, *self.required_xml_tags)))

    @property
    def _md(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.md_tags, *self.required_md_tags)))

    def __call__(self, text: str) -> dict[str, Any]:
        """Return ``{"raw": text, "xml_tags": {name: [..]}, "md_tags": {name: [..]}, "signal_tags": {name: bool}}``.

        Every name that was asked for is a key; its list holds the blocks in their order, or nothing.

        Raises:
            ParseError: a required block is missing; the model acts.
        """
        xml = {tag: find_xml_blocks(text, tag) for tag in self._xml}
        md = self._fenced(text)
        missing = [_missing_xml(text, tag) for tag in self.required_xml_tags if not xml[tag]]
        missing += [_missing_md(tag) for tag in self.required_md_tags if not md[tag]]
        if missing:
            raise ParseError(_render(missing, xml, md))
        signals = {tag: f"<{tag}>" in text or f"<{tag}/>" in text for tag in self.signal_tags}
        return {"raw": text, "xml_tags": xml, "md_tags": md, "signal_tags": signals}

    def _fenced(self, text: str) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {tag: [] for tag in self._md}
        if not found:
            return found
        asked = {tag.lower(): blocks for tag, blocks in found.items()}
        for info, body in fenced_blocks(text):
            if info in asked:
                asked[info].append(body)
        return found


def _names(what: str, names: Any, pattern: re.Pattern[str]) -> tuple[str, ...]:
    """Check names and drop repeated ones."""
    if isinstance(names, str):
        raise ConfigError(f"{what} is one text, {names!r}", hint=f"write a list: [{names!r}]")
    for name in names:
        if not isinstance(name, str) or not pattern.fullmatch(name):
            raise ConfigError(
                f"{what}: {name!r:.80} is no plain tag name", hint="use letters, digits and dashes, without brackets"
            )
    unique = tuple(dict.fromkeys(names))
    if len({name.lower() for name in unique}) < len(unique) and "md" in what:
        raise ConfigError(f"{what}: two names differ in case only: {', '.join(unique)}")
    return unique


def _missing_xml(text: str, tag: str) -> str:
    shape = f"<{tag}>...</{tag}>"
    if f"<{tag}>" in text:
        return f"{shape}: found <{tag}> but no </{tag}> behind it; close it"
    return f"{shape}: not found; write your text between <{tag}> and </{tag}>"


def _missing_md(tag: str) -> str:
    return f"a fenced block named {tag}: not found, or not closed; write it as\n```{tag}\n...\n```"


def _render(missing: list[str], xml: dict[str, list[str]], md: dict[str, list[str]]) -> str:
    """Tell a model what to write and what it wrote."""
    found = [f"<{tag}> x{len(blocks)}" for tag, blocks in xml.items() if blocks]
    found += [f"```{tag} x{len(blocks)}" for tag, blocks in md.items() if blocks]
    count = "a required part is" if len(missing) == 1 else f"{len(missing)} required parts are"
    lines = [f"{count} missing from the reply:", *(f"- {text}" for text in missing)]
    return "\n".join([*lines, f"Found: {', '.join(found) or 'none of the parts that were asked for'}."])
