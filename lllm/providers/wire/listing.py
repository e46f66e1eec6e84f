"""The models that a server says it has: OpenAI's and Anthropic's list (``data``), and Ollama's (``models``). Pure."""

from __future__ import annotations

from lllm.errors import BadReply
from lllm.providers.wire.loose import clean, parse_object, start_of, to_dict, to_list, to_text


def parse_models(body: bytes) -> tuple[str, ...]:
    """Return the names in a list of models, in the server's order; nothing where it lists none.

    Raises:
        BadReply: it is no such list. An empty body is one that lists nothing: mlx_lm.server answers so.
    """
    if not body.strip():
        return ()
    data = parse_object(body)
    if "data" not in data and "models" not in data:
        raise BadReply("the reply is no list of models", excerpt=start_of(body))
    items = map(to_dict, to_list(data.get("data")) or to_list(data.get("models")))
    names = (to_text(item.get("id")) or to_text(item.get("name")) or to_text(item.get("model")) for item in items)
    return tuple(clean(name.removeprefix("models/")) for name in names if name)
