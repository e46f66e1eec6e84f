"""One call of an agent, from the turn's first request to a parsed reply or a named error.

A turn is a generator: it yields effects and is sent their results, so that one body serves live runs, replays, sync and
async. It asks the machine what to do next and does the bookkeeping: it grows the dialog, keeps failed attempts on a
branch of their own, and logs intent before an effect and result after it.
"""

from __future__ import annotations

from collections.abc import Generator
from functools import partial
from typing import Any, NoReturn

from lllm.const import Roles
from lllm.errors import (
    ConfigError,
    LLLMError,
    LogError,
    ModelBehaviorError,
    ProviderError,
    UserCodeError,
)
from lllm.llm.dialog import Dialog
from lllm.llm.effects import AskModel, Effect, Parse, Sleep
from lllm.llm.ends import to_event, to_limit_error, to_named
from lllm.llm.judge import (
    Verdict,
    find_problem,
    is_paused,
    join_turn,
    may_be_kept,
    parse_reply,
    parses_with_user_code,
)
from lllm.llm.kept import to_line
from lllm.llm.offers import offer_functions
from lllm.llm.round import FunctionRound
from lllm.llm.stream import StateEvent
from lllm.llm.terms import Terms
from lllm.machine import (
    BudgetSpent,
    Called,
    CallModel,
    Event,
    Fail,
    Finish,
    Machine,
    ModelFailed,
    ModelPaused,
    ModelReplied,
    Reason,
    RunFunctions,
    Wait,
    Woke,
    step,
)
from lllm.machine.transitions import TERMINAL, unusable
from lllm.models.call import FunctionCall
from lllm.models.history import History
from lllm.models.message import Attempt, Message, reply_facts_to_dict
from lllm.models.request import Contract, ModelRequest
from lllm.providers.base import judged_of
from lllm.utils import encode_json

Flow = Generator[Effect, Any, None]


class Turn:
    """One call under way.

    Attributes:
        reply: the last usable reply; the call's result once the flow has ended.
        made: every function call of this call that has an answer, in the order of the dialog.
    """

    def __init__(self, dialog: Dialog, terms: Terms) -> None:
        self.dialog = dialog
        self.session = dialog.session
        self.terms = terms
        self.machine = Machine(budgets=terms.budgets)
        self.branch: History | None = None
        self.attempts: tuple[Attempt, ...] = ()
        self.made: list[FunctionCall] = []
        self.reply: Message[Any] | None = None
        self._body = ""
        self._paused: tuple[tuple[Message[Any], str], ...] = ()  # in the dialog only once their turn is whole
        self._request: ModelRequest | None = None
        self._step_id = ""
        self._seq = 0
        self._error: BaseException | None = None

    def flow(self) -> Flow:
        """Drive the machine from Called to its end.

        Raises:
            LLLMError: the named error that the call ended in.
            BaseException: KeyboardInterrupt and cancellation of the task go on, once they are logged.
        """
        trace = self.terms.trace
        return self._flow() if trace is None else trace.around(self._flow())

    def _flow(self) -> Flow:
        with self.dialog.in_call():
            event: Event = Called()
            while True:
                try:
                    command = self._move(event)
                    if type(command) is Finish:
                        break
                    event = yield from self._perform(command)
                except BaseException as error:  # noqa: BLE001 - every end of a call is an event
                    event = self._stopped(error)
            self._close(None)

    def _perform(self, command: Any) -> Generator[Effect, Any, Event]:
        match command:
            case CallModel():
                return (yield from self._call_model(command))
            case RunFunctions():
                return (yield from self._run_functions())
            case Wait(seconds):
                self.session.emit("wait", self._step_id, encode_json({"seconds": round(seconds, 6)}), self._seq)
                yield Sleep(self._step_id, seconds)
                return Woke()
            case _:
                assert isinstance(command, Fail)
                self._fail(command)

    def _move(self, event: Event) -> Any:
        self.machine, commands = step(self.machine, event)
        self.terms.tell(StateEvent(self.machine.state.value, type(event).__name__))
        return commands[0] if commands else None

    @property
    def _place(self) -> str:
        """Id of the step that the call has come to; before the first, of none."""
        return self._step_id or f"{self.dialog.id}/s-"

    # --- the model -----------------------------------------------------------------------------------------------

    def _call_model(self, command: CallModel) -> Generator[Effect, Any, Event]:
        if self.session.is_spent(self.dialog.id):
            return BudgetSpent()
        if not command.again:
            self.terms = yield from offer_functions(self.terms, self.session, self._place)
            self._prepare(command)
        assert self._request is not None
        self._log_request(command)
        try:
            reply = yield AskModel(self._step_id, self.terms.provider, self._request)
        except ProviderError as error:
            return self._model_failed(error)
        return (yield from self._model_replied(reply))

    def _prepare(self, command: CallModel) -> None:
        """Say what the machine wants said, and make the next request."""
        if command.problem:
            self._grow_branch(command.problem)
        elif not command.go_on:
            self.branch, self.attempts = None, ()
            if command.say_final:
                text = self.terms.prompt.interrupt_handler_final()
                self.dialog.append(Message(Roles.USER, text, "interrupt"))
        history = self._with_paused(self.dialog.history if self.branch is None else self.branch)
        contract = self.terms.contracts(self.terms.prompt, command.offer_functions)
        self._request = ModelRequest(contract, history, stream=self.terms.listen is not None)

    def _with_paused(self, history: History) -> History:
        for message, body in self._paused:
            history = history.append(message, body)
        return history

    def _whole(self, reply: Message[Any]) -> Message[Any]:
        """Return the last reply of a turn with the text of the paused ones before it."""
        return join_turn((message for message, _ in self._paused), reply)

    def _grow_branch(self, problem: str) -> None:
        """Put the unusable reply and the handler's answer on a branch that the dialog never sees."""
        assert self.reply is not None
        text = self._whole(self.reply).content
        self.attempts = (*self.attempts, Attempt(text, problem))
        branch = self.dialog.history if self.branch is None else self.branch
        shown: Message[Any] = self.reply
        seen = self._body
        if shown.function_calls or not shown.content.strip():
            # Servers accept neither calls without results nor an empty message: what is left of the reply is its text.
            shown = Message(Roles.ASSISTANT, text.strip() or "(no text)", shown.creator)
            seen = self.dialog.encode(shown)
        else:
            branch = self._with_paused(branch)
        self._paused = ()
        said: Message[Any] = Message(Roles.USER, self.terms.prompt.exception_handler(problem), "exception")
        body = self.dialog.encode(said)
        self._seq = self.session.emit(
            "message", f"{self._step_id}/x", f'{{"message":{body},"branch":"retry"}}', self._seq
        )
        self.branch = branch.append(shown, seen).append(said, body)

    def _log_request(self, command: CallModel) -> None:
        assert self._request is not None
        history = self._request.history
        fingerprint = self._log_contract(self._request.contract)
        step_id = self.dialog.next_step_id
        why = f',"retry":{self.machine.retries}' if command.problem else ""
        why += f',"recall":{self.machine.recalls}' if command.again else ""
        data = f'{{"contract":"{fingerprint}","n":{len(history)},"chain":"{history.chain.hex()[:32]}"{why}}}'
        # Counted once it is in the log: an interrupt before leaves the step's id to the next request, in a replay too.
        self._seq = self.session.emit("model.request", step_id, data, self._seq)
        self._step_id = step_id
        self.dialog.count_step()

    def _log_contract(self, contract: Contract) -> str:
        """Log a contract at its first use in the session; return what requests call it."""
        prompt = self.terms.prompt
        # What a server could notice, and what of the prompt only we do: two may look alike to a server.
        fingerprint = f"{contract.fingerprint}-{prompt.hash[:8]}"

        def told() -> dict[str, Any]:
            # The hash stands last: a reader, or a replay, finds first what it is made of.
            said = {"path": prompt.path, "source": prompt.prompt, "parser": prompt.parser_name, **prompt.handlers}
            data = {"agent": self.terms.agent, "provider": self.terms.provider.describe(), "prompt": said}
            return data | contract.to_dict() | {"prompt_hash": prompt.hash, "fingerprint": fingerprint}

        # Whoever asks beside us under this contract must not ask before it is in the log.
        self.session.log_once("contract", f"contract/{self.terms.agent}|{prompt.path}|{fingerprint}", told)
        return fingerprint

    def _model_failed(self, error: ProviderError) -> Event:
        self._seq = self.session.log("model.error", self._step_id, error.to_facts(), self._seq)
        self._error = error
        return ModelFailed(error.retryable, error.retry_after_s, self.session.jitter(self._step_id))

    def _model_replied(self, reply: Message[Any]) -> Generator[Effect, Any, Event]:
        """Log the reply before anybody looks at it: it is paid for, whatever a parser makes of it."""
        reply = reply.by(self.terms.agent, self.terms.extra)
        self._body = self.dialog.encode(reply)
        facts = encode_json(reply_facts_to_dict(reply))
        data = f'{{"message":{self._body},{facts[1:]}'
        self._seq = self.session.emit("model.reply", self._step_id, data, self._seq)
        self.session.spend(reply.usage)
        self.dialog.cost = self.dialog.cost + reply.usage
        self.reply = reply
        usage = reply.usage
        if usage.cost_usd is None and self.terms.budgets.max_cost_usd is not None:
            raise ConfigError(
                f"max_cost_usd is set, but nobody knows what model {reply.model!r} costs",
                hint="register its prices: register_model_card(ModelCard(name, input_price=..., output_price=...))",
            )
        event = yield from self._take(reply)
        if (judged := judged_of(self.terms.provider)) is not None:
            assert self._request is not None
            useful = isinstance(event, ModelReplied) and not unusable(self.machine, event)
            judged(self._request, reply, usable=useful and may_be_kept(reply, self._request.contract.functions))
        return event

    def _take(self, reply: Message[Any]) -> Generator[Effect, Any, Event]:
        """Say what a reply is to the machine. One that ends the call enters the dialog, and so does what led to it."""
        spent = reply.usage.total_tokens, reply.usage.cost_usd or 0.0
        if not self.terms.as_is and is_paused(reply):
            self._paused += ((reply, self._body),)
            return ModelPaused(*spent)
        verdict = Verdict("", reply.content) if self.terms.as_is else (yield from self._judge(self._whole(reply)))
        n_calls = 0 if self.terms.as_is else len(reply.function_calls)
        if not verdict.problem:
            self.reply = reply.with_parsed(verdict.parsed, self.attempts)
            if not n_calls:
                whole = self._whole(self.reply)
                self._keep_reply()
                self.reply = whole
        return ModelReplied(verdict.problem, n_calls, *spent)

    def _keep_reply(self) -> None:
        """Let the reply into the dialog, behind the paused ones that it goes on with."""
        assert self.reply is not None
        for message, body in (*self._paused, (self.reply, self._body)):
            self.dialog.keep(message, body)
        self._paused = ()

    def _judge(self, reply: Message[Any]) -> Generator[Effect, Any, Verdict]:
        problem = find_problem(reply, self.terms.prompt)
        if problem or reply.function_calls:
            return Verdict(problem)
        parse = partial(parse_reply, reply, self.terms.prompt, self.terms.parser_args)
        try:
            return (yield Parse(parse)) if parses_with_user_code(self.terms.prompt) else parse()
        except ConfigError:  # ours: what was asked for cannot be had, which is nobody's bug
            raise
        except Exception as error:
            name = self.terms.prompt.parser_name
            raise UserCodeError(
                f"parser {name} of prompt {self.terms.prompt.path!r} raised {type(error).__name__}: {error}",
                where=f"session {self.session.journal.name}, {self._step_id}",
                hint="raise ParseError for what the model should mend; the reply is in the log",
            ) from error

    # --- functions -----------------------------------------------------------------------------------------------

    def _run_functions(self) -> Generator[Effect, Any, Event]:
        """Run what the reply asks for, and let the results into the dialog in the model's order.

        The reply enters the dialog together with its results: a call that ends before that leaves a dialog that can be
        sent again, since servers refuse function calls without results.
        """
        assert self.reply is not None
        round_ = FunctionRound(self.dialog, self.terms, self._step_id, self._seq, self.made)
        results, last = yield from round_.run(self.reply.function_calls, self._move)
        self._keep_reply()
        for result in results:
            self.dialog.keep(result.message, result.body)
            self.made.append(result.call)
        return last

    # --- ends ----------------------------------------------------------------------------------------------------

    def _stopped(self, error: BaseException) -> Event:
        """Return the event for what broke into an effect; errors that the call cannot outlive go on at once."""
        if isinstance(error, LogError) or self.machine.state in TERMINAL:
            raise error
        if isinstance(error, Exception) and not isinstance(error, LLLMError):
            error = to_named(error)
        self._error = error
        return to_event(error)

    def _fail(self, fail: Fail) -> NoReturn:
        """Log the end and raise the call's error."""
        error = self._error_of(fail.reason, fail.problem)
        self._close(fail.reason, error)
        raise error

    def _error_of(self, reason: Reason, problem: str) -> BaseException:
        where = f"session {self.session.journal.name}, {self._step_id or self.dialog.id}"
        if reason is Reason.MODEL_BEHAVIOR:
            assert self.reply is not None
            attempts = (*self.attempts, Attempt(self._whole(self.reply).content, problem))
            return ModelBehaviorError(
                f"the model's reply was unusable {len(attempts)} times; last: {problem}",
                attempts=attempts,
                where=where,
                hint=f"look at every attempt: lllm log show {self.session.journal.name}",
            )
        if (spent := to_limit_error(reason, self.machine, self._error, where)) is not None:
            return spent
        assert self._error is not None
        if isinstance(self._error, LLLMError) and not self._error.where:
            self._error.where = where
        return self._error

    def _close(self, reason: Reason | None, error: BaseException | None = None) -> None:
        step_id = self._place
        if reason is None:
            self.session.emit("call.close", step_id, '{"outcome":"done"}', self._seq)
            return
        data = {"outcome": "failed", "reason": reason.value}
        if reason is Reason.DEADLINE:
            data["during"] = str(self._error)
        else:
            assert error is not None
            data["by" if reason is Reason.CANCELLED else "error"] = to_line(error)
        self.session.log("call.close", step_id, data, self._seq)
