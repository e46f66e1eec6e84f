"""CALL_API of a kernel on another machine: it asks by Jupyter's input request, which every gateway passes on.

The host sends this file as a cell, before the first one of the session. What is defined here belongs to the cells'
process, as everything else in it: the host believes nothing of what comes back.
"""

from __future__ import annotations

import json

from IPython import get_ipython

TYPE_CHECKING = False
if TYPE_CHECKING:  # as in `kernel.py`
    from typing import Any


class APIError(RuntimeError):
    """A service did not answer, or the call was refused. The text says why."""


def install(mark: str) -> None:
    """Offer ``CALL_API``, and refuse ``input``. A question that begins with ``mark`` is a call."""
    shell: Any = get_ipython()
    kernel = shell.kernel
    ask = kernel.raw_input

    def call_api(endpoint: str, params: dict[str, Any] | None = None) -> Any:
        """Call a service and return its answer, as JSON data.

        Args:
            endpoint: such as "fred/series/observations".
            params: its parameters by name.

        Raises:
            APIError: it did not answer, or the host refused; the text says why.
        """
        try:
            asked = json.dumps({"endpoint": endpoint, "params": {} if params is None else params}, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise APIError(f"the parameters cannot be sent: {error}") from None
        answer = json.loads(ask(mark + asked))
        if "error" in answer:
            raise APIError(answer["error"])
        return answer["value"]

    kernel.raw_input = kernel.getpass = _refuse_input
    shell.user_ns.update(CALL_API=call_api)
    shell.user_ns_hidden.update(CALL_API=call_api)


def _refuse_input(_prompt: str = "", **_other: Any) -> str:
    raise EOFError("nobody can be asked here: the code runs on another machine, and its standard input is closed")
