"""The network, in PyTorch, as transformers and mlx-lm know it by the name ``llama``: its weights have their names.

Rotary positions turn the two halves of a head (Su et al., arXiv 2104.09864, in the order of transformers' Llama),
layers are normalised by RMSNorm before each part, the feed-forward part is SwiGLU, and the embedding is used again to
tell the next token. It has no biases.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network.

    Attributes:
        vocabulary: tokens.
        width: of the stream between layers.
        layers: how many.
        heads: of each attention; ``width / heads`` is even.
        inner: width inside the feed-forward part.
        context: tokens that a dialog may have.
        theta: base of the rotary positions.
    """

    vocabulary: int = 1536
    width: int = 192
    layers: int = 4
    heads: int = 6
    inner: int = 512
    context: int = 2048
    theta: float = 10_000.0

    def to_config(self, end: int) -> dict[str, Any]:
        """Return ``config.json`` as transformers, mlx-lm and converters to GGUF read it; ``end`` ends a reply."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocabulary,
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.heads,
            "head_dim": self.width // self.heads,
            "intermediate_size": self.inner,
            "max_position_embeddings": self.context,
            "rope_theta": self.theta,
            "rms_norm_eps": 1e-5,
            "hidden_act": "silu",
            "tie_word_embeddings": True,
            "attention_bias": False,
            "mlp_bias": False,
            "eos_token_id": end,
            "bos_token_id": None,
            "torch_dtype": "float16",
        }


class Norm(nn.Module):
    """RMSNorm."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` at unit size, times the weights."""
        return functional.rms_norm(x, self.weight.shape, self.weight, 1e-5)


class Attention(nn.Module):
    """Causal attention with rotary positions."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (
            nn.Linear(shape.width, shape.width, bias=False) for _ in range(4)
        )

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Return what each place takes from those before it; ``x`` is ``(batch, places, width)``."""
        batch, places, width = x.shape
        q, k, v = (
            project(x).view(batch, places, self.heads, -1).transpose(1, 2)
            for project in (self.q_proj, self.k_proj, self.v_proj)
        )
        mixed = functional.scaled_dot_product_attention(_turned(q, turn), _turned(k, turn), v, is_causal=True)
        return self.o_proj(mixed.transpose(1, 2).reshape(batch, places, width))


class FeedForward(nn.Module):
    """SwiGLU."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.up_proj = nn.Linear(shape.width, shape.inner, bias=False)
        self.down_proj = nn.Linear(shape.inner, shape.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return what each place makes of itself."""
        return self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention and feed-forward part, each added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.self_attn, self.mlp = Attention(shape), FeedForward(shape)
        self.input_layernorm, self.post_attention_layernorm = Norm(shape.width), Norm(shape.width)

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        """Return the stream behind this layer."""
        x = x + self.self_attn(self.input_layernorm(x), turn)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Embedding and layers: all but the step from the stream to tokens."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return the stream, ``(batch, places, width)``, of ``(batch, places)`` tokens."""
        turn = _turns(self.shape, tokens.shape[1], tokens.device)
        x = self.embed_tokens(tokens)
        for layer in self.layers:
            x = layer(x, turn)
        return self.norm(x)


class Network(nn.Module):
    """The whole of it; the attribute ``model`` gives its weights the names that others expect."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.model = Body(shape)
        for name, weights in self.named_parameters():
            if weights.ndim == 2:
                is_last = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weights, std=0.02 / (2 * shape.layers) ** 0.5 if is_last else 0.02)

    def loss(self, tokens: Tensor, learned: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean loss in nats over the tokens to learn, and where the likeliest token was the right one.

        Args:
            tokens: ``(batch, places)``.
            learned: of the same shape; whether a token is the model's to say.
        """
        wanted = learned[:, 1:]
        stream = self.model(tokens[:, :-1])[wanted]
        right = tokens[:, 1:][wanted]
        told = functional.linear(stream, self.model.embed_tokens.weight)
        return functional.cross_entropy(told.float(), right), told.argmax(-1) == right


def _turns(shape: Shape, places: int, device: torch.device) -> tuple[Tensor, Tensor]:
    half = shape.width // shape.heads // 2
    speeds = shape.theta ** -(torch.arange(half, device=device, dtype=torch.float32) / half)
    angles = torch.arange(places, device=device, dtype=torch.float32)[:, None] * speeds
    return angles.cos(), angles.sin()


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    cos, sin = turn
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)
