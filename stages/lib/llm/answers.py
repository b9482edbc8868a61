"""The forms of answers: their JSON schemas, and reading that salvages what is good."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar

from stages.lib.core.text import one_line
from stages.lib.llm.json_values import folded, json_values
from stages.lib.llm.messages import Request, Response

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)

MAX_RULES, MAX_RULE = 12, 600
"""At most this many rules, of this many characters: they stand in every later prompt."""
GRADES = [0, 1, 2, 3]
"""Grades of relevance: 0 is off the topic, 3 a full answer."""


MOST_ATTEMPTS = 3
"""A question is asked, asked with the fault of the answer told, and asked once more warmer."""


class Fault(StrEnum):
    """What is wrong with an answer, or a part of it."""

    REFUSED = "refused"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    NOT_JSON = "not_json"
    OFF_SCHEMA = "off_schema"
    OVER_LONG = "over_long"


COMPLAINTS = {
    Fault.REFUSED: "it declined, though nothing beyond the JSON asked for is wanted",
    Fault.TRUNCATED: "it was cut off, so write less",
    Fault.EMPTY: "it was empty",
    Fault.NOT_JSON: "it was not JSON",
    Fault.OFF_SCHEMA: "it did not have the form that is asked for",
    Fault.OVER_LONG: "a text in it was too long",
}


def complaint(faults: Iterable[Fault]) -> str:
    """What a model is told of its answer when it is asked again."""
    what = "; ".join(COMPLAINTS[fault] for fault in sorted(faults))
    return f"An earlier answer could not be used: {what}. Answer with the JSON object alone."


class UnusableError(Exception):
    """A part of an answer that is left out."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class Form(Protocol[P_co]):
    """What an answer must look like: an object with one list, under `items`."""

    name: str
    items: str
    wanted: frozenset[str]
    """The parts that make an answer complete; empty where that is open."""

    @property
    def json_schema(self) -> dict[str, Any]:
        """The schema, as endpoints with structured output want it."""
        ...

    def part(self, index: int, item: Any) -> tuple[str, P_co]:
        """Name and value of a usable item.

        Raises:
            UnusableError: it is not usable.

        """
        ...


@dataclass(frozen=True, slots=True)
class Question(Generic[P]):
    """A request and the form of its answer."""

    request: Request
    form: Form[P]


@dataclass(frozen=True, slots=True)
class Reading(Generic[P]):
    """The usable parts of an answer by name, and its faults."""

    parts: dict[str, P]
    faults: frozenset[Fault]


def read(response: Response, form: Form[P]) -> Reading[P]:
    """Reads what is usable in an answer; a bad item does not discard its neighbours.

    Of a truncated answer the items that are whole count.
    """
    cut = response.finish_reason == "length"
    if response.refusal or response.finish_reason == "content_filter":
        return Reading({}, frozenset({Fault.REFUSED}))
    text = response.text.strip("\ufeff \t\r\n")
    if not text:
        return Reading({}, frozenset({Fault.TRUNCATED if cut else Fault.EMPTY}))
    found: Reading[P] | None = None
    for value in json_values(text, cut):
        reading = _fitting(value, form, cut)
        if reading is not None and (reading.parts or found is None):
            found = reading
        if found is not None and found.parts:
            break
    if found is not None:
        return found
    if cut:
        return Reading({}, frozenset({Fault.TRUNCATED}))
    none = next(json_values(text, cut), None) is None
    return Reading({}, frozenset({Fault.NOT_JSON if none else Fault.OFF_SCHEMA}))


def _fitting(value: Any, form: Form[P], cut: bool) -> Reading[P] | None:
    """What a value gives that has the answer's form, or is the bare list; None for any other."""
    items = folded(value).get(form.items) if isinstance(value, dict) else value
    if not isinstance(items, list):
        return None
    parts: dict[str, P] = {}
    faults = {Fault.TRUNCATED} if cut else set()
    for index, item in enumerate(items):
        try:
            name, part = form.part(index, item)
        except UnusableError as error:
            # the last item of an answer that was cut off lacks its end
            torn = cut and error.fault is Fault.OFF_SCHEMA
            faults.add(Fault.TRUNCATED if torn else error.fault)
        else:
            parts.setdefault(name, part)
    if items is value and not parts:  # a list of other things
        return None
    if not parts and not faults:
        faults.add(Fault.EMPTY)
    return Reading(parts, frozenset(faults))


@dataclass(slots=True)
class Gathered(Generic[P]):
    """What the answers to a question have given so far."""

    form: Form[P]
    parts: dict[str, P] = field(default_factory=dict)
    """The usable parts of all answers by name."""
    _habits: set[str] = field(default_factory=set)
    _texts: set[str] = field(default_factory=set)

    def add(self, reading: Reading[P], text: str) -> bool:
        """Takes the next answer, and says whether asking once more is pointless.

        It is where the answer has no fault, where nothing is missing any more, and where an answer
        that was not cut off has only parts that such answers had before: the model never writes the
        rest. So it is where a text comes a second time.
        """
        again = text in self._texts
        self._texts.add(text)
        whole = bool(reading.parts) and Fault.TRUNCATED not in reading.faults
        repeats = whole and reading.parts.keys() <= self._habits
        self.parts |= reading.parts
        if whole:
            self._habits |= reading.parts.keys()
        wanted = self.form.wanted
        return (
            not reading.faults or repeats or again or bool(wanted and wanted <= self.parts.keys())
        )


def list_schema(items: str, item: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object that holds a list under `items`."""
    return object_schema({items: {"type": "array", "items": item}})


def object_schema(properties: dict[str, Any]) -> dict[str, Any]:
    """The JSON schema of an object with these properties and no other."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class Rules:
    """How the collection's queries look: sentences, by their place."""

    name = "dataset_rules"
    items = "rules"
    wanted: frozenset[str] = frozenset()

    @property
    def json_schema(self) -> dict[str, Any]:
        """A list of texts."""
        return list_schema(self.items, {"type": "string"})

    def part(self, index: int, item: Any) -> tuple[str, str]:
        """A rule of one line."""
        if not isinstance(item, str):
            raise UnusableError(Fault.OFF_SCHEMA)
        if index >= MAX_RULES:
            raise UnusableError(Fault.OVER_LONG)
        return f"{index:02}", line_of(item, MAX_RULE)


class Queries:
    """The queries written for a document: one text a type."""

    name = "synthetic_queries"
    items = "queries"

    def __init__(self, types: Sequence[str], max_characters: int) -> None:
        self.wanted = frozenset(types)
        self._names = {name.casefold(): name for name in types}
        self._max_characters = max_characters
        kind = {"type": "string", "enum": list(types)}
        self.json_schema = list_schema(
            self.items, object_schema({"type": kind, "text": {"type": "string"}})
        )

    def part(self, index: int, item: Any) -> tuple[str, str]:  # noqa: ARG002 - see Form
        """Type and text of a query."""
        kind, text = _values(item, "type", "text")
        name = self._names.get(kind.strip().casefold()) if isinstance(kind, str) else None
        if name is None or not isinstance(text, str):
            raise UnusableError(Fault.OFF_SCHEMA)
        return name, line_of(text, self._max_characters)


HARD = {
    "contrast": "only the wanted document answers it, not its neighbour",
    "vague": "the need of somebody who lacks the wanted document's terms",
}
"""The kinds of queries that are hard to find a document by, and what they mean."""


class HardQueries(Queries):
    """The hard queries written for a document and against its neighbour: one text a kind."""

    name = "hard_queries"

    def __init__(self, max_characters: int) -> None:
        super().__init__(list(HARD), max_characters)


class Judgements:
    """Grades 0 to 3 of the documents shown, by doc_id."""

    name = "relevance_judgements"
    items = "judgements"

    def __init__(self, doc_ids: Iterable[str]) -> None:
        self.wanted = frozenset(doc_ids)

    @property
    def json_schema(self) -> dict[str, Any]:
        """Without the doc_ids: endpoints compile each new schema, which takes seconds."""
        grade = {"type": "integer", "enum": GRADES}
        return list_schema(
            self.items, object_schema({"doc_id": {"type": "string"}, "relevance": grade})
        )

    def part(self, index: int, item: Any) -> tuple[str, int]:  # noqa: ARG002 - see Form
        """Document and grade."""
        doc_id, grade = _values(item, "doc_id", "relevance")
        if not isinstance(doc_id, str) or doc_id not in self.wanted:
            raise UnusableError(Fault.OFF_SCHEMA)
        if type(grade) is not int or grade not in GRADES:  # True is an int, too
            raise UnusableError(Fault.OFF_SCHEMA)
        return doc_id, grade


def _values(item: Any, first: str, second: str) -> tuple[Any, Any]:
    """The values of these two keys of an object, which may have others."""
    values = folded(item) if isinstance(item, dict) else {}
    if first in values and second in values:
        return values[first], values[second]
    raise UnusableError(Fault.OFF_SCHEMA)


def line_of(text: str, max_characters: int) -> str:
    """A text as one line; UnusableError where it is empty or longer than that."""
    line = one_line(text)
    if not line:
        raise UnusableError(Fault.EMPTY)
    if len(line) > max_characters:
        raise UnusableError(Fault.OVER_LONG)
    return line
