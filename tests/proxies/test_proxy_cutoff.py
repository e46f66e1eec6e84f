"""A cutoff date: what may be asked for, and what of an answer may be seen. It fails closed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from loopback import declare, proxy_of

from lllm.errors import CallRefused, ConfigError, ProxyError
from lllm.proxies import Endpoint
from lllm.proxies.cutoff import cut_answer, cut_params, remove_keys
from lllm.proxies.dates import is_before, is_format, parse_cutoff, parse_moment, render_last
from lllm.proxies.params import read_params

CUTOFF = date(2024, 3, 1)
DAY = "%Y-%m-%d"


def endpoint(**more):
    return Endpoint(category="c", endpoint="e", **more)


SEEN = [
    (DAY, "2024-02-29"),
    (DAY, " 2024-02-29 "),
    ("iso", "2024-02-29"),
    ("iso", "2024-02-29T23:59:59Z"),
    ("iso", "2024-03-01T01:00:00+02:00"),
    ("iso", "2024-02-29 23:59:59.999"),
    ("unix", 1709251199),
    ("unix", "1709251199"),
    ("unix_ms", 1709251199999),
    ("%Y-%m", "2024-02"),
    ("%Y", 2023),
    ("%b %d, %Y", "Feb 29, 2024"),
    ("%d/%m/%Y %H:%M", "29/02/2024 23:59"),
    (f"{DAY}|iso", "2024-02-29T00:00:00"),
]
UNSEEN = [
    (DAY, "2024-03-01"),
    (DAY, "2024-02-30"),
    (DAY, "2024-02-29T00:00:00"),
    (DAY, ""),
    (DAY, None),
    (DAY, True),
    (DAY, ["2024-01-01"]),
    ("iso", "2024-03-01"),
    ("iso", "2024-02-29T23:30:00-05:00"),
    ("iso", "yesterday"),
    ("iso", "2024-W09"),
    ("unix", 1709251200),
    ("unix", "soon"),
    ("unix", True),
    ("unix", 1e300),
    ("unix", float("nan")),
    ("unix_ms", 1709251199),
    ("%Y-%m", "2024-03"),
    ("%Y", 2024),
    ("%Y", "2024"),
    ("%d/%m/%Y|%m/%d/%Y", "02/03/2024"),
    ("%m-%d", "01-01"),
]


@pytest.mark.parametrize(("kind", "value"), SEEN)
def test_what_is_dated_before_the_day_is_seen(kind, value):
    """In whatever way a service writes it."""
    assert is_before(value, kind, CUTOFF)


@pytest.mark.parametrize(("kind", "value"), UNSEEN)
def test_what_is_not_or_may_not_be_is_unseen(kind, value):
    """The year 2024 is over later; seconds are no milliseconds; of two readings the later one counts."""
    assert not is_before(value, kind, CUTOFF)


FORMATS = [
    DAY,
    "%Y-%m",
    "%Y",
    "%Y%m%d",
    "iso",
    "unix",
    "unix_ms",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%z",
    "%d %b %Y",
]


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(FORMATS), st.booleans())
def test_the_last_date_that_is_written_is_before_and_nearly_the_cutoff(cutoff, kind, as_day):
    """What a request is moved to must be visible, and must not hide what is, too."""
    last = render_last(kind, cutoff, as_day=as_day)
    assert is_before(last, kind, cutoff)
    moment = parse_moment(last, kind)
    gap = cutoff - moment.date()
    assert gap.days <= {"%Y": 366, "%Y-%m": 31}.get(kind, 1)


def test_formats_are_told_from_nonsense():
    """A slip in a declaration must be found before a cutoff depends on it."""
    assert all(map(is_format, FORMATS))
    assert not any(map(is_format, ["", "YYYY-MM-DD", "%H:%M", "%m-%d", "%Q", "%Y|", "unix_us", "%Y %"]))
    with pytest.raises(ConfigError, match="'%H' is no date format"):
        render_last("%H", CUTOFF)


@pytest.mark.parametrize("text", ["2024-13-01", "today", "2024-1", 20240101, ""])
def test_a_cutoff_that_is_no_date_is_refused(text):
    """It must never be taken for none."""
    with pytest.raises(ConfigError, match="cutoff_date"):
        parse_cutoff(text)


def test_a_cutoff_may_be_a_date():
    """As code has it."""
    assert (
        parse_cutoff(datetime(2024, 3, 1, 12, tzinfo=UTC))
        == parse_cutoff(CUTOFF)
        == parse_cutoff("2024-03-01")
        == CUTOFF
    )
    assert parse_cutoff(None) is None


# Requests


def cut(roles, values, params=None):
    params = params or dict.fromkeys(roles, ("date", None))
    declared = endpoint(params=params, cutoff_params=roles)
    return cut_params(declared, read_params(declared), values, CUTOFF)


def test_an_upper_bound_is_moved_before_the_cutoff_or_put_there():
    """An absent one means today to the service."""
    roles = {"to": ("end", DAY)}
    assert cut(roles, {}) == {"to": "2024-02-29"}
    assert cut(roles, {"to": "2030-01-01"}) == {"to": "2024-02-29"}
    assert cut(roles, {"to": "2024-03-01"}) == {"to": "2024-02-29"}
    assert cut(roles, {"to": "2020-01-01"}) == {"to": "2020-01-01"}
    assert cut(roles, {"to": "not a day"}, {"to": (str, None)}) == {"to": "2024-02-29"}
    assert cut({"to": ("end", "unix")}, {}, {"to": (int, None)}) == {"to": 1709251199}
    assert cut({"to": ("end", "iso")}, {}) == {"to": "2024-02-29"}
    assert cut({"to": ("end", "iso")}, {}, {"to": (str, None)}) == {"to": "2024-02-29T23:59:59Z"}


def test_a_lower_bound_or_a_moment_behind_the_cutoff_is_refused():
    """To move it would answer another question."""
    assert cut({"since": ("start", DAY)}, {}) == {}
    assert cut({"on": ("at", DAY)}, {}) == {"on": "2024-02-29"}
    for role in ("start", "at"):
        assert cut({"x": (role, DAY)}, {"x": "2024-02-29"}) == {"x": "2024-02-29"}
        with pytest.raises(CallRefused, match="'x' is not a date before the cutoff, 2024-03-01") as caught:
            cut({"x": (role, DAY)}, {"x": "2024-03-01"})
        assert caught.value.hint == "the last one is 2024-02-29"


def test_a_range_in_one_text_is_both():
    """Its end is moved; what names no two days, such as "today 12-m", is refused."""
    roles, params = {"time": ("range", DAY)}, {"time": (str, None)}
    assert cut(roles, {"time": "2023-01-01 2023-12-31"}, params) == {"time": "2023-01-01 2023-12-31"}
    assert cut(roles, {"time": "2023-01-01 2025-12-31"}, params) == {"time": "2023-01-01 2024-02-29"}
    assert cut(roles, {"time": "2023-01-01 now"}, params) == {"time": "2023-01-01 2024-02-29"}
    for text in ("today 12-m", "2024-03-01 2024-03-02", "2023-01-01", "2023-01-01 ", "all", None):
        with pytest.raises(CallRefused, match="'time' does not begin before the cutoff"):
            cut(roles, {} if text is None else {"time": text}, params)


def test_an_endpoint_without_a_way_is_refused():
    """Nobody knows what it would show."""
    with pytest.raises(CallRefused, match="it cannot be cut off"):
        cut_params(endpoint(), {}, {}, CUTOFF)
    assert cut_params(endpoint(timeless=True), {}, {}, CUTOFF) == {}
    assert cut_params(endpoint(dt_cutoff=("a", DAY)), {}, {}, CUTOFF) == {}


# Answers

OLD, NEW = "2024-02-29", "2024-03-01"
ANSWERS = [
    ("d", [{"d": OLD}, {"d": NEW}, {}, {"d": None}, 7, OLD, {"d": "soon"}], [{"d": OLD}]),
    ("a/d", {"a": [{"d": OLD, "x": 1}, {"d": NEW}], "n": 2}, {"a": [{"d": OLD, "x": 1}], "n": 2}),
    ("a/b/d", {"a": [{"b": [{"d": NEW}]}, {"b": [{"d": OLD}]}]}, {"a": [{"b": []}, {"b": [{"d": OLD}]}]}),
    ("a/b/d", {"a": [{"b": {"d": NEW}}, {"b": {"d": OLD}}, {"c": 1}]}, {"a": [{"b": {"d": OLD}}]}),
    ("a/*", {"a": {OLD: 1, NEW: 2, "x": 3}}, {"a": {OLD: 1}}),
    ("a/*/d", {"a": {"k": {"d": OLD}, "l": {"d": NEW}, "m": 1}}, {"a": {"k": {"d": OLD}}}),
    ("*", {OLD: 1, NEW: 2}, {OLD: 1}),
    ("a/*", {"a": [OLD, NEW, None, {NEW: 1}]}, {"a": [OLD, {}]}),
    ("a/d", {"a": None}, {"a": None}),
    ("a/d", {"a": []}, {"a": []}),
    ("d", {"d": OLD}, {"d": OLD}),
    ("t", {"t": [OLD, OLD], "v": [1, 2]}, {"t": [OLD, OLD], "v": [1, 2]}),
    ("/a//d", {"a": [{"d": NEW}]}, {"a": []}),
]


@pytest.mark.parametrize(("path", "data", "left"), ANSWERS)
def test_items_that_are_not_dated_before_are_dropped(path, data, left):
    """Lists are walked at every level; the innermost item goes."""
    assert cut_answer(endpoint(dt_cutoff=(path, DAY)), data, CUTOFF) == left


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("d", {"d": NEW}),
        ("d", {}),
        ("a/d", {"error": "x"}),
        ("a/d", "text"),
        ("a/d", None),
        ("a/d", {"a": 5}),
        ("t", {"t": [OLD, NEW], "v": [1, 2]}),
        ("d", {"d": {"x": OLD}}),
    ],
)
def test_an_answer_that_shows_no_date_is_not_shown(path, data):
    """Its shape may have changed since it was declared; and columns lose rows together or not at all."""
    with pytest.raises(ProxyError, match="the answer is not shown"):
        cut_answer(endpoint(dt_cutoff=(path, DAY)), data, CUTOFF)


def test_each_of_several_dates_cuts():
    """An answer may hold two lists."""
    both = endpoint(dt_cutoff=(("a/d", DAY), ("b/d", "unix")))
    data = {"a": [{"d": OLD}, {"d": NEW}], "b": [{"d": 1}, {"d": 2e9}]}
    assert cut_answer(both, data, CUTOFF) == {"a": [{"d": OLD}], "b": [{"d": 1}]}
    for wrong in (("a",), ("a", DAY, "x"), (("a",),), 5):
        with pytest.raises(ConfigError, match="dt_cutoff is not"):
            cut_answer(endpoint(dt_cutoff=wrong), data, CUTOFF)


def test_keys_are_removed_everywhere_or_under_one():
    """Totals and previews tell of what was dropped."""
    data = {"total": 9, "a": [{"total": 1, "b": {"n": 1, "m": 2}}], "b": {"n": 3}, "n": [1]}
    assert remove_keys(data, ("total", "a/b/n")) == {"a": [{"b": {"m": 2}}], "b": {"n": 3}, "n": [1]}
    assert remove_keys(data, ("b/n",)) == {"total": 9, "a": [{"total": 1, "b": {"m": 2}}], "b": {}, "n": [1]}
    assert remove_keys(data, ()) is data


# A whole call


def test_a_careless_service_shows_nothing_from_the_cutoff_on(service, way):
    """It ignores the bound that it was sent; the answer is cut all the same."""
    service.says({"items": [{"day": OLD}, {"day": NEW}, {"name": "undated"}], "total": 3})
    proxy = proxy_of(declare(service.url), "2024-03-01")
    assert way.call(proxy, params={"q": "x", "until": "2024-12-31"}) == {"items": [{"day": OLD}]}
    assert service.asked[0].path == "/list?q=x&until=2024-02-29"
    with pytest.raises(CallRefused, match="demo/items/one/info: it cannot be cut off"):
        way.call(proxy, "demo/items/one/info", {"id": "a"})
    assert len(service.asked) == 1


def test_in_deploy_mode_there_is_no_cutoff(service, way):
    """The date stays known, and does not hold."""
    service.says({"items": [{"day": NEW}]})
    proxy = proxy_of(declare(service.url), "2024-03-01", deploy_mode=True)
    assert way.call(proxy) == {"items": [{"day": NEW}]}
    assert proxy.cutoff_date is None
    assert proxy.to_dict()["cutoff_date"] == "2024-03-01"
