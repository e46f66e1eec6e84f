"""An agent: one system prompt, one model, and the calls that run the machine."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from os import PathLike, fspath
from typing import Any, Generic, NamedTuple, TypeVar, cast, overload

from lllm.const import APITypes, Roles
from lllm.errors import ConfigError
from lllm.llm.classify import BINARY, ClassParser, classifier_prompt
from lllm.llm.dialog import Dialog
from lllm.llm.drive import LiveEffects, adrive, drive
from lllm.llm.effects import Effects
from lllm.llm.limits import NO_LIMITS, Limits
from lllm.llm.session import Session, current_session
from lllm.llm.stream import FinishedEvent, Listener, ProgressEvent
from lllm.llm.terms import Terms
from lllm.llm.trace_call import TracedEffects, trace_call
from lllm.llm.turn import Turn
from lllm.llm.watch import awatch, watch
from lllm.log.base import ReplayableLogBase
from lllm.log.build import build_log_base
from lllm.machine import Budgets
from lllm.models.function import Function, FunctionCall
from lllm.models.message import Message
from lllm.models.prompt import Prompt
from lllm.models.request import Contract, build_contract
from lllm.providers.base import Provider, check_api, secrets_of
from lllm.providers.build import build_provider, default_model
from lllm.utils import encode_json

T = TypeVar("T")
U = TypeVar("U")
Outcome = tuple[Message[T], Dialog, list[FunctionCall]]
_MOST_CONTRACTS = 256


class _Made(NamedTuple):
    """A contract, and what of the agent it was made from: both may be set anew later."""

    contract: Contract
    model: str
    model_args: dict[str, Any]


@dataclass(eq=False, kw_only=True)
class Agent(Generic[T]):
    """One system prompt, one model, and the budgets of a call.

    Attributes:
        name: what dialogs and logs call it.
        system_prompt: seeds each dialog; its contract holds until a prompt that is sent brings its own.
        model: the model's name, as its server knows it.
        provider: what reaches the model.
        log_base: where dialogs are logged that belong to no session; None keeps nothing.
        api_type: which wire format the provider speaks.
        model_args: sent with each request: ``temperature``, ``max_tokens``, ``seed``, ..., ``extra_body``.
        max_exception_retry: unusable replies of one step that are answered, not fatal.
        max_interrupt_times: rounds of functions in one call; 0 is none, None is unlimited.
        max_llm_recall: repeats of one step's requests after failures of transport.
        limits: tokens, money and time of one call.
        max_parallel_functions: how many functions of one reply run at once.
        as_is: a call ends with the first reply, whatever it is: nothing is parsed, and the function calls that it asks
            for are handed back and not run.
    """

    name: str
    system_prompt: Prompt[T]
    model: str
    provider: Provider
    log_base: ReplayableLogBase | None = None
    api_type: APITypes = APITypes.COMPLETION
    model_args: Mapping[str, Any] = field(default_factory=dict[str, Any])
    max_exception_retry: int = 3
    max_interrupt_times: int | None = 5
    max_llm_recall: int = 2
    limits: Limits = NO_LIMITS
    max_parallel_functions: int = 8
    as_is: bool = False
    _contracts: dict[tuple[Prompt[Any], bool], _Made] = field(
        init=False, repr=False, default_factory=dict[tuple[Prompt[Any], bool], "_Made"]
    )
    _session: Session | None = field(init=False, repr=False, default=None)
    _opening: threading.Lock = field(init=False, repr=False, default_factory=threading.Lock)
    _closer: weakref.finalize[[], Agent[T]] | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        check_api(self.provider, self.api_type)

    # --- a way in without any config -------------------------------------------------------------------------------

    @overload
    @classmethod
    def quick(
        cls,
        system_prompt: str = "",
        *,
        format: type[U],
        model: str = "mock",
        functions: Sequence[Callable[..., Any] | Function] = (),
        **options: Any,
    ) -> Agent[U]: ...

    @overload
    @classmethod
    def quick(
        cls,
        system_prompt: str = "",
        *,
        parser: Callable[..., U],
        model: str = "mock",
        functions: Sequence[Callable[..., Any] | Function] = (),
        **options: Any,
    ) -> Agent[U]: ...

    @overload
    @classmethod
    def quick(
        cls,
        system_prompt: str = "",
        *,
        format: None = None,
        parser: None = None,
        model: str = "mock",
        functions: Sequence[Callable[..., Any] | Function] = (),
        **options: Any,
    ) -> Agent[str]: ...

    @classmethod
    def quick(
        cls,
        system_prompt: str = "",
        *,
        model: str = "mock",
        functions: Sequence[Callable[..., Any] | Function] = (),
        **options: Any,
    ) -> Agent[Any]:
        """Make an agent in one line.

        Args:
            system_prompt: plain text; its braces are no fields.
            model: ``mock``, or ``provider/model`` such as ``openai/gpt-4o-mini``.
            functions: what the model may call; plain callables will do.
            options: ``format`` or ``parser`` of the reply; ``provider`` (an object, or the config of the named one);
                ``log`` (a store, or a folder's path); anything else that Agent takes, such as ``limits``.

        Raises:
            ConfigError: an unknown provider, or options that do not fit.
        """
        prompt_options = {key: options.pop(key) for key in ("format", "parser") if key in options}
        text = system_prompt.replace("{", "{{").replace("}", "}}")
        prompt = Prompt[Any](path="quick/system", prompt=text, functions_list=tuple(functions), **prompt_options)  # pyright: ignore[reportArgumentType]
        provider = options.pop("provider", {})
        if isinstance(provider, str):
            raise ConfigError("provider is an object or settings, not a name", hint=f"model='{provider}/...' names one")
        if isinstance(provider, Mapping):  # an object stands for itself, so that the whole name is the model's
            kind, _, served = model.partition("/")
            api = "responses" if options.get("api_type") == APITypes.RESPONSE else ""
            provider = build_provider(kind, cast("Mapping[str, Any]", provider), api=api)
            model = served or default_model(kind) or kind
        log = options.pop("log", None)
        if isinstance(log, str | PathLike):
            log = build_log_base({"log_type": "localfile", "log_dir": fspath(cast("PathLike[str]", log))}, "quick")
        name = options.pop("name", "agent")
        if unknown := options.keys() - {item.name for item in fields(cls) if item.init}:
            raise ConfigError(f"Agent.quick has no option {min(unknown)!r}", hint="see Agent's attributes")
        return cls(name=name, system_prompt=prompt, model=model, provider=provider, log_base=log, **options)

    def ask(self, text: str, dialog: Dialog | None = None) -> Message[T]:
        """Send text and return the reply, in a new dialog unless one is given.

        Raises:
            LLLMError: see :meth:`call`.
        """
        return self.call(self._asking(text, dialog))[0]

    async def aask(self, text: str, dialog: Dialog | None = None) -> Message[T]:
        """Async twin of :meth:`ask`."""
        return (await self.acall(self._asking(text, dialog)))[0]

    def _asking(self, text: str, dialog: Dialog | None) -> Dialog:
        dialog = self.init_dialog() if dialog is None else dialog
        dialog.send_message(text)
        return dialog

    # --- dialogs -----------------------------------------------------------------------------------------------------

    def init_dialog(self, prompt_args: Mapping[str, Any] | None = None, session: Session | None = None) -> Dialog:
        """Open a dialog that begins with the system prompt.

        Args:
            prompt_args: fields of the system prompt.
            session: where it is logged; default: the current session, else one of the agent's own.
        """
        dialog = Dialog(session or current_session() or self.session, agent=self.name, top_prompt=self.system_prompt)
        self._hide_keys(dialog.session)
        text = self.system_prompt(**(prompt_args or {}))
        if text:
            dialog.append(Message(Roles.SYSTEM, text, self.name))
        return dialog

    @property
    def session(self) -> Session:
        """The agent's own session, opened at first need. It is closed by :meth:`close`, or when the program ends."""
        with self._opening:
            if self._session is None or self._session.closed:
                log = self.log_base or build_log_base({"log_type": "none"})
                self._session = Session.open(log, header={"task": self.name, "agents": [self.name]})
                self._closer = weakref.finalize(self, self._session.close)
            return self._session

    def close(self) -> None:
        """Close the agent's own session."""
        with self._opening:
            if self._session is not None and self._closer is not None:
                self._closer()  # closes the session, and forgets it
                self._session = None

    def __enter__(self) -> Agent[T]:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    # --- calls -------------------------------------------------------------------------------------------------------

    def call(
        self,
        dialog: Dialog,
        extra: Mapping[str, Any] | None = None,
        args: Mapping[str, Any] | None = None,
        parser_args: Mapping[str, Any] | None = None,
    ) -> Outcome[T]:
        """Run the machine until the dialog's last message has a usable answer.

        Args:
            dialog: grows by the functions' results and the answer; failed attempts stay out of it.
            extra: put on the answer and logged; never sent.
            args: model arguments of this call, over the agent's own.
            parser_args: passed to the parser.

        Returns:
            The answer, whose ``parsed`` is what the prompt's parser made of it; the dialog; and the function calls that
            were answered on the way, oldest first.

        Raises:
            ModelBehaviorError: the replies stayed unusable; it holds every attempt.
            ProviderError: the model could not be reached.
            LimitExceeded: tokens, money or time are spent.
            UserCodeError: the parser has a bug.
            LogError: the log could not be written, so nothing more was sent.
        """
        turn, effects = self._begin(dialog, extra, args, parser_args)
        drive(turn.flow(), effects)
        return self._outcome(turn)

    async def acall(
        self,
        dialog: Dialog,
        extra: Mapping[str, Any] | None = None,
        args: Mapping[str, Any] | None = None,
        parser_args: Mapping[str, Any] | None = None,
    ) -> Outcome[T]:
        """Async twin of :meth:`call`."""
        turn, effects = self._begin(dialog, extra, args, parser_args)
        await adrive(turn.flow(), effects)
        return self._outcome(turn)

    def stream(
        self,
        dialog: Dialog,
        extra: Mapping[str, Any] | None = None,
        args: Mapping[str, Any] | None = None,
        parser_args: Mapping[str, Any] | None = None,
    ) -> Iterator[ProgressEvent | FinishedEvent[T]]:
        """Do :meth:`call` and yield what happens while it happens; the last event is a FinishedEvent.

        Leaving the loop early cancels the call, and waits until it has ended: until the next piece of a reply, or the
        provider's time-out. Errors are raised from the loop, as :meth:`call` raises them.
        """
        return watch(
            lambda listen, stop: self._begin(dialog, extra, args, parser_args, listen, stop),
            lambda turn: FinishedEvent(*self._outcome(turn)),
        )

    def astream(
        self,
        dialog: Dialog,
        extra: Mapping[str, Any] | None = None,
        args: Mapping[str, Any] | None = None,
        parser_args: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[ProgressEvent | FinishedEvent[T]]:
        """Async twin of :meth:`stream`."""
        return awatch(
            lambda listen: self._begin(dialog, extra, args, parser_args, listen),
            lambda turn: FinishedEvent(*self._outcome(turn)),
        )

    def _begin(
        self,
        dialog: Dialog,
        extra: Mapping[str, Any] | None,
        args: Mapping[str, Any] | None,
        parser_args: Mapping[str, Any] | None,
        listen: Listener | None = None,
        stop: threading.Event | None = None,
    ) -> tuple[Turn, Effects]:
        prompt = dialog.top_prompt or self.system_prompt
        listen = listen or dialog.session.listen
        trace = trace_call(dialog.session, self.name, self.model, self.provider.describe)
        terms = Terms(
            agent=self.name,
            provider=self.provider,
            prompt=prompt,
            contracts=lambda prompt, offered: self._contract(prompt, offered, args),
            budgets=self._budgets(),
            extra=_checked(extra) if extra else {},
            parser_args=parser_args or {},
            as_is=self.as_is,
            listen=listen,
            trace=trace,
        )
        self._hide_keys(dialog.session)

        def live() -> Effects:
            effects = LiveEffects(dialog.session, self.limits.deadline_s, self.max_parallel_functions, listen, stop)
            return effects if trace is None else TracedEffects(effects, trace)

        tape = dialog.session.tape
        return Turn(dialog, terms), live() if tape is None else tape.effects(live, listen)

    def _hide_keys(self, session: Session) -> None:
        """Tell the log what to take out wherever it stands: the key that the provider would send now."""
        for secret in secrets_of(self.provider):
            session.redact.add(secret)

    def _outcome(self, turn: Turn) -> Outcome[T]:
        assert turn.reply is not None
        return cast("Message[T]", turn.reply), turn.dialog, turn.made

    def _budgets(self) -> Budgets:
        return Budgets(
            self.max_exception_retry,
            self.max_interrupt_times,
            self.max_llm_recall,
            self.limits.max_total_wait_s,
            self.limits.max_tokens,
            self.limits.max_cost_usd,
        )

    def _contract(self, prompt: Prompt[Any], offered: bool, args: Mapping[str, Any] | None) -> Contract:
        """Return the standing part of a request; made once a prompt, unless the call has arguments of its own."""
        known = None if args else self._contracts.get((prompt, offered))
        if known is not None and (known.model, known.model_args) == (self.model, self.model_args):
            return known.contract
        contract = build_contract(self.model, prompt, offered=offered, params={**self.model_args, **(args or {})})
        if not args:
            if len(self._contracts) >= _MOST_CONTRACTS:  # a program that makes a prompt for each call must not grow
                self._contracts.clear()
            self._contracts[prompt, offered] = _Made(contract, self.model, dict(self.model_args))
        return contract

    # --- classification -----------------------------------------------------------------------------------------

    def classify(self, dialog: Dialog, classes: Sequence[str], question: str = "") -> tuple[dict[str, float], Dialog]:
        """Return how likely the model holds each class to be, from the log-probabilities of its answer.

        Args:
            dialog: what is asked about; it stays as it is.
            classes: the labels; none may be the beginning of another, since single tokens are counted.
            question: what to decide; default: which class fits best.

        Returns:
            Probabilities in the order of ``classes``, summing to 1; and the fork in which the question was put.

        Raises:
            ConfigError: the server sends no log-probabilities, or one label begins another.
            ModelBehaviorError: the model would not answer with a label.
        """
        return self._classified(self.call(*self._classifying(dialog, classes, question)))

    async def aclassify(
        self, dialog: Dialog, classes: Sequence[str], question: str = ""
    ) -> tuple[dict[str, float], Dialog]:
        """Async twin of :meth:`classify`."""
        return self._classified(await self.acall(*self._classifying(dialog, classes, question)))

    def binary_classify(self, dialog: Dialog, question: str = "") -> tuple[float, Dialog]:
        """Return the probability that the answer to a yes-or-no question is yes, and the fork."""
        found, fork = self.classify(dialog, BINARY, question)
        return found[BINARY[0]], fork

    async def abinary_classify(self, dialog: Dialog, question: str = "") -> tuple[float, Dialog]:
        """Async twin of :meth:`binary_classify`."""
        found, fork = await self.aclassify(dialog, BINARY, question)
        return found[BINARY[0]], fork

    def _classifying(
        self, dialog: Dialog, classes: Sequence[str], question: str
    ) -> tuple[Dialog, None, dict[str, Any]]:
        fork = dialog.fork()
        fork.send_message(classifier_prompt(tuple(classes)), {"question": question or "Which of these fits best?"})
        return fork, None, dict(ClassParser.model_args)

    def _classified(self, outcome: Outcome[Any]) -> tuple[dict[str, float], Dialog]:
        return outcome[0].parsed, outcome[1]


def _checked(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is put on the reply, which must be loggable: found out before the reply is paid for."""
    try:
        encode_json(dict(extra))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"extra must be plain JSON data: {error}") from error
    return dict(extra)
