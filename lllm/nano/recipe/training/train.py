"""Trains nano: ``python -m lllm.nano.recipe.training.train FOLDER``. It needs PyTorch, tokenizers and safetensors.

All of the data comes from the seed. The learning rate rises for a moment, stays, and falls to nothing over the last
part: on a flat rate the model stays full of slips of one letter, which go away as the rate falls.

Several workers of one thread each learn from chats of their own and average what they find; two of them on two cores
are faster than one with two threads. A run that was killed goes on with ``--resume``. ``--fast`` fuses operations,
which takes a C++ compiler, and multiplies in bfloat16: half as much again in a second, on a processor that knows it.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import distributed, multiprocessing

from lllm.nano.recipe.chats import build_chat
from lllm.nano.recipe.tokenizer import load_tokenizer, train_tokenizer
from lllm.nano.recipe.training.batches import build_batches, build_rows, fill
from lllm.nano.recipe.training.export import save_model
from lllm.nano.recipe.training.network import Network, Shape
from lllm.nano.recipe.training.optimizer import Optimizer

_WARMUP, _DECAY = 100, 0.6
_LOOK, _CHECK = 25, 500
_CHECKED = 240


def to_share(step: int, steps: int) -> float:
    """Return which share of the learning rate a step takes."""
    left = (steps - step) / (steps * _DECAY)
    return min(1.0, (step + 1) / _WARMUP, max(left, 0.0) + 1e-3)


def train(rank: int, options: argparse.Namespace) -> None:
    """Train as one worker of several."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    if options.workers > 1:
        place = f"file://{options.folder.resolve()}/meet"
        distributed.init_process_group("gloo", init_method=place, rank=rank, world_size=options.workers)
    tokenizer = load_tokenizer(options.folder)
    network = Network(Shape(layers=options.layers, width=options.width)).to(options.device)
    optimizer = Optimizer(network, torch.bfloat16 if options.fast else torch.float32)
    if options.fast:
        network.model.compile(dynamic=True)
    begin = _restore(options, network, optimizer) if options.resume else 0
    batches = build_batches(tokenizer, f"{options.seed}/{rank}/{begin}", options.tokens // options.workers)
    curve = Curve(options, begin)
    for step in range(begin, options.steps):
        loss, count = _learn(network, next(batches), options)
        if options.workers > 1:
            _average(network)
        optimizer.step(to_share(step, options.steps))
        network.zero_grad(set_to_none=True)
        curve.add(loss, count)
        if rank == 0 and (step + 1) % _LOOK == 0:
            curve.tell(step + 1)
        if rank == 0 and ((step + 1) % _CHECK == 0 or step + 1 == options.steps):
            curve.check(step + 1, check(network, tokenizer, options))
            save_model(options.folder, network, tokenizer)
            _keep(options, step + 1, network, optimizer)


def _learn(network: Network, batch: tuple[list[Any], int], options: argparse.Namespace) -> tuple[float, int]:
    """Leave gradients with the weights; return the loss, and how many places the batch had."""
    tokens, learned = (torch.tensor(each, device=options.device) for each in fill(*batch))
    with torch.autocast(options.device, torch.bfloat16, enabled=options.fast):
        loss, _ = network.loss(tokens, learned)
    loss.backward()
    return float(loss.detach()), int(tokens.numel())


def _average(network: Network) -> None:
    """Give all workers the mean of their gradients."""
    gradients = [weights.grad for weights in network.parameters() if weights.grad is not None]
    flat = torch.cat([one.reshape(-1) for one in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for one, mean in zip(gradients, flat.split([one.numel() for one in gradients]), strict=True):
        one.copy_(mean.view_as(one))


def _keep(options: argparse.Namespace, step: int, network: Network, optimizer: Optimizer) -> None:
    """Write what a run needs to go on, whole or not at all."""
    state = {"step": step, "network": network.state_dict(), "optimizer": optimizer.state()}
    torch.save(state, options.folder / "state.part")
    (options.folder / "state.part").replace(options.folder / "state.pt")


def _restore(options: argparse.Namespace, network: Network, optimizer: Optimizer) -> int:
    state: dict[str, Any] = torch.load(options.folder / "state.pt", map_location=options.device)
    network.load_state_dict(state["network"])
    optimizer.restore(state["optimizer"])
    return state["step"]


@torch.no_grad()
@torch.compiler.set_stance("force_eager")
def check(network: Network, tokenizer: Any, options: argparse.Namespace) -> dict[str, float]:
    """Return, by kind, the share of new chats of which every learned token is the likeliest one."""
    found: dict[str, list[bool]] = {}
    rows = build_rows(tokenizer, f"{options.seed}/check", 1024)
    for _ in range(_CHECKED):
        chat, row = next(rows)
        tokens, learned = (torch.tensor([each], device=options.device) for each in row)
        _, right = network.loss(tokens, learned)
        found.setdefault(chat.kind, []).append(bool(right.all()))
    everything = [one for each in found.values() for one in each]
    return {kind: sum(each) / len(each) for kind, each in (*sorted(found.items()), ("all", everything))}


class Curve:
    """What is told of a run, and kept as ``curve.jsonl``."""

    def __init__(self, options: argparse.Namespace, begin: int) -> None:
        self._options = options
        self._file = options.folder / "curve.jsonl"
        self._begun_s, self._begin, self._tokens = time.monotonic(), begin, 0
        self._losses: list[float] = []

    def add(self, loss: float, count: int) -> None:
        """Take one step of this worker: its loss, and how many places its batch had."""
        self._losses.append(loss)
        self._tokens += count * self._options.workers

    def tell(self, step: int) -> None:
        """Print and keep the mean loss of the last steps."""
        past_s = time.monotonic() - self._begun_s
        left_s = past_s / (step - self._begin) * (self._options.steps - step)
        loss = sum(self._losses) / len(self._losses)
        self._losses.clear()
        speed = f"{self._tokens / past_s:,.0f} tokens/s  {left_s / 60:.1f} min left"
        print(f"step {step}/{self._options.steps}  loss {loss:.4f}  {speed}", flush=True)
        self._keep({"step": step, "loss": round(loss, 5), "tokens": self._tokens, "seconds": round(past_s, 1)})

    def check(self, step: int, shares: dict[str, float]) -> None:
        """Print and keep how many new chats are all right."""
        print("  right: " + "  ".join(f"{kind} {share:.0%}" for kind, share in shares.items()), flush=True)
        self._keep({"step": step, "right": shares})

    def _keep(self, line: dict[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def main() -> None:
    """Read the words of the command, make the tokenizer, start the workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where the model goes")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--tokens", type=int, default=8192, help="of one step, all workers together")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", type=int, default=Shape().layers)
    parser.add_argument("--width", type=int, default=Shape().width)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--fast", action="store_true", help="bfloat16 and fused operations; needs a C++ compiler")
    parser.add_argument("--resume", action="store_true", help="go on with the run that this folder holds")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "meet").unlink(missing_ok=True)
    if not options.resume:
        (options.folder / "curve.jsonl").unlink(missing_ok=True)
        _make_tokenizer(options)
    if options.workers == 1:
        train(0, options)
    else:
        multiprocessing.spawn(train, (options,), nprocs=options.workers)


def _make_tokenizer(options: argparse.Namespace) -> None:
    texts: Iterator[str] = (build_chat(Random(f"{options.seed}/words/{n}")).text for n in range(20_000))
    train_tokenizer(texts).save(str(options.folder / "tokenizer.json"))


if __name__ == "__main__":
    main()
