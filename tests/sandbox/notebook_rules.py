"""What nbformat 4.5 allows, as plain checks: the official package is not needed to know it."""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

JSON_MIME = re.compile(r"^application/(.*\+)?json$")
OUTPUT_KEYS = {
    "stream": {"output_type", "name", "text"},
    "display_data": {"output_type", "data", "metadata"},
    "execute_result": {"output_type", "data", "metadata", "execution_count"},
    "error": {"output_type", "ename", "evalue", "traceback"},
}
CELL_KEYS = {
    "code": {"cell_type", "id", "metadata", "source", "outputs", "execution_count"},
    "markdown": {"cell_type", "id", "metadata", "source"},
    "raw": {"cell_type", "id", "metadata", "source"},
}

any_text = st.text(alphabet=st.characters(codec=None), max_size=20)  # lone surrogates, too
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


def check_outputs(outputs):
    """Fail unless each is an output that a notebook may hold, and all of it can be written."""
    for output in outputs:
        kind = output["output_type"]
        assert set(output) == OUTPUT_KEYS[kind]
        if kind == "stream":
            assert isinstance(output["name"], str)
            assert is_text(output["text"])
        elif kind == "error":
            texts = [output["ename"], output["evalue"], *output["traceback"]]
            assert isinstance(output["traceback"], list)
            assert all(isinstance(text, str) for text in texts)
        else:
            assert isinstance(output["metadata"], dict)
            assert all(JSON_MIME.search(mime) or is_text(value) for mime, value in output["data"].items())
            assert is_count(output.get("execution_count"))
    json.dumps(list(outputs), allow_nan=False, ensure_ascii=False).encode("utf-8")


def check_notebook(notebook):
    """Fail unless it is a notebook of nbformat 4.5."""
    assert set(notebook) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[a-zA-Z0-9-_]{1,64}", id_) for id_ in ids)
    for cell in notebook["cells"]:
        assert set(cell) - {"attachments"} == CELL_KEYS[cell["cell_type"]]
        assert isinstance(cell["metadata"], dict)
        assert is_text(cell["source"])
        if cell["cell_type"] == "code":
            assert is_count(cell["execution_count"])
            check_outputs(cell["outputs"])


def is_text(value):
    """Whether it is text, or lines of it."""
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(line, str) for line in value))


def is_count(value):
    """Whether it is a number of a cell, or none."""
    return value is None or (type(value) is int and value >= 0)
