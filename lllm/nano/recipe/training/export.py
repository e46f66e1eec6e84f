"""Writes nano as others read it: a folder for mlx-lm and transformers, and GGUF for llama.cpp."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from lllm.nano.recipe.tokenizer import END, SPECIAL

TEMPLATE = (Path(__file__).parents[1] / "template.jinja").read_text("utf-8")


def save_model(folder: Path, network: Any, tokenizer: Any) -> None:
    """Write weights in 16 bits, configuration, tokenizer and chat template into a folder."""
    save_file: Any = import_module("safetensors.torch").save_file
    weights = {name: value.detach().cpu().half().contiguous() for name, value in network.state_dict().items()}
    shape, end = network.model.shape, tokenizer.token_to_id(END)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(folder / "config.json", shape.to_config(end))
    pad = tokenizer.token_to_id(SPECIAL[0])
    _write(folder / "generation_config.json", {"eos_token_id": [end], "pad_token_id": pad})
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": END,
        "pad_token": SPECIAL[0],
        "clean_up_tokenization_spaces": False,
        "chat_template": TEMPLATE,
    }
    _write(folder / "tokenizer_config.json", told)
    save_file(weights, str(folder / "model.safetensors"), metadata={"format": "pt"})


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
