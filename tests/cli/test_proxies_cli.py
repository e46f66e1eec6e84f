"""``lllm proxies``: what there is, what it takes, and one call from the command line."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

MODULE = """\
from lllm import BaseProxy, ProxyRegistrator

@ProxyRegistrator(path="shop", name="Shop", description="What is sold.")
class Shop(BaseProxy):
    base_url = {url!r}
    api_key_env = "SHOP_KEY"
    api_key_name = "key"

    @BaseProxy.endpoint(
        category="items", endpoint="list", description="Items.",
        params={{"q*": (str, "tea"), "limit": (int, 2), "tags": (list, ["a"])}},
    )
    def items(self): ...

    @BaseProxy.endpoint(category="items", endpoint="plain", description="Text.", answer="text", timeless=True)
    def plain(self): ...
"""
KEY = "the-key-of-the-shop"


@pytest.fixture
def shop(project, tmp_path, monkeypatch):
    """A project with a proxy of a shop on loopback; returns what the shop was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self):
            asked.append(self.path)
            body = b"plain \x1b[31m" if "plain" in self.path else json.dumps({"path": self.path}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    (project / "proxies").mkdir(exist_ok=True)
    (project / "proxies/shop.py").write_text(MODULE.format(url=f"http://127.0.0.1:{httpd.server_port}"))
    monkeypatch.setenv("SHOP_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    toml = project / "lllm.toml"
    if "[proxies]" not in toml.read_text():
        toml.write_text(toml.read_text() + '\n[proxies]\nfolders = ["proxies"]\n')
    yield asked
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_the_projects_proxies_are_listed_with_those_of_lllm(shop, lllm, lllm_json):
    """Keys by name and never by value."""
    code, rows = lllm_json("proxies", "list")
    told = {row["proxy"]: row for row in rows}
    assert (code, list(told)) == (0, sorted(told))
    assert {"shop", "fred", "wa"} <= set(told)
    assert told["shop"]["key"] == "$SHOP_KEY set"
    assert told["shop"]["endpoints"] == 2
    assert told["shop"]["origin"].endswith("proxies/shop.py:4:1")
    result = lllm("proxies", "list")
    assert "Shop - What is sold." in result.stdout
    assert KEY not in result.output


def test_without_a_project_there_are_those_of_lllm(tmp_path, monkeypatch, lllm_json):
    """A first look needs no folder."""
    monkeypatch.chdir(tmp_path)
    code, rows = lllm_json("proxies", "list")
    assert (code, rows[0]["proxy"]) == (0, "exa")


def test_a_proxy_and_an_endpoint_are_shown(shop, lllm, lllm_json):
    """As a prompt would be told; as data with --json."""
    assert lllm("proxies", "show", "shop").stdout.splitlines() == [
        "shop: Shop - What is sold. (2 endpoints)",
        "- shop/items/list(q*, limit, tags): Items.",
        "- shop/items/plain(): Text.",
    ]
    assert "- q: str, required, for example 'tea'" in lllm("proxies", "show", "shop/items/list").stdout
    code, told = lllm_json("proxies", "show", "shop/items/plain")
    assert (code, told) == (0, {"shop/items/plain": {"description": "Text.", "method": "GET", "params": {}}})
    assert list(lllm_json("proxies", "show", "shop", "--cutoff", "2024-01-01")[1]) == ["shop/items/plain"]


@pytest.mark.parametrize(
    ("args", "message", "hint"),
    [
        (["show", "shp"], "there is no proxy 'shp'", "did you mean 'shop'?"),
        (["call", "zzz/a/b"], "there is no proxy 'zzz/a/b'", "there are: exa, "),
        (["show", "shop/items/lst"], "proxy 'shop' has no endpoint 'items/lst'", "did you mean 'shop/items/list'?"),
        (["call", "shop/items/lst"], "proxy 'shop' has no endpoint 'items/lst'", "did you mean"),
        (
            ["call", "shop"],
            "'shop' is a proxy, and no endpoint of it",
            "its endpoints: shop/items/list, shop/items/plain",
        ),
        (["call", "shop/zzzzzzzz"], "proxy 'shop' has no endpoint 'zzzzzzzz'", "lllm proxies show shop"),
        (["test", "shop/items/lst"], "proxy 'shop' has no endpoint 'items/lst'", "did you mean"),
        (
            ["show", "shop/items/list", "--cutoff", "2024-01-01"],
            "proxy 'shop' has no endpoint 'items/list' that may be called before 2024-01-01",
            "",
        ),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(shop, lllm_json, args, message, hint):
    """Exit code 4, as for everything that is not there."""
    code, told = lllm_json("proxies", *args)
    assert (code, told["error"]["message"]) == (4, message)
    assert told["error"]["hint"].startswith(hint)
    assert shop == []


def test_a_call_takes_its_parameters_from_the_command_line(shop, lllm, lllm_json):
    """A number becomes one where one is declared; --param wins over --params; the key is not shown."""
    args = ["proxies", "call", "shop/items/list", "--params", '{"q": "x", "limit": 1}', "--param", "q=a=b"]
    code, told = lllm_json(*args, "--param", "limit=7", "--param", "tags=a,b")
    assert (code, told["path"]) == (0, "/list?q=a%3Db&limit=7&tags=a%2Cb&key=[redacted]")
    code, told = lllm_json("proxies", "call", "shop/items/list", "--param", "q=1", "--param", 'tags=["a,b"]')
    assert told["path"] == "/list?q=1&tags=a%2Cb&key=[redacted]"
    code, told = lllm_json(*args, *[text for tag in ("c", "d,e", '["f"]', "7") for text in ("--param", f"tags={tag}")])
    assert told["path"] == "/list?q=a%3Db&limit=1&tags=c%2Cd%2Ce%2Cf%2C7&key=[redacted]"
    assert len(shop) == 3
    assert json.loads(lllm(*args).stdout)["path"].startswith("/list?q=a%3Db&limit=1")


def test_an_answer_is_kept_unless_a_fresh_one_is_asked_for(shop, lllm_json):
    """For a look at the same thing, twice."""
    for extra in ([], [], ["--fresh"]):
        assert lllm_json("proxies", "call", "shop/items/list", "--param", "q=x", *extra)[0] == 0
    assert len(shop) == 2


def test_text_is_written_as_it_is_into_a_pipe(shop, lllm, lllm_json):
    """And as JSON where that is asked for."""
    assert lllm("proxies", "call", "shop/items/plain", "--fresh").stdout == "plain \x1b[31m\n"
    assert lllm_json("proxies", "call", "shop/items/plain") == (0, "plain \x1b[31m")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "parameter 'q' is missing"),
        (["--param", "q"], "--param 'q' is not NAME=VALUE"),
        (["--param", "q=x", "--param", "q=y"], "--param q is given twice, and takes one value"),
        (["--param", "zz=x", "--param", "zz=y"], "--param zz is given twice, and takes one value"),
        (["--params", "{"], "--params is no JSON"),
        (["--params", "[]"], "--params is no JSON object"),
        (["--param", "q=x", "--param", "limit=two"], "parameter 'limit' must be a whole number, got str 'two'"),
        (["--param", "q=x", "--param", "limt=2"], "there is no parameter 'limt'"),
        (["--param", "q=x", "--cutoff", "2024-01-01"], "it cannot be cut off"),
        (["--param", "q=x", "--cutoff", "soon"], "'soon' is no date"),
    ],
)
def test_a_call_that_is_refused_is_a_fault_of_usage(shop, lllm_json, args, message):
    """Exit code 2, and nothing was sent."""
    code, told = lllm_json("proxies", "call", "shop/items/list", *args)
    assert code == 2
    assert message in told["error"]["message"]
    assert shop == []


def test_a_test_checks_declarations_and_live_calls(shop, lllm, lllm_json, monkeypatch):
    """Of one proxy, of one endpoint, of all; a fault is exit code 1."""
    assert lllm_json("proxies", "test", "shop/items/list")[1] == {"shop/items/list": {"status": "ok", "issues": []}}
    assert shop == []
    assert lllm_json("proxies", "test", "shop/items/plain", "--live")[0] == 0
    assert len(shop) == 1
    result = lllm("proxies", "test", "shop", "--live")
    assert (result.exit_code, len(shop)) == (0, 3)
    assert result.stdout.splitlines()[0] == "ok      shop/items/list"
    assert "2 endpoints, 0 failed, 0 skipped" in result.stderr
    monkeypatch.delenv("SHOP_KEY")
    assert "1 endpoint, 0 failed, 1 skipped" in lllm("proxies", "test", "shop/items/list", "--live").stderr
    assert len(shop) == 3
    assert lllm_json("proxies", "test")[0] == 0


def test_a_faulty_declaration_fails_the_test(shop, lllm, lllm_json, project):
    """So that a pipeline can ask."""
    module = project / "proxies/shop.py"
    module.write_text(module.read_text().replace("(int, 2)", '(int, "2")'))
    result = lllm("proxies", "test", "shop")
    assert result.exit_code == 1
    assert "failed  shop/items/list  parameter 'limit' must be a whole number" in result.stdout
    assert lllm_json("proxies", "test", "shop")[0] == 1


def test_a_file_that_cannot_be_loaded_is_told_of(shop, lllm, project):
    """The others are listed all the same."""
    (project / "proxies/bad.py").write_text("1 / 0\n")
    result = lllm("proxies", "list")
    assert result.exit_code == 0
    assert "not loaded: " in result.stderr
    assert "shop" in result.stdout
