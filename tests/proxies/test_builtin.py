"""The nine built-in proxies, each endpoint called for real on a server that speaks as the service documents it."""

import json
from urllib.parse import parse_qsl, urlsplit

import builtin_services as services
import pytest
from builtin_days import FUTURE_DAY, PAST_DAY, stamp

from lllm.errors import CallRefused, ProxyError
from lllm.proxies import BUILTIN_PROXY_MODULES, Proxy
from lllm.proxies.load import load_builtin
from lllm.proxies.params import read_params, to_examples

ENDPOINTS = {
    f"{module}/{key}": endpoint
    for module in BUILTIN_PROXY_MODULES
    for key, endpoint in load_builtin(module).endpoints().items()
}
CUTOFF = "2024-06-01"
LAST_SECOND = 1717199999
"""2024-05-31T23:59:59Z."""

REFUSED = {
    *("exa/web/answer", "fmp/search/symbol", "fmp/company/profile", "fmp/prices/quote", "fmp/prices/daily"),
    *("fmp/statements/ratios", "fmp/analysts/estimates", "fmp/economy/indicator", "kb/series/list", "kb/series/info"),
    *("kb/events/list", "kb/markets/list", "kb/markets/info", "kb/markets/orderbook", "pm/search/all"),
    *("pm/events/list", "pm/events/info", "pm/markets/list", "pm/markets/info", "pm/prices/midpoint", "pm/prices/book"),
    *(path for path in ENDPOINTS if path.split("/")[0] in ("gkg", "msd", "wa")),
}
"""What nothing keeps the future out of: it shows the present, or numbers without the day of their publication."""

PAST = ("PAST", PAST_DAY, str(stamp(PAST_DAY)))
FUTURE = ("FUTURE", FUTURE_DAY, str(stamp(FUTURE_DAY)))
NO_DATES_SHOWN = {"fred/category/children", "gt/interest/by_region", "gt/related/queries", "gt/related/topics"}
"""Their answers have no day to look at: the bounds of the request are all that holds."""

SERVERS = {"honest": set(), "careless": services.BOUNDS, "half_careless": services.BOUNDS - services.REAL_TIMES}
STARTS = ("from", "start_ts", "min_ts", "min_created_ts", "startTs", "startPublishedDate", "realtime_start")
AS_OF = {"realtime_start": "2024-05-31", "realtime_end": "2024-05-31"}
UNTIL = {"realtime_end": "2024-05-31"}
PUBLISHED = {"startPublishedDate": "2024-01-01", "endPublishedDate": "2024-05-31"}
WINDOW = {"from": "2024-01-01", "to": "2024-05-31"}
CANDLES = {"start_ts": "1714521600", "end_ts": str(LAST_SECOND)}
BOUNDS = {
    "fred/series/observations": {**AS_OF, "observation_end": "2024-05-31"},
    **dict.fromkeys(("fred/series/info", "fred/series/search", "fred/series/release"), AS_OF),
    **dict.fromkeys(("fred/category/children", "fred/category/series", "fred/releases/list"), AS_OF),
    "fred/releases/series": AS_OF,
    **dict.fromkeys(("fred/series/vintages", "fred/releases/dates"), UNTIL),
    **dict.fromkeys(("exa/web/search", "exa/web/similar"), PUBLISHED),
    **dict.fromkeys(("fmp/prices/paid", "fmp/news/stock", "fmp/news/press"), WINDOW),
    **dict.fromkeys(("fmp/filings/sec", "fmp/economy/treasury"), WINDOW),
    **dict.fromkeys(("kb/events/candlesticks", "kb/markets/candlesticks", "kb/historical/candlesticks"), CANDLES),
    "kb/markets/questions": {"max_created_ts": str(LAST_SECOND)},
    "kb/markets/trades": {"max_ts": str(LAST_SECOND)},
    **{path: {"time": "2023-01-01 2024-05-31", "tz": "0"} for path in ENDPOINTS if path.startswith("gt/")},
    "pm/prices/history": {"startTs": "1714521600", "endTs": str(LAST_SECOND)},
}
"""What is asked for under the cutoff, where a service can be asked for less."""


@pytest.fixture(scope="module")
def running():
    """Run all nine services."""
    server = services.Server()
    yield server
    server.close()


@pytest.fixture
def server(running, monkeypatch):
    """Return the running server as new, with a key for each service in the environment."""
    running.got.clear()
    running.ignored, running.fault_status = frozenset(), None
    for module, key in services.KEYS.items():
        if name := load_builtin(module).api_key_env:
            monkeypatch.setenv(name, key)
    return running


def build_proxy(server, path, **options):
    module = path.partition("/")[0]
    return Proxy([module], origins={module: server.origin}, cache=False, **options)


def call_example(proxy, path):
    return proxy(path, to_examples(read_params(ENDPOINTS[path])))


def read_asked(got):
    """Return what a request asked for, in the query and in the body."""
    query = dict(parse_qsl(urlsplit(got.target).query))
    return {**query, **json.loads(got.body or "{}")}


def show_example(proxy, path, *, may_be_refused=False):
    """Return what is shown of an answer, as text; nothing where all of it is refused."""
    try:
        return json.dumps(call_example(proxy, path))
    except ProxyError:
        if not may_be_refused:
            raise
        return ""  # dates that cannot be parted are shown all or not at all


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_asks_as_its_service_documents(server, path):
    """A wrong address, a missing or misspelt parameter, or one in the wrong place would be answered with a fault."""
    answer = call_example(build_proxy(server, path), path)
    assert len(server.got) == 1
    parts = urlsplit(server.got[0].target).path.split("/")
    params = read_params(ENDPOINTS[path]).values()
    assert {str(param.example) for param in params if param.place == "path"} <= set(parts)
    assert type(answer) is type(ENDPOINTS[path].response)
    if isinstance(answer, dict):
        assert set(answer) & set(ENDPOINTS[path].response)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_key_is_in_its_place_and_nowhere_else(server, path):
    """A key in an address ends in a proxy's log; one in an answer would reach a model."""
    module = path.partition("/")[0]
    key, service = services.KEYS[module], services.SERVICES[module]
    answer = call_example(build_proxy(server, path), path)
    got = server.got[0]
    places = {"query": key in got.target, "body": key in got.body}
    places |= {name: key in value for name, value in got.headers.items()}
    expected = {"query api_key": "query", "query appid": "query", "bearer": "authorization"}.get(
        service.key, service.key.removeprefix("header ")
    )
    assert [name for name, held in places.items() if held] == ([expected] if service.key else [])
    assert key not in json.dumps(answer)


@pytest.mark.parametrize("path", sorted(REFUSED))
def test_a_cutoff_refuses_what_shows_the_present(server, path):
    """A quote or a result under a cutoff would give the answer away, so nothing is even asked."""
    proxy = build_proxy(server, path, cutoff_date=CUTOFF)
    with pytest.raises(CallRefused, match="cut off"):
        call_example(proxy, path)
    assert server.got == []
    assert path not in proxy.available()


@pytest.mark.parametrize("ignored", SERVERS.values(), ids=SERVERS)
@pytest.mark.parametrize("path", sorted(set(ENDPOINTS) - REFUSED))
def test_a_cutoff_shows_the_past_and_nothing_of_the_future(server, path, ignored):
    """Also from a service that does not keep to what it was asked, what is dated later must not be seen."""
    if path in NO_DATES_SHOWN and ignored & set(BOUNDS[path]):
        pytest.skip("its answer has no date: the bounds of the request are all that holds")
    server.ignored = ignored
    shown = show_example(build_proxy(server, path, cutoff_date=CUTOFF), path, may_be_refused=bool(ignored))
    assert not [word for word in FUTURE if word in shown]
    if not ignored:
        assert any(word in shown for word in PAST)


@pytest.mark.parametrize("path", sorted(set(ENDPOINTS) - REFUSED))
def test_without_a_cutoff_the_whole_answer_is_shown(server, path):
    """The server has news of the future for each of them: else the test above would prove nothing."""
    if path == "pm/markets/question":
        pytest.skip("it shows what was fixed at a market's start, cutoff or not")
    shown = show_example(build_proxy(server, path), path)
    assert any(word in shown for word in FUTURE)


@pytest.mark.parametrize("path", sorted(BOUNDS))
def test_a_cutoff_bounds_the_request(server, path):
    """A page that is full of later items, dropped on arrival, would look like an empty past."""
    call_example(build_proxy(server, path, cutoff_date=CUTOFF), path)
    asked = read_asked(server.got[0])
    assert {name: asked.get(name) for name in BOUNDS[path]} == BOUNDS[path]


@pytest.mark.parametrize("path", sorted(BOUNDS))
def test_what_begins_behind_the_cutoff_is_refused(server, path):
    """Nothing can be in a window of the future: who asks for it should learn why, and not read an empty list."""
    params = read_params(ENDPOINTS[path])
    proxy = build_proxy(server, path, cutoff_date=CUTOFF)
    for name in set(STARTS) & set(params):
        start = CUTOFF if params[name].kind == "date" else LAST_SECOND + 1
        with pytest.raises(CallRefused, match=f"'{name}' is not a date before the cutoff"):
            proxy(path, {**to_examples(params), name: start})
    assert server.got == []


def test_every_bound_of_a_request_is_looked_at():
    """A new bound without a line above would go unseen."""
    assert {path for path, endpoint in ENDPOINTS.items() if endpoint.cutoff_params} == set(BOUNDS)


@pytest.mark.parametrize("module", sorted(set(BUILTIN_PROXY_MODULES) - {"kb", "pm"}))
def test_a_wrong_key_is_said_in_the_words_of_the_service(server, module, monkeypatch):
    """Who reads it must learn that the key is wrong, and must not read the key."""
    monkeypatch.setenv(load_builtin(module).api_key_env, "another-key-77aa")
    for path in (path for path in ENDPOINTS if path.startswith(f"{module}/")):
        with pytest.raises(ProxyError) as caught:
            call_example(build_proxy(server, path), path)
        told = str(caught.value)
        why = "not registered" if module == "fred" else services.BAD_KEY
        assert why in told
        assert "another-key-77aa" not in told
        assert not caught.value.retryable


@pytest.mark.parametrize("path", ["fmp/prices/quote", "gt/interest/over_time", "wa/query/full"])
def test_a_fault_in_an_answer_of_status_200_is_a_fault(server, path, monkeypatch):
    """Taken for data, it would be computed with."""
    monkeypatch.setenv(load_builtin(path.partition("/")[0]).api_key_env, "another-key-77aa")
    server.fault_status = 200
    with pytest.raises(ProxyError, match=services.BAD_KEY):
        call_example(build_proxy(server, path), path)


@pytest.mark.parametrize("path", ["kb/markets/trades", "pm/trades/list"])
def test_a_fault_of_a_service_without_keys_is_said_in_its_words(server, path, monkeypatch):
    """An error's text is what a model can mend its call by."""
    name, route = services.find_route("GET", {"kb": "/trade-api/v2/markets/trades", "pm": "/trades"}[path[:2]])
    address = next(key for key, value in services.SERVICES[name].routes.items() if value is route)
    monkeypatch.setitem(services.SERVICES[name].routes, address, route._replace(required="wallet"))
    with pytest.raises(ProxyError, match=r"HTTP 400: .*missing: \['wallet'\]"):
        call_example(build_proxy(server, path), path)


def test_fred_shows_the_value_that_was_known_then(server):
    """One date has two values, the first and its revision: the date alone lets the later one through."""
    path, asked = "fred/series/observations", {"series_id": "GDP", "observation_end": "2024-01-01"}
    today = build_proxy(server, path)(path, asked)["observations"]
    then = build_proxy(server, path, cutoff_date=CUTOFF)(path, asked)["observations"]
    assert [(value["date"], value["value"]) for value in today] == [("2024-01-01", "FUTURE")]
    assert [(value["date"], value["value"]) for value in then] == [("2024-01-01", "PAST")]


def test_fred_refuses_a_real_time_behind_the_cutoff(server):
    """To ask for a later vintage by hand is to ask for the future."""
    proxy = build_proxy(server, "fred/x", cutoff_date=CUTOFF)
    with pytest.raises(CallRefused, match="realtime_end"):
        proxy("fred/series/observations", {"series_id": "GDP", "realtime_end": "2024-06-01"})
    assert server.got == []


def test_a_peak_to_come_does_not_show_in_the_past(server):
    """Values are shares of the highest one: half of it today, when the peak was not yet known it was all."""
    path, asked = "gt/interest/over_time", {"q": "a", "time": "2023-01-01 2024-12-31"}
    values = [
        [point["values"][0]["extracted_value"] for point in answer["interest_over_time"]["timeline_data"]]
        for answer in (
            build_proxy(server, path)(path, asked),
            build_proxy(server, path, cutoff_date=CUTOFF)(path, asked),
        )
    ]
    assert values == [[50, 100], [100]]


@pytest.mark.parametrize("time", [None, "today 12-m", "all", "2024-06-01 2024-07-01", "2024-01-01"])
def test_a_time_that_ends_today_is_refused_under_a_cutoff(server, time):
    """Only two dates say where a window lies."""
    with pytest.raises(CallRefused, match="time"):
        build_proxy(server, "gt/x", cutoff_date=CUTOFF)("gt/interest/over_time", {"q": "a", "time": time})
    assert server.got == []


def test_a_statement_is_known_from_its_filing_not_from_its_quarter(server):
    """The quarter ended in March, it was filed in May: in April nobody knew it."""
    path = "fmp/statements/income"
    seen = [build_proxy(server, path, cutoff_date=day)(path, {"symbol": "A"}) for day in ("2024-05-01", "2024-05-02")]
    assert [[item["symbol"] for item in items] for items in seen] == [[], ["PAST"]]


def test_a_question_shows_neither_price_nor_result_nor_what_is_new(server):
    """It is open under a cutoff because only what is known to be fixed is kept of it."""
    proxy = build_proxy(server, "kb/x", cutoff_date=CUTOFF)
    (market,) = proxy("kb/markets/questions")["markets"]
    assert set(market) == {"ticker", "event_ticker", "title", "created_time", "rules_primary"}
    question = build_proxy(server, "pm/x", cutoff_date=CUTOFF)("pm/markets/question", {"slug": "s"})
    assert set(question) == {"id", "question", "slug", "conditionId", "outcomes", "clobTokenIds", "createdAt"}


def test_a_question_that_was_asked_later_is_not_shown(server):
    """That a market exists says that somebody saw a reason to ask."""
    with pytest.raises(ProxyError, match="createdAt"):
        build_proxy(server, "pm/x", cutoff_date=PAST_DAY)("pm/markets/question", {"slug": "s"})


def test_wolfram_sends_no_pictures(server):
    """A model cannot read them, and each costs a place in its context."""
    (pod,) = build_proxy(server, "wa/x")("wa/query/full", {"input": "a"})["queryresult"]["pods"]
    assert [set(subpod) for subpod in pod["subpods"]] == [{"title", "plaintext"}]


def test_a_page_without_a_date_is_not_shown_under_a_cutoff(server):
    """Exa does not know the day of every page: one that may be of tomorrow counts as such."""
    path = "exa/web/search"
    titles = [
        [page["title"] for page in build_proxy(server, path, **options)(path, {"query": "a"})["results"]]
        for options in ({}, {"cutoff_date": CUTOFF})
    ]
    assert titles == [["FUTURE", "PAST", "FUTURE of no known day"], ["PAST"]]


@pytest.mark.parametrize("module", BUILTIN_PROXY_MODULES)
def test_a_module_declares_what_can_be_called(module):
    """The check that users have for their own proxies finds nothing in ours."""
    told = Proxy([module]).auto_test()
    assert {path: found["issues"] for path, found in told.items() if found["status"] != "ok"} == {}


@pytest.mark.parametrize("module", BUILTIN_PROXY_MODULES)
def test_a_module_calls_the_hosts_of_its_service_over_https(module):
    """Other tests put a server of our own in their place, and a wrong host would be sent a key."""
    cls = load_builtin(module)
    urls = [urlsplit(endpoint.base_url or cls.base_url) for endpoint in cls.endpoints().values()]
    assert {url.hostname for url in urls} == services.HOSTS[module]
    assert {url.scheme for url in urls} == {"https"}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_endpoint_reads_and_is_safe_to_repeat(path):
    """No order, no upload: an analyst's services change nothing."""
    endpoint = ENDPOINTS[path]
    assert endpoint.is_repeatable
    assert endpoint.method in ("GET", "POST")
    assert 10 <= len(endpoint.description) <= 80
