"""Draws the curve of a training run: ``python -m lllm.nano.recipe.training.curve FOLDER FILE.svg``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from math import log
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 320, 56, 36, 28
_LOSS, _SHARE = "#c2410c", "#1d4ed8"
_LOWEST, _HIGHEST = 0.03, 3.0
"""Losses at the floor and at the top, on a logarithmic scale; the first steps are above it."""

Point = tuple[float, float]


def read_curve(file: Path) -> tuple[list[Point], list[Point]]:
    """Return the losses and the shares of right chats, each by step; a run that went on counts from where it did."""
    losses: dict[int, float] = {}
    shares: dict[int, float] = {}
    for line in file.read_text("utf-8").splitlines():
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:  # half a line, of a run that was killed
            continue
        for known in (losses, shares):
            for step in [step for step in known if step > told["step"]]:
                del known[step]
        if "loss" in told:
            losses[told["step"]] = told["loss"]
        else:
            shares[told["step"]] = told["right"]["all"]
    return sorted(losses.items()), sorted(shares.items())


def draw(losses: Sequence[Point], shares: Sequence[Point]) -> str:
    """Return a picture of both, as SVG. Pure."""
    last = max(step for step, _ in (*losses, *shares))
    right, floor = _WIDTH - 56, _HEIGHT - _BOTTOM

    def x(step: float) -> float:
        return _LEFT + (right - _LEFT) * step / last

    def y(share: float) -> float:
        return floor - (floor - _TOP) * min(max(share, 0.0), 1.0)

    def line(points: Iterable[Point], colour: str) -> str:
        path = " ".join(f"{x(step):.1f},{y(value):.1f}" for step, value in points)
        return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'

    def word(at: Point, text: str, anchor: str = "middle", colour: str = "#444") -> str:
        return f'<text x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}" fill="{colour}">{text}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        "<style>text { font-size: 12px }</style>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
    ]
    for quarter in range(5):
        share = quarter / 4
        parts += [
            f'<line x1="{_LEFT}" x2="{right}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ddd"/>',
            word((_LEFT - 6, y(share) + 4), f"{_LOWEST * (_HIGHEST / _LOWEST) ** share:.2g}", "end", _LOSS),
            word((right + 6, y(share) + 4), f"{share:.0%}", "start", _SHARE),
            word((x(last * share), floor + 18), f"{last * share:,.0f}"),
        ]
    parts += [
        word((_LEFT, 16), "loss, nats a token", "start", _LOSS),
        word((right, 16), "new chats with every token right", "end", _SHARE),
        word(((_LEFT + right) / 2, _HEIGHT - 4), "steps of 8,192 tokens"),
        line(((step, log(max(loss, _LOWEST) / _LOWEST) / log(_HIGHEST / _LOWEST)) for step, loss in losses), _LOSS),
        line(shares, _SHARE),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main() -> None:
    """Read the words of the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="of the run")
    parser.add_argument("file", type=Path, help="such as curve.svg")
    options = parser.parse_args()
    options.file.write_text(draw(*read_curve(options.folder / "curve.jsonl")), "utf-8")


if __name__ == "__main__":
    main()
