"""Exa, Golden, SearchApi's Google Trends and WolframAlpha, as their public documentation describes them."""

from __future__ import annotations

from builtin_days import FUTURE_DAY, TODAY, Route, days, stamp, within


# --- Exa. https://github.com/exa-labs/openapi-spec
def exa_results(asked):
    def write(word, day):
        page = {
            "id": word,
            "url": f"https://example.com/{word}",
            "title": word,
            "publishedDate": f"{day}T00:00:00.000Z",
            "entities": [{"type": "company", "properties": {"workforce": {"total": "FUTURE"}}}],
        }
        return {
            **page,
            "text": word,
            "summary": "of all, FUTURE too",
            "subpages": [{"title": "FUTURE", "url": "https://e.org"}],
        }

    undated = {"id": "x", "url": "https://example.com/x", "title": "FUTURE of no known day", "publishedDate": None}
    found = within(write, asked, "startPublishedDate", "endPublishedDate")
    extra = {"context": "PAST and FUTURE", "output": {"content": "FUTURE"}, "costDollars": {"total": 0.005}}
    return {"requestId": "b5", "resolvedSearchType": "neural", "results": [*found, undated], **extra}


EXA_COMMON = "numResults includeDomains excludeDomains startPublishedDate endPublishedDate includeText excludeText moderation contents"
EXA = {
    "POST /search": Route(exa_results, body=f"query type category {EXA_COMMON}", required="query"),
    "POST /findSimilar": Route(exa_results, body=f"url excludeSourceDomain {EXA_COMMON}", required="url"),
    "POST /contents": Route(
        exa_results, body="urls text highlights summary maxAgeHours subpages extras", required="urls"
    ),
    "POST /answer": Route(
        lambda _: {"answer": "PAST and FUTURE", "citations": [{"url": "https://e.org", "title": "FUTURE"}]},
        body="query stream text outputSchema",
        required="query",
    ),
}

# --- Golden. https://docs.golden.com/openapi.json; every address ends in a slash.
GOLDEN_PAGE = "cursor pageSize"


def golden_list(item):
    return lambda _: {"next": None, "previous": None, "results": [item]}


ENTITY = {
    "id": 1,
    "latestVersionId": 7,
    "properties": [{"predicateId": "name", "instances": [{"value": "PAST and FUTURE", "citations": []}]}],
}
GOLDEN = {
    "GET /api/v2/public/entities/": Route(
        golden_list(ENTITY), f"{GOLDEN_PAGE} ids entityTypeIds filterPredicateId filterValue predicateIds"
    ),
    "GET /api/v2/public/entities/{id}/": Route(lambda _: ENTITY, "predicateIds"),
    "GET /api/v2/public/queries/{id}/results/": Route(golden_list(ENTITY), f"{GOLDEN_PAGE} predicateIds"),
    "GET /api/v2/public/queries/permalink/{permalink}/": Route(golden_list(ENTITY), f"{GOLDEN_PAGE} predicateIds"),
    "GET /api/v2/public/schema/entityTypes/": Route(
        golden_list({"id": 3, "latestVersionId": 9, "properties": []}), GOLDEN_PAGE
    ),
    "GET /api/v2/public/schema/predicates/": Route(
        golden_list({"id": "founded", "name": "Founded", "isFilterable": True}), GOLDEN_PAGE
    ),
}


# --- SearchApi's Google Trends. https://www.searchapi.io/openapi/google_trends.yaml; one address, and kinds of data.
def trends(asked):
    """Answer shares of the highest value in the asked time, which is reached in the future."""
    if asked["engine"] != "google_trends":
        return 400, {"error": "Unsupported engine."}
    start, _, end = asked.get("time", "today 12-m").partition(" ")
    start, end = (start, end) if start[:2] == "20" else ("2004-01-01", TODAY)
    found = [day for _, day in days() if start <= day <= end]
    word = "FUTURE" if FUTURE_DAY in found else "PAST"
    values = {day: (1 + (day == FUTURE_DAY)) * 100 // (1 + (FUTURE_DAY in found)) for day in found}
    points = [
        {"timestamp": str(stamp(day)), "values": [{"query": "a", "extracted_value": values[day]}]} for day in found
    ]
    averages = [{"query": "a", "value": f"of {word}"}]
    related = {"top": [{"query": word, "title": word, "extracted_value": 100}], "rising": []}
    kinds = {
        "TIMESERIES": {"interest_over_time": {"averages": averages, "timeline_data": points}},
        "GEO_MAP": {"interest_by_region": [{"geo": "US-CA", "name": word, "extracted_value": 61}]},
        "RELATED_QUERIES": {"related_queries": related},
        "RELATED_TOPICS": {"related_topics": related},
    }
    return {"search_metadata": {"id": "s1", "status": "Success"}, **kinds[asked["data_type"]]}


TRENDS = {
    "GET /api/v1/search": Route(trends, "engine q data_type geo tz time cat region gprop", required="engine data_type")
}


# --- WolframAlpha. https://products.wolframalpha.com/api/documentation
def pods(asked):
    """Answer in the format that is asked for; XML and pictures, where none is."""
    if asked.get("output") != "json":
        return 200, "<queryresult success='true'/>"
    kinds = asked.get("format", "plaintext,image").split(",")
    subpod = {"title": "", "plaintext": "FUTURE"} | (
        {"img": {"src": "https://e.org/a.gif"}} if "image" in kinds else {}
    )
    shown = [{"title": "Result", "id": "Result", "subpods": [subpod]}]
    return {"queryresult": {"success": True, "error": False, "numpods": 1, "pods": shown}}


def text_fault(why):
    """Say in a line of text what is wrong, as the interfaces do that answer with text."""
    return (403 if "key" in why else 400), f"Error 1: Invalid appid or input: {why}"


WOLFRAM = {
    "GET /api/v1/llm-api": Route(
        lambda _: 'Query:\n"a"\n\nResult:\nFUTURE',
        "input maxchars units assumption",
        required="input",
        fault=text_fault,
    ),
    "GET /v1/result": Route(lambda _: "about 3940 kilometers", "i units timeout", required="i", fault=text_fault),
    "GET /v2/query": Route(
        pods, "input output format units includepodid excludepodid podstate assumption scantimeout", required="input"
    ),
}
