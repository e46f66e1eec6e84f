"""Golden: a graph of companies, people and products, with sources.

Golden shows what it knows now and keeps no days, so a cutoff refuses all of it. Its owner has announced the end of the
product (2024-04-24); in August 2026 the interface still answered.

Source: https://docs.golden.com/openapi.json, "Golden Public API V2" (as of 2026-08-22).
"""

from typing import Any

from lllm.proxies.base import BaseProxy, ProxyRegistrator

_PAGE = {"cursor": (str, None), "pageSize": (int, 10)}
_PREDICATES = {"predicateIds": (str, "name,founded")}
_ENTITY: dict[str, Any] = {
    "id": 1,
    "latestVersionId": 7,
    "properties": [{"predicateId": "name", "instances": [{"value": "Example", "citations": []}]}],
}
_ENTITIES: dict[str, Any] = {"next": None, "previous": None, "results": [_ENTITY]}
_TYPES: dict[str, Any] = {
    "next": None,
    "previous": None,
    "results": [{"id": 3, "latestVersionId": 9, "properties": []}],
}
_NAMES = {"next": None, "previous": None, "results": [{"id": "founded", "name": "Founded", "isFilterable": True}]}


@ProxyRegistrator(path="gkg", name="Golden", description="A graph of companies, people and products, with sources.")
class Golden(BaseProxy):
    """Endpoints of Golden's public interface."""

    base_url = "https://golden.com/api/v2/public"
    api_key_env = "GOLDEN_API_KEY"
    api_key_in = "header"
    api_key_name = "apikey"
    additional_docs = "Lists are texts with commas between. For the next page give the cursor that is in 'next'."

    @BaseProxy.endpoint(
        category="entities",
        endpoint="list",
        description="Entities, by type or by a property.",
        path="/entities/",
        params={
            "ids": (str, "1,2"),
            "entityTypeIds": (str, "3"),
            "filterPredicateId": (str, "website"),
            "filterValue": (str, "example.com"),
            **_PREDICATES,
            **_PAGE,
        },
        response=_ENTITIES,
    )
    def entities(self) -> None: ...

    @BaseProxy.endpoint(
        category="entities",
        endpoint="info",
        description="One entity.",
        path="/entities/{id}/",
        params={"$id*": (int, 1), **_PREDICATES},
        response=_ENTITY,
    )
    def entity(self) -> None: ...

    @BaseProxy.endpoint(
        category="queries",
        endpoint="results",
        description="Entities that a saved query finds.",
        path="/queries/{id}/results/",
        params={"$id*": (int, 5), **_PREDICATES, **_PAGE},
        response=_ENTITIES,
    )
    def results(self) -> None: ...

    @BaseProxy.endpoint(
        category="queries",
        endpoint="permalink",
        description="Entities that a saved query finds, by its permalink.",
        path="/queries/permalink/{permalink}/",
        params={"$permalink*": (str, "companies-in-nanotech"), **_PREDICATES, **_PAGE},
        response=_ENTITIES,
    )
    def permalink(self) -> None: ...

    @BaseProxy.endpoint(
        category="schema",
        endpoint="types",
        description="Types of entities.",
        path="/schema/entityTypes/",
        params=_PAGE,
        response=_TYPES,
    )
    def types(self) -> None: ...

    @BaseProxy.endpoint(
        category="schema",
        endpoint="predicates",
        description="Names of properties, and which of them filter.",
        path="/schema/predicates/",
        params=_PAGE,
        response=_NAMES,
    )
    def predicates(self) -> None: ...
