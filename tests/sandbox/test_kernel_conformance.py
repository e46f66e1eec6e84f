"""Jupyter's own conformance suite for kernels, run against a kernel in a sandbox."""

import unittest
from importlib.metadata import version

import pytest
from jupyter_kernels import install  # noqa: F401 - the fixture `sandboxed_kernel`

# of jupyter_client's own thread for heartbeats, which the end of its context may surprise
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
kernels = pytest.importorskip("jupyter_kernel_test", reason="jupyter_kernel_test is not installed")

TESTS = [name for name in dir(kernels.KernelTests) if name.startswith("test_")]

SKIPPED = {"test_history": ["History range not supported"]}  # ipykernel calls the running session 0 there, 1 elsewhere


@pytest.fixture(scope="module")
def suite(sandboxed_kernel):
    """The suite, with what a Python kernel is to answer. One kernel serves all its tests, as upstream."""

    class Sandboxed(kernels.KernelTests):
        kernel_name = sandboxed_kernel
        language_name = "python"
        file_extension = ".py"
        code_hello_world = "print('hello, world')"
        code_stderr = "import sys; print('test', file=sys.stderr)"
        completion_samples = ({"text": "zi", "matches": {"zip"}},)
        complete_code_samples = ("1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n")
        incomplete_code_samples = ("print('''hello", "def f(x):\n  x*2")
        invalid_code_samples = ("import = 7q",)
        code_page_something = "zip?"
        code_generate_error = "raise ValueError('no')"
        code_execute_result = (
            {"code": "1+2+3", "result": "6"},
            {"code": "[n*n for n in range(1, 4)]", "result": "[1, 4, 9]"},
        )
        code_display_data = (
            {"code": "from IPython.display import HTML, display; display(HTML('<b>test</b>'))", "mime": "text/html"},
            {"code": "from IPython.display import Math, display; display(Math('x^2'))", "mime": "text/latex"},
        )
        code_history_pattern = "1?2*"
        supported_history_operations = ("tail", "search")
        code_inspect_sample = "zip"
        code_clear_output = "from IPython.display import clear_output; clear_output()"

    Sandboxed.setUpClass()
    yield Sandboxed
    Sandboxed.tearDownClass()


@pytest.mark.parametrize("name", TESTS)
def test_a_sandboxed_kernel_is_a_jupyter_kernel(suite, name):
    """Whoever uses it from Jupyter finds what other kernels have; what the suite would skip counts as a failure."""
    result = unittest.TestResult()  # a part that is skipped must not end the rest of its test
    suite(name).run(result)
    assert [text for _, text in result.errors + result.failures] == []
    assert [reason for _, reason in result.skipped] == SKIPPED.get(name, [])


@pytest.mark.skipif(version("ipykernel").startswith("6."), reason="ipykernel 6 welcomes nobody")
def test_a_client_is_welcomed(sandboxed_kernel):
    """By it a client knows that it will miss no output (Jupyter enhancement 65)."""

    class Welcoming(kernels.IopubWelcomeTests):
        kernel_name = sandboxed_kernel
        support_iopub_welcome = True

    Welcoming.setUpClass()
    try:
        Welcoming("test_recv_iopub_welcome_msg").test_recv_iopub_welcome_msg()
    finally:
        Welcoming.tearDownClass()
