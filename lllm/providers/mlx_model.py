"""Models of mlx-lm in this process: loaded once, kept, and asked token by token. The only file that imports mlx.

All of it runs in one thread; see mlx_thread.py.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from typing import Any, NamedTuple, cast
from zlib import crc32

from lllm.const import CompletionCost, Finish
from lllm.errors import BadRequest, ConfigError, ContextOverflow, NotFound, ProviderError
from lllm.models.message import TokenLogprob
from lllm.providers.mlx_question import Question, Settings
from lllm.providers.mlx_text import Marks, ReplyText
from lllm.providers.nano import FOLDER, HINT, find_folder
from lllm.providers.wire.draft import Draft
from lllm.providers.wire.loose import clean, to_logprob

MAX_MODELS = 2
"""Models kept in memory; the one that was asked least lately goes first."""
FAMILY = "mlx"
_ABSENT = ("FileNotFoundError", "RepositoryNotFoundError", "LocalEntryNotFoundError", "HFValidationError")
"""How mlx-lm and the Hugging Face hub say that there is no such model; by name, so that neither is imported for it."""


class Place(NamedTuple):
    """Where a model lies, and perhaps LoRA adapters for it.

    A folder, ``owner/name`` of a Hugging Face repository, or ``nano``, which comes with lllm.
    """

    model: str
    adapter: str | None = None


class Loaded(NamedTuple):
    """A model in memory."""

    model: Any
    tokenizer: Any


_loaded: OrderedDict[Place, Loaded] = OrderedDict()
_homes: list[int] = []
"""The process in which mlx is used. In a fork of it mlx would wait for ever for threads that are not there."""


def load_model(place: Place) -> Loaded:
    """Return the model, from memory or from its files; what is no folder is fetched from the Hugging Face hub.

    Raises:
        ConfigError: mlx-lm is not installed.
        NotFound: there is no such model.
        ProviderError: it cannot be loaded.
    """
    if place in _loaded and not _is_fork():
        _loaded.move_to_end(place)
        return _loaded[place]
    mlx_lm = _import("mlx_lm")
    path = find_folder(place.model)
    if not path.exists() and not _is_repository(place.model):
        raise NotFound(
            f"there is no model {place.model!r}", hint="a folder, or owner/name of a Hugging Face repository"
        )
    forget_models(*list(_loaded)[: max(0, len(_loaded) + 1 - MAX_MODELS)])  # first, because two may not fit
    try:
        found = mlx_lm.load(str(path) if path.exists() else place.model, adapter_path=place.adapter)
    except Exception as error:
        told = f"model {place.model!r} cannot be loaded ({type(error).__name__}: {error})"
        if type(error).__name__ in _ABSENT:
            raise NotFound(
                told, hint="check the name, and that the model is on this machine or can be fetched"
            ) from error
        raise ProviderError(told, hint="is it a model that mlx-lm knows?") from error
    if path == FOLDER:  # its weights are kept in half precision, in which a CPU takes twice as long for a token
        found[0].set_dtype(_import("mlx.core").float32)
    loaded = _loaded[place] = Loaded(found[0], found[1])
    return loaded


def forget_models(*places: Place) -> None:
    """Let go of models, and of the memory that mlx keeps for them."""
    if [place for place in places if _loaded.pop(place, None)]:
        _import("mlx.core").clear_cache()


def _is_fork() -> bool:
    return bool(_homes) and _homes[0] != os.getpid()


def leave_thread() -> None:
    """Let go of all that this thread has of mlx, before it ends."""
    if (core := sys.modules.get("mlx.core")) and not _is_fork():
        _loaded.clear()
        if clear := getattr(core, "clear_streams", None):  # older ones have none, and need none
            clear()


def _is_repository(name: str) -> bool:
    owner, slash, rest = name.partition("/")
    return bool(owner and slash and rest) and "/" not in rest and owner[0] not in ".~" and " " not in name


def _import(name: str) -> Any:
    if not _homes:
        _homes.append(os.getpid())
    if _is_fork():
        raise ConfigError("mlx does not work in a fork of a process that has used it", hint="start processes by spawn")
    try:
        return import_module(name)
    except Exception as error:
        raise ConfigError(f"mlx-lm cannot be imported: {error}", hint=HINT) from error


def write_reply(loaded: Loaded, question: Question, draft: Draft, on_step: Callable[[], None]) -> None:
    """Write the reply into ``draft``.

    Args:
        loaded: the model.
        question: what it is asked.
        draft: what is filled.
        on_step: called between tokens, and now and then while the dialog is read; what it raises stops the model.

    Raises:
        ConfigError: the model has no chat template.
        BadRequest: the template or the sampler refuses what it is given.
        ContextOverflow: the dialog is longer than the model's context.
    """
    tokenizer, settings = loaded.tokenizer, question.settings
    prompt = render_prompt(tokenizer, question)
    ids: list[int] = tokenizer.encode(prompt, add_special_tokens=False)
    where = "reasoning" if _begins_in_thought(tokenizer, prompt) else "text"
    text = ReplyText(draft, marks_of(tokenizer, settings), _call_parser(tokenizer, question.tools), where)
    options = _options(settings, _room(loaded.model, len(ids), settings))
    _import("mlx.core").random.seed(_to_seed(settings.seed, prompt))
    options["prompt_progress_callback"] = lambda _done, _total: on_step()  # pyright: ignore[reportUnknownLambdaType]
    last, thoughts = cast("Any", None), 0
    with closing(_import("mlx_lm").stream_generate(loaded.model, tokenizer, ids, **options)) as steps:
        for last in steps:
            thoughts += text.where == "reasoning"
            _take(last, text, settings, tokenizer)
            if text.ended:
                break
            on_step()
    draft.finish = Finish.LENGTH if last.finish_reason == "length" and not text.ended else Finish.STOP
    text.end()
    draft.usage = CompletionCost(len(ids), last.generation_tokens, reasoning_tokens=thoughts, cost_usd=0.0)


def _to_seed(seed: int | None, prompt: str) -> int:
    """Return where a reply's chance begins.

    It depends on the dialog: else a retry would draw what led to the slip that it is to mend. Without a seed it is a
    fresh one: else what follows a seeded call would repeat with it.
    """
    if seed is None:
        return secrets.randbits(32)
    return crc32(prompt.encode(), seed & 0xFFFFFFFF)


def _take(step: Any, text: ReplyText, settings: Settings, tokenizer: Any) -> None:
    """Take one token; its log-probability is kept where it is part of the text."""
    before = text.where
    text.feed(step.text)
    if settings.top_logprobs is not None and step.finish_reason != "stop" and before == text.where == "text":
        text.draft.logprobs.append(_to_logprob(step.token, step.logprobs, settings.top_logprobs, tokenizer))


def render_prompt(tokenizer: Any, question: Question) -> str:
    """Return what the model reads.

    Raises:
        ConfigError: the model has no chat template.
        BadRequest: the template refuses the dialog; what it says is in the message.
    """
    if not getattr(tokenizer, "has_chat_template", getattr(tokenizer, "chat_template", None)):
        raise ConfigError("the model has no chat template", hint="use one that was made for chat (-Instruct, -it)")
    options = {"tools": question.tools, "add_generation_prompt": True, "tokenize": False}
    try:
        return tokenizer.apply_chat_template(question.messages, **options, **question.settings.template)
    except Exception as error:
        raise BadRequest(f"the model's chat template refuses the dialog: {error}") from error


def marks_of(tokenizer: Any, settings: Settings) -> Marks:
    """Return the marks that a tokenizer of mlx-lm names; older ones name fewer."""
    think, call = ("", ""), ("", "")
    if getattr(tokenizer, "has_thinking", False):
        think = (tokenizer.think_start, tokenizer.think_end)
    if getattr(tokenizer, "has_tool_calling", False):
        call = (tokenizer.tool_call_start, tokenizer.tool_call_end or "")
    return Marks(think, call, settings.stop)


def _call_parser(tokenizer: Any, tools: Any) -> Callable[[str], Any]:
    parser = getattr(tokenizer, "tool_parser", None)
    return (lambda text: parser(text, tools)) if parser else json.loads


def _begins_in_thought(tokenizer: Any, prompt: str) -> bool:
    """Whether the template itself has begun a thought, so that the model does not."""
    return getattr(tokenizer, "has_thinking", False) and prompt.rstrip().endswith(tokenizer.think_start)


def _room(model: Any, prompt_tokens: int, settings: Settings) -> int:
    """Return how many tokens the reply may have."""
    limit = getattr(getattr(model, "args", None), "max_position_embeddings", None)
    if not isinstance(limit, int) or limit <= 0:
        return settings.max_tokens
    if prompt_tokens >= limit:
        raise ContextOverflow(
            f"the dialog has {prompt_tokens} tokens, and the model's context {limit}",
            hint="shorten the dialog, or use a model with a longer context",
        )
    return min(settings.max_tokens, limit - prompt_tokens)


def _options(settings: Settings, max_tokens: int) -> dict[str, Any]:
    make = _import("mlx_lm.sample_utils")
    try:
        options: dict[str, Any] = {"max_tokens": max_tokens, "sampler": make.make_sampler(**settings.sampler)}
        if settings.penalties:
            options["logits_processors"] = make.make_logits_processors(**settings.penalties)
    except (TypeError, ValueError) as error:
        raise BadRequest(f"mlx-lm refuses a model argument: {error}") from error
    return options


def _to_logprob(token: int, vector: Any, top: int, tokenizer: Any) -> TokenLogprob:
    core = _import("mlx.core")
    count = min(top, vector.size)
    likeliest: list[int] = core.argpartition(-vector, kth=count - 1)[:count].tolist() if count else []
    told = [(clean(tokenizer.decode([one])), to_logprob(vector[one].item()), one) for one in (token, *likeliest)]
    pairs = sorted(told[1:], key=lambda entry: (-entry[1], entry[2]))
    return TokenLogprob(told[0][0], told[0][1], tuple((text, value) for text, value, _ in pairs))
