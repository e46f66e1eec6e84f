"""Notebooks as data: every one that is written opens in Jupyter, and none that is damaged is taken for another."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from notebook_rules import any_json, any_text, check_notebook

from lllm.errors import NotebookError
from lllm.sandbox.cell import Called, CellResult
from lllm.sandbox.notebook.notebook import (
    build_notebook,
    delete_cells,
    insert_cell,
    keep_result,
    mark_cell,
    overwrite_cell,
    to_json,
)
from lllm.sandbox.notebook.read import from_data, from_json
from lllm.sandbox.shown.outputs import OutputFold

KINDS = ["stream", "display_data", "execute_result", "error"]
MESSAGES = st.lists(
    st.builds(
        lambda kind, data, text: {
            "msg_type": kind,
            "content": {"data": data, "text": text, "traceback": [text], "name": text, "execution_count": data},
        },
        st.sampled_from(KINDS),
        st.dictionaries(st.sampled_from(["text/plain", "application/json", "image/png"]), any_json) | any_json,
        any_text | any_json,
    ),
    max_size=3,
)


def made(messages=(), name="n", source="1", ename="", params=None):
    """Return a notebook with one cell of each kind, of which one has run."""
    fold = OutputFold(10_000, 10)
    for message in messages:
        fold.add(message)
    notebook = insert_cell(build_notebook(name, {"proxies": [source]}), 1, "code", source)
    notebook = insert_cell(notebook, 2, "markdown", source)
    calls = (Called("a/b", params, ename),)
    result = CellResult("error", fold.outputs(), 3, ename, ename, calls=calls, state_lost=True)
    return keep_result(notebook, notebook["cells"][1]["id"], result)


@settings(max_examples=100)
@given(MESSAGES, any_text, any_text, any_json)
@example([], "\ud800", "\ud800", "\ud800")
def test_any_run_of_any_cell_makes_a_valid_notebook(messages, source, ename, params):
    """And the same one when it is read again."""
    notebook = made(messages, source, source, ename, params)
    text = to_json(notebook)
    text.encode("utf-8")
    check_notebook(json.loads(text))
    again = from_json(text)
    assert to_json(again) == text
    assert again["cells"] == json.loads(json.dumps(notebook["cells"]))


@settings(max_examples=40)
@given(MESSAGES, any_text)
def test_jupyters_own_check_agrees(messages, source):
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    notebook = nbformat.reads(to_json(made(messages, source=source)), as_version=4)
    nbformat.validate(notebook)
    assert nbformat.writes(notebook) + "\n" == to_json(made(messages, source=source))


def test_text_is_laid_out_in_lines_as_jupyter_does():
    """Two versions of a notebook can be compared line by line."""
    message = {"msg_type": "stream", "content": {"name": "stdout", "text": "a\nb\n"}}
    cell = json.loads(to_json(made([message], source="x\ny")))["cells"][1]
    assert (cell["source"], cell["outputs"][0]["text"]) == (["x\n", "y"], ["a\n", "b\n"])


def test_a_change_leaves_the_old_notebook_as_it_was():
    """What could not be stored is dropped, and then the old one counts."""
    notebook = made()
    before = copy.deepcopy(notebook)
    id_ = notebook["cells"][1]["id"]
    insert_cell(notebook, 1, "code", "2")
    overwrite_cell(notebook, 1, "2")
    delete_cells(notebook, [1])
    keep_result(notebook, id_, CellResult("ok"))
    mark_cell(notebook, id_, {"rebuilt": "same"})
    assert notebook == before


def test_what_a_cell_came_to_stands_in_its_metadata():
    notebook = made(ename="KeyError", params={"a": [1]})
    assert notebook["cells"][1]["metadata"]["lllm"] == {
        "status": "error",
        "ename": "KeyError",
        "evalue": "KeyError",
        "state_lost": True,
        "calls": [{"endpoint": "a/b", "params": {"a": [1]}, "error": "KeyError"}],
    }
    deep = json.loads("[" * 50 + "]" * 50)
    assert made(params=deep)["cells"][1]["metadata"]["lllm"]["calls"] == [{"endpoint": "a/b"}]
    assert mark_cell(notebook, "gone", {"a": 1}) is notebook
    assert keep_result(notebook, "gone", CellResult("ok")) is notebook


def test_ids_that_somebody_else_gave_are_not_given_again():
    notebook = made()
    notebook["metadata"]["lllm"]["next_cell"] = 0
    ids = [cell["id"] for cell in insert_cell(notebook, 1, "code", "x")["cells"]]
    assert ids == ["cell-0", "cell-3", "cell-1", "cell-2"]


def spoil(change):
    notebook = json.loads(to_json(made([{"msg_type": "stream", "content": {"text": "x"}}])))
    change(notebook)
    return json.dumps(notebook)


def set_cell(**facts):
    return lambda notebook: notebook["cells"][1].update(facts)


SPOILED = {
    "version": (lambda n: n.update(nbformat_minor=4), "version 4.4"),
    "old": (lambda n: n.update(nbformat=3), "version 3.5"),
    "more": (lambda n: n.update(worksheets=[]), "version"),
    "no cells": (lambda n: n.update(cells={}), "no cells"),
    "foreign": (lambda n: n["metadata"].pop("lllm"), "not made by lllm"),
    "metadata": (lambda n: n.update(metadata=1), "not made by lllm"),
    "no first cell": (lambda n: n["cells"].pop(0), "INIT CODE"),
    "all cells gone": (lambda n: n["cells"].clear(), "INIT CODE"),
    "twice": (lambda n: n["cells"].append(n["cells"][1]), "one id"),
    "cell": (lambda n: n["cells"].append(5), "cell 3 is none"),
    "kind": (set_cell(cell_type="heading"), "cell 1 is none"),
    "key": (set_cell(level=1), "cell 1 is none"),
    "id": (set_cell(id="a b"), "wrong id"),
    "id type": (set_cell(id=None), "wrong id"),
    "source": (set_cell(source=[1]), "source"),
    "cell metadata": (set_cell(metadata=[]), "metadata"),
    "count": (set_cell(execution_count="1"), "execution_count"),
    "outputs": (set_cell(outputs={}), "outputs"),
    "output": (set_cell(outputs=[1]), "outputs"),
    "output kind": (set_cell(outputs=[{"output_type": "x"}]), "outputs"),
    "stream": (set_cell(outputs=[{"output_type": "stream", "name": 1, "text": ""}]), "outputs"),
    "error": (set_cell(outputs=[{"output_type": "error", "ename": "", "evalue": "", "traceback": "x"}]), "outputs"),
    "data": (set_cell(outputs=[{"output_type": "display_data", "data": {"a/b": 1}, "metadata": {}}]), "outputs"),
    "no data": (set_cell(outputs=[{"output_type": "display_data", "data": 1, "metadata": {}}]), "outputs"),
    "nan": (set_cell(metadata={"a": float("nan")}), "written again"),
    "half a sign": (set_cell(source="\ud800"), "written again"),
}


@pytest.mark.parametrize(("change", "message"), SPOILED.values(), ids=SPOILED)
def test_a_damaged_notebook_is_named_with_its_place(change, message):
    """Never an empty one in its stead: the next change would write over what could have been mended."""
    with pytest.raises(NotebookError, match=message) as told:
        from_json(spoil(change), "a.ipynb")
    assert told.value.where == "a.ipynb"
    assert told.value.hint


def test_text_that_is_no_json_is_refused():
    for text in ("", "{", "[" * 100_000):
        with pytest.raises(NotebookError, match="this is no notebook"):
            from_json(text)


def test_a_notebook_that_jupyter_has_saved_is_read():
    """It adds metadata of its own, and cells of other kinds."""
    notebook = json.loads(to_json(made()))
    notebook["metadata"]["widgets"] = {"x": 1}
    notebook["cells"][1]["metadata"]["collapsed"] = True
    raw = {"cell_type": "raw", "id": "r", "metadata": {}, "source": "x", "attachments": {}}
    notebook["cells"].append(raw)
    assert from_data(notebook)["cells"][-1] == raw


@settings(max_examples=150)
@given(st.data())
def test_any_damage_is_an_error_or_a_valid_notebook(data):
    """Whatever stands in one place of it."""
    notebook = json.loads(to_json(made([{"msg_type": "stream", "content": {"text": "x"}}])))
    place = data.draw(
        st.sampled_from([notebook, *notebook["cells"], notebook["metadata"], notebook["metadata"]["lllm"]])
    )
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(any_json)
    try:
        read = from_data(notebook)
    except NotebookError:
        return
    check_notebook(json.loads(to_json(read)))
    check_notebook(json.loads(to_json(insert_cell(read, 1, "code", "x"))))
