"""Prompts, agents, config, machine, doctor."""

from starter_values import TASK

from lllm.cli.lint import lint_prompt
from lllm.machine.draw import render_mermaid, rows
from lllm.models import Function, Prompt


def messages(prompt):
    return {(found.level, found.message.split(":")[0]) for found in lint_prompt("p", prompt, "")}


def test_the_starters_prompts_are_clean(project, lllm_json):
    code, told = lllm_json("prompts", "lint")
    assert (code, told["prompts"], told["errors"], told["warnings"]) == (0, 1, 0, 0)


def test_lint_finds_a_function_that_cannot_run():
    """It is found before a model has been paid to call it."""
    found = list(lint_prompt("p", Prompt(path="p", prompt="x", functions_list=(Function("f"),)), ""))
    assert [(f.level, "no callable" in f.message) for f in found] == [("error", True), ("warning", False)]


def test_lint_finds_required_tags_that_the_text_does_not_mention():
    warned = Prompt(path="p", prompt="answer", required_xml_tags=("cost",), required_md_tags=("json",))
    assert [f.level for f in lint_prompt("p", warned, "")] == ["warning", "warning"]
    clean = Prompt(path="p", prompt="use <cost> and ```json", required_xml_tags=("cost",), required_md_tags=("json",))
    assert list(lint_prompt("p", clean, "")) == []


def test_lint_finds_fields_of_the_other_template_language():
    """Either mistake renders, and sends a model the bare name."""
    assert len(list(lint_prompt("p", Prompt(path="p", prompt="hi {{name}}"), ""))) == 1
    assert len(list(lint_prompt("p", Prompt(path="p", prompt="hi {name} {{ name }}", engine="jinja"), ""))) == 0
    assert len(list(lint_prompt("p", Prompt(path="p", prompt="hi {name}", engine="jinja"), ""))) == 1


def test_lint_tells_of_files_that_do_not_load(project, lllm, lllm_json):
    (project / "prompts/broken.py").write_text("x = 1\nraise ValueError('boom')\n")
    code, told = lllm_json("prompts", "lint")
    assert code == 1
    assert told["findings"][0]["where"].endswith("prompts/broken.py:2:1")
    assert lllm("prompts", "lint", "trip/planner").exit_code == 0


def test_a_key_that_is_not_there_is_told_with_the_nearest(project, lllm):
    result = lllm("prompts", "show", "trip/planer")
    assert result.exit_code == 4
    assert "trip/planner" in result.stderr


def test_prompts_are_listed_and_shown(project, lllm, lllm_json):
    assert lllm_json("prompts", "list")[1][0]["key"] == "trip/planner"
    assert "trip/planner" in lllm("prompts", "list").stdout
    assert lllm_json("prompts", "show", "trip/planner")[1]["functions"][0]["name"] == "fuel_cost"
    assert "You compute what trips cost" in lllm("prompts", "show", "trip/planner").stdout


def test_agents_are_listed_with_their_origin(project, lllm, lllm_json):
    _, told = lllm_json("agents", "list")
    assert [(t["agent_type"], t["agent_group"]) for t in told["agent_types"] if t["agent_type"] == "trip"] == [
        ("trip", ["planner"])
    ]
    assert told["agents"] == [{"name": "planner", "provider": "mock", "model": "mock", "prompt": "trip/planner"}]
    assert "agents/trip.py" in lllm("agents", "list").stdout


def test_a_config_is_shown_with_the_origin_of_each_value(project, lllm):
    shown = lllm("config", "show", "--origin", "-c", "config/openai.yaml").stdout
    assert 'provider = "openai"' in shown
    assert "openai.yaml:3:" in shown
    assert "common.yaml:" in shown


def test_the_starters_configs_are_sound(project, lllm):
    for name in ("default", "openai", "local"):
        result = lllm("config", "check", "-c", f"config/{name}.yaml")
        assert result.exit_code == 0, result.stdout


def test_check_tells_every_fault_at_once(project, lllm_json):
    """Who mends a config wants the whole list, not one fault a try."""
    config = project / "config/default.yaml"
    config.write_text(config.read_text().replace("provider: ${LLLM_PROVIDER:-nano}", "provider: mok"))
    common = project / "config/common.yaml"
    text = common.read_text().replace("trip/planner", "trip/planer")
    common.write_text(text.replace("agent_type: trip", "agent_type: trap"))
    (project / "agents/broken.py").write_text("import nothing_like_this\n")
    code, told = lllm_json("config", "check")
    assert code == 2
    places = [fault["where"].rsplit("/", 1)[-1] for fault in told["faults"]]
    assert places == ["broken.py:1:1", "common.yaml:3:13", "common.yaml:9:25", "default.yaml:4:11"]


def test_check_tells_every_fault_of_the_yaml(project, lllm_json):
    code, told = lllm_json("config", "check", "--set", "max_llm_recall=-1", "--set", "log_type=fax")
    assert code == 2
    assert "2 faults" in told["faults"][0]["message"]


def test_the_machine_shown_is_the_one_that_runs(lllm, lllm_json):
    assert [tuple(row.values()) for row in lllm_json("machine")[1]["rows"]] == [tuple(row) for row in rows()]
    assert lllm("machine", "--mermaid").stdout == render_mermaid() + "\n"
    assert "AWAIT_FUNCTIONS" in lllm("machine").stdout


def test_doctor_is_content_with_the_starter(project, lllm, lllm_json):
    code, told = lllm_json("doctor")
    assert (code, told["ok"]) == (0, True), [c for c in told["checks"] if c["status"] == "broken"]
    assert lllm("doctor").exit_code == 0


def test_doctor_finds_a_missing_key_and_a_broken_file(project, lllm_json, monkeypatch):
    (project / "prompts/broken.py").write_text("1 +\n")
    config = project / "config/default.yaml"
    config.write_text(config.read_text().split("provider: ${LLLM_PROVIDER:-nano}")[0] + "provider: openai\n")
    code, told = lllm_json("doctor")
    broken = {check["name"] for check in told["checks"] if check["status"] == "broken"}
    assert code == 1
    assert {"file", "key of openai"} <= broken


def test_doctor_never_shows_a_key(project, lllm, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    result = lllm("doctor", "--json")
    assert "sk-very-secret" not in result.stdout
    assert "$OPENAI_API_KEY is set" in result.stdout


def test_doctor_works_outside_of_any_project(tmp_path, monkeypatch, lllm_json):
    monkeypatch.chdir(tmp_path)
    assert lllm_json("doctor")[0] == 0


def test_a_chat_answers_and_can_be_replayed(project, lllm, lllm_json):
    """What the user typed is in the log, so that a chat is a run like any other."""
    result = lllm("chat", stdin=f"{TASK}\n/undo\n100 km\n/fork\n10 km\n/back\n/exit\n")
    assert (result.exit_code, result.stdout.split()) == (
        0,
        ["<cost>49.14</cost>", "<cost>11.70</cost>", "<cost>1.17</cost>"],
    )
    code, told = lllm_json("replay")
    assert (code, told["status"], told["result"]) == (0, "same", 3)


def test_a_chat_ends_with_its_input_and_closes_its_session(project, lllm, lllm_json):
    code, told = lllm_json("chat", "planner", stdin="420 km")
    assert (code, told["turns"]) == (0, [{"user": "420 km", "reply": "<cost>49.14</cost>"}])
    assert lllm_json("log", "list")[1][0]["status"] == "ok"


def test_a_chat_goes_on_after_an_error(project, lllm, lllm_json):
    """One bad turn may not cost the conversation; the turn leaves no trace in the dialog."""
    config = project / "config/default.yaml"
    config.write_text(
        config.read_text().replace("  rules:\n", "  rules:\n    - when: bad\n      reply: {error: BadRequest}\n")
    )
    result = lllm("chat", stdin="bad\n420 km\n")
    assert (result.exit_code, result.stdout) == (0, "<cost>49.14</cost>\n")
    assert "error: " in result.stderr
    assert lllm("replay").exit_code == 0
    assert [(dialog["parent"], dialog["at"]) for dialog in lllm_json("log", "show")[1]["dialogs"]] == [
        ("", 0),
        ("1", 1),
    ]


def test_a_chat_with_an_agent_that_is_not_configured_is_not_found(project, lllm):
    assert lllm("chat", "nobody").exit_code == 4
