"""A bare model call: one request, one reply, without machine, functions and log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from lllm.const import APITypes
from lllm.llm.current import refuse_in_replay
from lllm.llm.dialog import Dialog
from lllm.models.message import Message
from lllm.models.prompt import Prompt
from lllm.models.request import ModelRequest, build_contract
from lllm.providers.base import Provider, check_api


@dataclass(frozen=True, slots=True)
class LLMCaller:
    """Asks a model once, over chat completions."""

    provider: Provider
    api_type: ClassVar[APITypes] = APITypes.COMPLETION

    def call(
        self, dialog: Dialog, prompt: Prompt[Any], model: str, model_args: Mapping[str, Any] | None = None
    ) -> Message[Any]:
        """Return the model's next message, as it came; the dialog stays as it is.

        Raises:
            ProviderError: no reply.
            ConfigError: this code is being replayed; a bare call is in no log, so it would run for real. Or the
                provider does not speak the format.
        """
        return self.provider.send(self._request(dialog, prompt, model, model_args))

    async def acall(
        self, dialog: Dialog, prompt: Prompt[Any], model: str, model_args: Mapping[str, Any] | None = None
    ) -> Message[Any]:
        """Async twin of :meth:`call`."""
        return await self.provider.asend(self._request(dialog, prompt, model, model_args))

    def _request(
        self, dialog: Dialog, prompt: Prompt[Any], model: str, model_args: Mapping[str, Any] | None
    ) -> ModelRequest:
        refuse_in_replay()
        check_api(self.provider, self.api_type)
        return ModelRequest(build_contract(model, prompt, offered=True, params=model_args or {}), dialog.history)


class LLMResponder(LLMCaller):
    """Asks a model once, over the responses format; needs a provider that speaks it."""

    api_type = APITypes.RESPONSE
