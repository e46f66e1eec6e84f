"""Two recorded runs side by side: what was set, asked, said and done differently, and where they first part ways. Pure.

Events are paired by kind and id, which come from a run's structure. What differs from run to run by chance is no
difference: times, seqs, hashes, addresses, ids that a model gave its function calls, tokens and money.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from lllm.log.envelope import Event, header_of
from lllm.log.scopes import strand_of
from lllm.replay.diff_names import StepName, to_names
from lllm.replay.diverge import ABSENT, compared, first_difference
from lllm.replay.facts import RunFacts, data_of, fields_of, to_facts
from lllm.replay.text import text_diff
from lllm.utils import encode_json

_FREE = frozenset({"note", "contract", "offer", "session.open", "session.resume"})
# Facts of an event that say when, where and at what price, not what.
_BY_CHANCE: Mapping[str, frozenset[str]] = {
    "contract": frozenset({"fingerprint", "prompt_hash", "agent"}),
    "model.request": frozenset({"chain", "n", "contract", "retry", "recall"}),  # the replies tell what was repeated
    "model.reply": frozenset({"usage", "cost_usd", "model"}),
    "model.error": frozenset({"request_id", "retry_after_s"}),
    "function.call": frozenset({"idempotency_key"}),
    "wait": frozenset({"seconds"}),
}
_CHANCE_VALUES = frozenset({"now", "uuid4"})
# Facts of a header that tell of the machine and of the log; they are told, and make no difference.
_ASIDE = ("lllm", "python", "machine", "seed", "config.log_")
_NO_FACT = frozenset({"session", "parent", "run_id", "forks", "what_if"})

# Kind, id, and which of those that share both.
_Place = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs.

    Attributes:
        kind: ``header``, or a kind of event.
        id: place in the run's structure; of the header, the setting's dotted name; of a contract, agent, prompt and
            dotted name.
        a_seq, b_seq: its seq in each run; None where it is not there.
        pointer: JSON pointer of the first difference in the event's data; empty where one run lacks the event.
        a, b: what stands there; ``<absent>`` where nothing does.
        diff: the two as lines of a unified diff, without its head; empty where they have no text in common.
        name: what a person calls it, such as ``cell of run_python in dialog 1``; empty where kind and id say it.
        dialog: that it was done in, where its id tells of none.
    """

    kind: str
    id: str
    a_seq: int | None
    b_seq: int | None
    pointer: str
    a: Any
    b: Any
    diff: str = ""
    name: str = ""
    dialog: str = ""

    @property
    def strand(self) -> str:
        """The dialog, or whatever else in the run goes its own way, that it belongs to."""
        return self.dialog or strand_of(self.id)

    @property
    def seq(self) -> int:
        """Where the change comes, counted in the run that has it earlier."""
        return min(seq for seq in (self.a_seq, self.b_seq) if seq is not None)


@dataclass(frozen=True, slots=True)
class RunDiff:
    """How two runs differ.

    Attributes:
        a, b: each run by itself: its end, tokens, money and time.
        header: settings that differ: task, arguments, agent type, config.
        contracts: what a model was told to do: prompts, function schemas, models and their arguments.
        events: what was said, called, answered and returned; in the order of the runs.
        remarks: what differs and makes no difference: versions, seeds, where the log is.
    """

    a: RunFacts
    b: RunFacts
    header: tuple[Change, ...] = ()
    contracts: tuple[Change, ...] = ()
    events: tuple[Change, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether nothing differs that is not mere chance."""
        return not (self.header or self.contracts or self.events)

    @property
    def first(self) -> Change | None:
        """Where the runs first part ways; None where they do not, or only in their settings."""
        return min((*self.contracts[:1], *self.events[:1]), key=lambda change: change.seq, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON data."""
        first = self.first
        return {"same": self.is_same, "first": asdict(first) if first else None, **asdict(self)}


def diff_runs(events_a: Iterable[Event], events_b: Iterable[Event], names: tuple[str, str] = ("", "")) -> RunDiff:
    """Return how two runs differ.

    Args:
        events_a: all events of one run, as ``log.read_run`` yields them. A run that was never closed, or whose rest is
            damaged, is compared as far as it goes.
        events_b: those of the other.
        names: what the runs are called; default: as their headers say.
    """
    left, right = list(events_a), list(events_b)
    header, remarks = _diff_headers(*(header_of(next(iter(events), None)) for events in (left, right)))
    names_of = to_names(left, right)
    changes = (_diff_event(kind, id_, one, other) for kind, id_, one, other in _pair(left, right))
    return RunDiff(
        a=to_facts(left, names[0]),
        b=to_facts(right, names[1]),
        header=tuple(header),
        contracts=tuple(_diff_contracts(left, right)),
        events=tuple(_named(change, names_of) for change in changes if change),
        remarks=tuple(remarks),
    )


def _diff_headers(left: Mapping[str, Any], right: Mapping[str, Any]) -> tuple[list[Change], list[str]]:
    changes: list[Change] = []
    remarks: list[str] = []
    for name, one, other in _leaves_that_differ(left, right):
        if name.startswith(_ASIDE):
            remarks.append(f"{name}: {one} in A, {other} in B")
        elif name.partition(".")[0] not in _NO_FACT:
            changes.append(Change("header", name, 1, 1, "", one, other, _lines_that_differ(one, other)))
    return changes, remarks


def _leaves_that_differ(left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield dotted name and both values of whatever differs in two mappings; an empty mapping is nothing."""
    ours, theirs = dict(_leaves(left)), dict(_leaves(right))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        one, other = ours.get(name, ABSENT), theirs.get(name, ABSENT)
        if encode_json(one) != encode_json(other):
            yield name, one, other


def _leaves(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _leaves(cast("dict[str, Any]", item), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", item


def _pair(left: Iterable[Event], right: Iterable[Event]) -> Iterator[tuple[str, str, Event | None, Event | None]]:
    """Yield the events of both runs by kind and id; those that share both, as a request that is repeated, in order."""
    ours, theirs = _by_place(left), _by_place(right)
    for kind, id_, number in _merged(ours, theirs):
        yield kind, id_, ours.get((kind, id_, number)), theirs.get((kind, id_, number))


def _merged(ours: Mapping[_Place, Event], theirs: Iterable[_Place]) -> Iterator[_Place]:
    """Yield our places in their order, and each of theirs that we lack behind the one before it that we have."""
    added: dict[_Place | None, list[_Place]] = {}
    before = None
    for place in theirs:
        if place in ours:
            before = place
        else:
            added.setdefault(before, []).append(place)
    yield from added.get(None, ())
    for place in ours:
        yield place
        yield from added.get(place, ())


def _by_place(events: Iterable[Event]) -> dict[_Place, Event]:
    counts: dict[tuple[str, str], int] = {}
    found: dict[_Place, Event] = {}
    for event in events:
        if event.kind not in _FREE:
            place = event.kind, event.id
            counts[place] = counts.get(place, 0) + 1
            found[*place, counts[place]] = event
    return found


def _diff_contracts(left: Iterable[Event], right: Iterable[Event]) -> Iterator[Change]:
    """Yield how what was asked for differs, once for each two contracts under which the same step was done."""
    ours, theirs = _contract_of_steps(left), _contract_of_steps(right)
    seen: set[tuple[str, str]] = set()
    for step, (seq, contract) in ours.items():
        if step in theirs and (pair := (contract.id, theirs[step][1].id)) not in seen:
            seen.add(pair)
            yield from _diff_contract(contract, theirs[step][1], (seq, theirs[step][0]))


def _contract_of_steps(events: Iterable[Event]) -> dict[str, tuple[int, Event]]:
    """Return, by the id of each step, the seq of its request and its contract.

    Of two that ask a model for the same, as a fork has them whose prompt's parser changed, it is the newer one.
    """
    agents: dict[str, Any] = {}
    contracts: dict[tuple[Any, Any], Event] = {}
    requests: list[Event] = []
    for event in events:
        if event.kind == "dialog.open":
            agents[event.id] = event.data.get("agent")
        elif event.kind == "contract":
            contracts[str(event.data.get("agent")), str(event.data.get("fingerprint"))] = event
        elif event.kind == "model.request":
            requests.append(event)
    places = ((str(agents.get(strand_of(e.id))), str(e.data.get("contract")), e) for e in requests)
    return {e.id: (e.seq, contracts[agent, asked]) for agent, asked, e in places if (agent, asked) in contracts}


def _diff_contract(one: Event, other: Event, seqs: tuple[int, int]) -> Iterator[Change]:
    prompt = data_of(one.data.get("prompt")).get("path", "")
    for name, a, b in _leaves_that_differ(_told(one), _told(other)):
        place = f"{one.data.get('agent', '')} {prompt}: {name}"
        yield Change("contract", place, *seqs, f"/{name.replace('.', '/')}", a, b, _lines_that_differ(a, b))


def _diff_event(kind: str, id_: str, one: Event | None, other: Event | None) -> Change | None:
    seqs = one.seq if one else None, other.seq if other else None
    if one is None or other is None:
        a, b = (ABSENT if event is None else _told(event) for event in (one, other))
        return Change(kind, id_, *seqs, "", a, b)
    left, right = _told(one), _told(other)
    try:
        if encode_json(left) == encode_json(right):
            return None
        found = first_difference(left, right)
    except RecursionError:  # nested deeper than anybody reads
        found = "", left, right
    if found is None:
        return None
    pointer, a, b = found
    return Change(kind, id_, *seqs, pointer, a, b, _lines_that_differ(a, b))


def _named(change: Change, names: Mapping[str, StepName]) -> Change:
    """Return a change of a step, or of its value, with the name that people know it by."""
    if change.kind not in {"step", "value"} or (name := names.get(change.id)) is None:
        return change
    return replace(change, name=name.step if change.kind == "step" else name.value, dialog=name.dialog)


def _told(event: Event) -> dict[str, Any]:
    """Return what an event says, without what differs by chance."""
    by_chance = _BY_CHANCE.get(event.kind, frozenset())
    if event.kind == "value" and event.data.get("name") in _CHANCE_VALUES:
        by_chance = frozenset({"value"})
    told = {key: value for key, value in compared(event.kind, event.data).items() if key not in by_chance}
    if isinstance(told.get("message"), dict):
        told["message"] = _without_call_ids(told["message"])
    return told


def _without_call_ids(message: dict[str, Any]) -> dict[str, Any]:
    told = {key: value for key, value in message.items() if key != "tool_call_id"}
    if "calls" in told:
        told["calls"] = [
            {key: value for key, value in call.items() if key != "id"} for call in fields_of(told["calls"])
        ]
    return told


def _lines_that_differ(a: Any, b: Any) -> str:
    """Return two texts, or two lists or mappings, as lines of a diff; of long lines, where they begin to differ."""
    if ABSENT in (a, b) or type(a) is not type(b) or not isinstance(a, str | list | dict):
        return ""
    if isinstance(a, str) and "\n" not in a + b:
        a, b = _from_difference(a, b), _from_difference(b, a)
    return "\n".join(text_diff(a, b).splitlines()[2:])


def _from_difference(text: str, other: str, before: int = 60) -> str:
    """Return a long line from shortly before the place where it differs from another one."""
    low, high = 0, min(len(text), len(other))
    while low < high:  # by halves: such a line may have millions of characters
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text[:middle] == other[:middle] else (low, middle - 1)
    return text if low <= before * 5 else f"…{text[low - before :]}"
