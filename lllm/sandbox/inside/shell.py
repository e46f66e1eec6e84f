"""IPython's shell, with what it shows sent to the host in place of a terminal. Runs inside the sandbox."""

from __future__ import annotations

import sys

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from stream import Stream, Writer
from traitlets import Type
from traitlets.config import Config
from wire import to_text

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing takes as long to load as much of the rest
    from typing import Any


class SentDisplayHook(DisplayHook):
    """Sends the value of a cell's last line."""

    def write_output_prompt(self) -> None:
        """Write none: the notebook shows the number."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Send the value in each form that it has."""
        _writer(self.shell).show(
            "execute_result",
            {"data": format_dict, "metadata": md_dict or {}, "execution_count": self.prompt_count},
        )

    def finish_displayhook(self) -> None:
        """Do nothing more: all was sent."""


class SentDisplays(DisplayPublisher):
    """Sends what ``display`` shows."""

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: bool = False,
        **kwargs: Any,
    ) -> None:
        """Send one thing in each form that it has."""
        del source, kwargs
        kind = "update_display_data" if update else "display_data"
        _writer(self.shell).show(kind, {"data": data, "metadata": metadata or {}, "transient": transient or {}})

    def clear_output(self, wait: bool = False) -> None:
        """Ask for the cell's output to be cleared."""
        _writer(self.shell).show("clear_output", {"wait": wait})


class SentShell(InteractiveShell):
    """IPython without a terminal and without a history on disk."""

    writer: Writer
    home = "/box"

    displayhook_class = Type(SentDisplayHook)
    display_pub_class = Type(SentDisplays)

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        name = getattr(etype, "__name__", str(etype))
        self.writer.show("error", {"ename": name, "evalue": to_text(evalue), "traceback": stb})

    def system(self, cmd: str) -> None:
        """Run a command of the cell's (``!command``) and show what it writes, as it comes.

        Not as IPython does, by a pseudo-terminal: there need be none, and the text would come with its line ends.
        """
        import codecs  # noqa: PLC0415 - most cells run none
        import subprocess  # noqa: PLC0415

        words = f"{self.var_expand(cmd, depth=1)}"
        if words.rstrip().endswith("&"):  # it stays when the cell ends, so its end is not waited for
            subprocess.Popen(words, shell=True, stdin=subprocess.DEVNULL)  # noqa: S602
            return
        text = codecs.getincrementaldecoder("utf-8")("replace")
        out, both = subprocess.PIPE, subprocess.STDOUT
        with subprocess.Popen(words, shell=True, stdin=subprocess.DEVNULL, stdout=out, stderr=both) as process:  # noqa: S602
            source: Any = process.stdout
            while piece := source.read1():
                sys.stdout.write(text.decode(piece))
        self.user_ns["_exit_code"] = process.returncode

    def offer(self, **names: Any) -> None:
        """Give cells names that are not theirs: hidden from ``%who``, and back after ``%reset``."""
        self._offered = names
        self.user_ns.update(names)
        self.user_ns_hidden.update(names)

    def init_user_ns(self) -> None:
        """Begin with no names but IPython's own, and those that were offered."""
        super().init_user_ns()
        self.offer(**getattr(self, "_offered", {}))

    def enable_gui(self, gui: object = None) -> None:
        """Do nothing: there is no screen."""

    def ask_exit(self) -> None:
        """Refuse: the host ends the kernel, nobody else."""
        sys.stderr.write("the kernel ends with its session; there is nothing to exit\n")

    def init_virtualenv(self) -> None:
        """Do nothing: the host decides where packages come from."""


def _writer(shell: Any) -> Writer:
    return shell.writer


def build_shell(writer: Writer) -> SentShell:
    """Return the one shell of this process. ``writer`` is sent all that it shows."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    SentShell.writer = writer
    shell = SentShell.instance(config=config)
    shell.set_hook("show_in_pager", _show_page)
    sys.stdout, sys.stderr = Stream(writer, "stdout", 1), Stream(writer, "stderr", 2)
    sys.excepthook = sys.__excepthook__
    return shell


def _show_page(shell: Any, data: Any, **_: Any) -> None:
    """Show what a pager would, such as the help of ``name?``: text, or the forms that it has."""
    forms = data if isinstance(data, dict) else {"text/plain": data}
    _writer(shell).show("display_data", {"data": forms, "metadata": {}})
