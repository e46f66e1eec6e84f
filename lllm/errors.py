"""Every error that lllm raises, in one tree. Who must act is in the type.

LLLMError
├── ConfigError                a config file or an argument is wrong          -> the user edits it
│   └── CapabilityDenied       the project does not grant what was asked for  -> its owner grants it, or not
├── DiscoveryError             a project file cannot be loaded, or two clash  -> the user edits it
│   └── NotRegisteredError     a name that nothing is registered under
├── IllegalEventError          the machine was given an event it has no row for: our bug
├── UserCodeError              a parser, handler or processor of the user raised
├── ProviderError              a model call failed
│   ├── TransportError         no usable answer came back
│   │   ├── ConnectFailed      nothing was sent
│   │   ├── ProviderTimeout    no answer in time
│   │   ├── ConnectionLost     the connection broke before the answer was whole
│   │   └── StreamTruncated    a stream ended without its terminal event; holds the partial text
│   ├── StatusError            the server answered with an error status
│   │   ├── BadRequest         400, 413, 422: the request is wrong
│   │   │   └── ContextOverflow    the dialog is too long for the model
│   │   ├── Unauthorized       401: the key
│   │   ├── Forbidden          403
│   │   ├── NotFound           404: the model or the address
│   │   ├── Conflict           409
│   │   ├── RateLimited        429
│   │   ├── QuotaExhausted     402, or a 429 that waiting does not cure
│   │   ├── Overloaded         503, 529
│   │   └── ServerError        other 5xx
│   └── BadReply               status 200, but not the wire format
├── ModelBehaviorError         the model's replies stayed unusable; holds every attempt
├── ParseError                 one reply is not what the prompt asked for; its text is for the model
├── FunctionError              a function failed; the model reads it as a result
│   ├── FunctionTimeout        it did not return in time
│   └── OutcomeUnknown         its process died meanwhile: it may have happened or not
├── LimitExceeded              a budget of time, tokens or money is spent
├── CallCancelled              somebody stopped the call
│   └── ApprovalDenied         what the model's vendor wants approved was not approved
├── ProxyError                 a call of a service through a proxy failed
│   └── CallRefused            nothing was sent: not declared, wrong parameters, or behind the cutoff date
├── SandboxError               code could not be run in the sandbox
│   ├── SandboxUnavailable     no isolator works on this machine          -> the hint is what mends it
│   ├── CellTimeout            a cell did not end in time
│   ├── KernelDied             the kernel ended, or was killed for what it used
│   ├── OutputLimit            a cell wrote more than it may
│   └── NotebookError          a notebook cannot be read, written or locked; what is on the disk stays as it is
├── BrowserError               a browser that a model drives died, or was closed
│   └── BrowserUnavailable     there is none that could be started           -> the hint is what mends it
└── LogError                   the log cannot be written or read
    ├── SessionNotFound        no such session, or more than one fits
    ├── EventNotFound          no such event in the session
    ├── LogExists              the session is there already
    ├── LogCorrupt             damage in the middle of a log
    ├── LogFenced              another process writes this session
    ├── LogPoisoned            an earlier write failed, so nothing more is written or sent
    ├── ReplayDiverged         today's code does not do what the log says
    └── ResumeUndecided        what was under way may have happened or not      -> the user decides
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class LLLMError(Exception):
    """Base of all errors of lllm.

    Attributes:
        message: what happened, in one line where that is possible.
        where: ``file:line:col``, or session and seq; empty when there is no place.
        hint: what to do next; empty when there is nothing to say.
        ends_call: a function that raises it ends the call: it is no result that a model could do anything about.
    """

    ends_call = False

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.where}: {self.message}" if self.where else self.message


class ConfigError(LLLMError):
    """A config file or an argument is wrong; the user edits it."""


class CapabilityDenied(ConfigError):
    """The project's ``lllm.toml`` does not grant what was asked for; nothing was sent."""


class DiscoveryError(LLLMError):
    """A project file cannot be loaded, or two of them define one key."""


class NotRegisteredError(DiscoveryError, KeyError):
    """A name that nothing is registered under; the hint offers the nearest known one."""

    __str__ = LLLMError.__str__


class IllegalEventError(LLLMError):
    """The machine was given an event that its table has no row for: a bug in lllm, never the model's fault."""


class UserCodeError(LLLMError):
    """A parser, handler or processor of the user raised something else than ParseError; ``__cause__`` is that error."""


class ProviderError(LLLMError):
    """A model call failed.

    Attributes:
        provider: name of the provider, as configured.
        retryable: whether the same request may succeed later.
        retry_after_s: seconds that the server asked to wait; None when it did not say.
        status: HTTP status, or None when there was no answer.
        code: the server's own error code or type, as text; empty when absent.
        request_id: the server's id of the request; empty when absent.
        excerpt: start of the body, redacted.
        partial: text that had arrived before the failure.
    """

    retryable = False

    def __init__(  # noqa: PLR0913 - the facts of one failure, all keyword-only
        self,
        message: str,
        *,
        provider: str = "",
        retryable: bool | None = None,
        retry_after_s: float | None = None,
        status: int | None = None,
        code: str = "",
        request_id: str = "",
        excerpt: str = "",
        partial: str = "",
        where: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.provider = provider
        self.retryable = type(self).retryable if retryable is None else retryable
        self.retry_after_s = retry_after_s
        self.status = status
        self.code = code
        self.request_id = request_id
        self.excerpt = excerpt
        self.partial = partial

    def to_facts(self) -> dict[str, Any]:
        """Return what a log keeps of the error, as plain JSON data without what is empty.

        Keys: ``type, message, retryable``, the attributes, ``hint``, and ``also``: the name of the httpx class that the
        error is an instance of as well, where the transport made it one.
        """
        also = next((kind.__name__ for kind in type(self).__mro__ if kind.__module__.partition(".")[0] == "httpx"), "")
        facts = {"type": type(self).__name__, "message": self.message, "retryable": self.retryable, "also": also}
        for name in ("provider", "retry_after_s", "status", "code", "request_id", "excerpt", "partial", "hint"):
            facts[name] = getattr(self, name)
        return {key: value for key, value in facts.items() if value not in (None, "")}


class TransportError(ProviderError):
    """No usable answer came back."""

    retryable = True


class ConnectFailed(TransportError):
    """Nothing was sent: name lookup, refused connection or TLS failed."""


class ProviderTimeout(TransportError):
    """No answer in time."""


class ConnectionLost(TransportError):
    """The connection broke before the answer was whole."""


class StreamTruncated(TransportError):
    """A stream ended without its terminal event; ``partial`` holds the text so far."""


class StatusError(ProviderError):
    """The server answered with an error status, or with an error in a body of status 200."""


class BadRequest(StatusError):
    """400, 413, 422: the request is wrong; sending it again does not help."""


class ContextOverflow(BadRequest):
    """The dialog is too long for the model."""


class Unauthorized(StatusError):
    """401: the key is missing or wrong."""


class Forbidden(StatusError):
    """403: the key may not do this."""


class NotFound(StatusError):
    """404: no such model or address."""


class Conflict(StatusError):
    """409."""

    retryable = True


class RateLimited(StatusError):
    """429: too many requests for now."""

    retryable = True


class QuotaExhausted(StatusError):
    """402, or a 429 that no waiting cures."""


class Overloaded(StatusError):
    """503 or 529: the server asks for patience."""

    retryable = True


class ServerError(StatusError):
    """Any other 5xx."""

    retryable = True


class BadReply(ProviderError):
    """Status 200, but the body is not the wire format."""

    retryable = True


class ModelBehaviorError(LLLMError):
    """The model's replies stayed unusable until the retries were spent.

    Attributes:
        attempts: every failed attempt of this step, oldest first; each has ``content`` and ``error_message``.
    """

    def __init__(self, message: str, *, attempts: Sequence[Any] = (), where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.attempts = tuple(attempts)


class ParseError(LLLMError):
    """One reply is not what the prompt asked for. The text is written for the model, which reads it and tries again."""


class FunctionError(LLLMError):
    """A function failed. The model reads it as the function's result; the call goes on."""


class FunctionTimeout(FunctionError):
    """A function did not return within its ``timeout_s``."""


class OutcomeUnknown(FunctionError):
    """A function or a step was under way when its process died: nobody knows whether it happened."""


class LimitExceeded(LLLMError):
    """A budget is spent.

    Attributes:
        limit: which one: ``tokens``, ``cost``, ``interrupts``, ``deadline``, or ``session``.
    """

    def __init__(self, message: str, *, limit: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.limit = limit


class CallCancelled(LLLMError):
    """Somebody stopped the call through ``session.cancel()``."""


class ApprovalDenied(CallCancelled):
    """A safety check of the model's vendor was not approved, so nothing more may be done in this call."""

    ends_call = True


class ProxyError(LLLMError):
    """A call of a service through a proxy failed.

    Attributes:
        status: HTTP status of the answer; None when there was none.
        retryable: whether the same call may succeed later.
    """

    def __init__(
        self, message: str, *, status: int | None = None, retryable: bool = False, where: str = "", hint: str = ""
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.status = status
        self.retryable = retryable


class CallRefused(ProxyError):
    """Nothing was sent: the endpoint is not declared or not active, a parameter is wrong, or the cutoff forbids it."""


class SandboxError(LLLMError):
    """Code could not be run in the sandbox."""


class SandboxUnavailable(SandboxError, ConfigError):
    """No isolator works on this machine; the hint is the command that mends it. No model is told: it could not."""

    ends_call = True


class CellTimeout(SandboxError):
    """A cell did not end in time; the text says whether the kernel could be kept."""


class KernelDied(SandboxError):
    """The kernel ended by itself; its state is lost."""


class OutputLimit(SandboxError):
    """A cell wrote more than it may."""


class NotebookError(SandboxError):
    """A notebook cannot be read, written or locked; the file on the disk stays as it is."""


class BrowserError(LLLMError):
    """A browser that a model drives died, or was closed; the next action starts another one."""


class BrowserUnavailable(BrowserError, ConfigError):
    """There is no browser that could be started; the hint is the command that mends it. No model is told."""

    ends_call = True


class LogError(LLLMError):
    """The log cannot be written or read."""


class SessionNotFound(LogError):
    """No such session, or more than one fits the name."""


class EventNotFound(LogError):
    """The session has no event of this seq or id."""


class LogExists(LogError):
    """The session is there already; a log is never written over."""


class LogCorrupt(LogError):
    """A log is damaged in the middle. ``lllm log fsck`` explains where and what is left."""


class LogFenced(LogError):
    """Another process writes this session."""


class LogPoisoned(LogError):
    """An earlier write of this session failed, so no further event is written and no further effect is sent."""


class ReplayDiverged(LogError):
    """Today's code does not do what the log says; replay stopped at the first difference.

    Attributes:
        report: where, what and why, as plain data: keys ``session, seq, id, kind, message,
            pointer, expected, got, diff, cause``.
    """

    def __init__(self, message: str, *, report: dict[str, Any] | None = None, where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.report: dict[str, Any] = report or {}


class ResumeUndecided(LogError):
    """Functions or steps were under way when the session's process died; the user says what is done about each.

    Attributes:
        unknown: what is known of each, see :class:`~lllm.replay.Unfinished`.
    """

    def __init__(self, message: str, *, unknown: Sequence[Any] = (), where: str = "", hint: str = "") -> None:
        super().__init__(message, where=where, hint=hint)
        self.unknown = tuple(unknown)
