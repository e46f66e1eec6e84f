"""Exa: search of the web by meaning.

Under a cutoff only pages with a date of publication before it are asked for and shown. Exa estimates that date from the
page, and a page's text is as it was when Exa last read it: a page that was changed afterwards shows its later text.
What Exa writes itself over several pages (answers, summaries, contexts) cannot be cut off and is dropped or refused.

Source: https://github.com/exa-labs/openapi-spec, version 1.2.0 (2026-04-03); which fields are on their way out, by the
official client exa-py 2.27.0 (2026-11).
"""

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_DAY = "%Y-%m-%d"
_FILTERS = {
    "#numResults": (int, 5),
    "#includeDomains": (list, ["reuters.com"]),
    "#excludeDomains": (list, None),
    "#startPublishedDate": ("date", "2024-01-01"),
    "#endPublishedDate": ("date", "2030-01-01"),
    "#contents": (dict, {"text": {"maxCharacters": 1000}}),
}
_CUTOFF_PARAMS = {"startPublishedDate": ("start", _DAY), "endPublishedDate": ("end", _DAY)}
_RESULTS = {
    "results": [
        {
            "id": "https://www.reuters.com/a",
            "url": "https://www.reuters.com/a",
            "title": "A title",
            "publishedDate": "2024-05-01T00:00:00.000Z",
            "author": "A. Writer",
            "text": "The text of the page",
        }
    ]
}
_CUTOFF = ("results/publishedDate", "iso")
# Written over all pages, by a model, or about the present: none of it has a date of its own.
_UNDATED = ("context", "output", "summary", "subpages", "entities")


@ProxyRegistrator(path="exa", name="Exa", description="Search of the web by meaning, with the text of the pages.")
class Exa(BaseProxy):
    """Endpoints of Exa."""

    base_url = "https://api.exa.ai"
    api_key_env = "EXA_API_KEY"
    api_key_in = "header"
    api_key_name = "x-api-key"

    @BaseProxy.endpoint(
        category="web",
        endpoint="search",
        description="Find pages by a question or words.",
        method="POST",
        repeatable=True,
        path="/search",
        params={
            "#query*": (str, "interest rates of the euro area"),
            "#type": (str, "auto", ("auto", "neural", "fast", "instant")),
            "#category": (str, "news"),
            **_FILTERS,
        },
        response=_RESULTS,
        dt_cutoff=_CUTOFF,
        cutoff_params=_CUTOFF_PARAMS,
        remove_keys=_UNDATED,
    )
    def search(self) -> None: ...

    @BaseProxy.endpoint(
        category="web",
        endpoint="similar",
        description="Find pages that are like a page.",
        method="POST",
        repeatable=True,
        path="/findSimilar",
        params={"#url*": (str, "https://www.reuters.com/a"), "#excludeSourceDomain": (bool, True), **_FILTERS},
        response=_RESULTS,
        dt_cutoff=_CUTOFF,
        cutoff_params=_CUTOFF_PARAMS,
        remove_keys=_UNDATED,
    )
    def similar(self) -> None: ...

    @BaseProxy.endpoint(
        category="web",
        endpoint="contents",
        description="The text of known pages.",
        method="POST",
        repeatable=True,
        path="/contents",
        params={
            "#urls*": (list, ["https://www.reuters.com/a"]),
            "#text": (dict, {"maxCharacters": 1000}),
            "#highlights": (bool, None),
            "#maxAgeHours": (int, None),
        },
        response=_RESULTS,
        dt_cutoff=_CUTOFF,
        remove_keys=_UNDATED,
    )
    def contents(self) -> None: ...

    @BaseProxy.endpoint(
        category="web",
        endpoint="answer",
        description="An answer with sources, written by Exa.",
        method="POST",
        repeatable=True,
        path="/answer",
        params={"#query*": (str, "Who heads the ECB?"), "#text": (bool, False)},
        response={"answer": "A text", "citations": [{"url": "https://www.reuters.com/a", "title": "A title"}]},
    )
    def answer(self) -> None: ...
