"""Writes a model's folder as one GGUF file: ``python -m lllm.nano.recipe.training.to_gguf FOLDER FILE``, for llama.cpp.

It needs the packages ``gguf``, ``safetensors`` and ``numpy``. llama.cpp turns neighbours in a head where transformers
turns halves, so the rows of two projections change places. How text is cut into words has a name there and not a
pattern; ``bloom`` never cuts a run of letters, and nothing but letters is merged, so its tokens are the same.
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from lllm.nano.recipe.tokenizer import SPECIAL

_PARTS = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
_OTHERS = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}


def to_name(name: str) -> str:
    """Return what llama.cpp calls a tensor of transformers' Llama."""
    if name in _OTHERS:
        return _OTHERS[name]
    _, _, layer, part = name.split(".", 3)
    return f"blk.{layer}.{_PARTS[part.removesuffix('.weight')]}.weight"


def save_gguf(folder: Path, file: Path) -> None:
    """Write the model of a folder into a file."""
    gguf, numpy = import_module("gguf"), import_module("numpy")
    config = json.loads((folder / "config.json").read_text("utf-8"))
    heads = config["num_attention_heads"]
    writer: Any = gguf.GGUFWriter(str(file), "llama")
    _write_sizes(writer, config)
    _write_words(writer, gguf.TokenType, folder, config)
    for name, value in import_module("safetensors.numpy").load_file(str(folder / "model.safetensors")).items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            value = value.reshape(heads, 2, -1, value.shape[1]).swapaxes(1, 2).reshape(value.shape)  # noqa: PLW2901
        kind = numpy.float32 if value.ndim == 1 else numpy.float16
        writer.add_tensor(to_name(name), numpy.ascontiguousarray(value.astype(kind)))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _write_sizes(writer: Any, config: dict[str, Any]) -> None:
    writer.add_name("nano")
    writer.add_file_type(1)  # 16 bits
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_rope_dimension_count(config["head_dim"])
    writer.add_vocab_size(config["vocab_size"])


def _write_words(writer: Any, kinds: Any, folder: Path, config: dict[str, Any]) -> None:
    told = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    size = config["vocab_size"]  # of the embedding; words that the tokenizer did not need are left over
    texts, types = [f"<|unused_{number}|>" for number in range(size)], [kinds.UNUSED] * size
    for text, number in told["model"]["vocab"].items():
        texts[number], types[number] = text, kinds.NORMAL
    for added in told["added_tokens"]:
        texts[added["id"]] = added["content"]
        types[added["id"]] = kinds.CONTROL if added["special"] else kinds.USER_DEFINED
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in told["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("bloom")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(texts.index(SPECIAL[0]))
    writer.add_add_bos_token(False)
    writer.add_chat_template(json.loads((folder / "tokenizer_config.json").read_text("utf-8"))["chat_template"])


def main() -> None:
    """Read the words of the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the model, as mlx-lm reads it")
    parser.add_argument("file", type=Path, help="such as nano.gguf")
    options = parser.parse_args()
    try:
        save_gguf(options.folder, options.file)
    except ImportError as error:
        sys.exit(f"error: {error}\nhint: pip install gguf safetensors")
    print(f"{options.file}: {options.file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
