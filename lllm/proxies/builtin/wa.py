"""WolframAlpha: computation and curated facts, asked in plain words.

It answers from what it knows now, at any date that is asked about; so a cutoff refuses all of it.

Source: https://products.wolframalpha.com/api/documentation and its pages on the LLM and the short answers interface, by
the transcript at https://apis.apis.io/apis/wolfram-alpha/llm-api/ (as stored, read 2026-11-21).
"""

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_UNITS = (str, "metric", ("metric", "imperial"))
_COMPUTES = "https://api.wolframalpha.com"


@ProxyRegistrator(path="wa", name="WolframAlpha", description="Computation and curated facts, asked in plain words.")
class WolframAlpha(BaseProxy):
    """Endpoints of WolframAlpha."""

    base_url = "https://www.wolframalpha.com/api/v1"
    api_key_env = "WA_API_DEV"
    api_key_name = "appid"
    error_key = "queryresult/error"
    additional_docs = (
        "Short English questions work best: '10 densest elements', 'integrate x^2 sin x'. Status 501 means that it was "
        "not understood: ask in simpler words. An AppID is made for one kind of interface, and others may refuse it."
    )

    @BaseProxy.endpoint(
        category="query",
        endpoint="llm",
        description="An answer as text made for a model.",
        path="/llm-api",
        params={
            "input*": (str, "10 densest elemental metals"),
            "maxchars": (int, 2000),
            "units": _UNITS,
            "assumption": (str, None),
        },
        response='Query:\n"10 densest elemental metals"\n\nResult:\n1 | hassium | 41 g/cm^3\n...',
        answer="text",
    )
    def llm(self) -> None: ...

    @BaseProxy.endpoint(
        category="query",
        endpoint="short",
        description="An answer of one line.",
        base_url=_COMPUTES,
        path="/v1/result",
        params={"i*": (str, "How far is Los Angeles from New York?"), "units": _UNITS, "timeout": (int, 5)},
        response="about 3940 kilometers",
        answer="text",
    )
    def short(self) -> None: ...

    @BaseProxy.endpoint(
        category="query",
        endpoint="full",
        description="An answer in parts (pods), as data.",
        base_url=_COMPUTES,
        path="/v2/query",
        fixed={"output": "json", "format": "plaintext"},
        params={
            "input*": (str, "population of France"),
            "units": _UNITS,
            "includepodid": (str, "Result"),
            "assumption": (str, None),
            "podstate": (str, None),
        },
        response={
            "queryresult": {
                "success": True,
                "error": False,
                "pods": [{"title": "Result", "id": "Result", "subpods": [{"plaintext": "68 million people"}]}],
            }
        },
    )
    def full(self) -> None: ...
