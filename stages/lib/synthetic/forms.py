"""The forms of the answers: lists of tasks, and examples of a family."""

import math
from collections.abc import Mapping
from typing import Any

from stages.lib.core.text import has_words, normal
from stages.lib.llm.answers import Fault, UnusableError, line_of, list_schema, object_schema
from stages.lib.llm.json_values import folded
from stages.lib.synthetic.families import HIGHEST, Example, Family

MAX_TASK = 300
"""Characters of a task: it stands before each of its queries."""
THE_EXAMPLE = "example"
"""The name of the part that an answer about an example has."""


class Tasks:
    """Tasks of a family: sentences, by their normal form."""

    name = "brainstormed_tasks"
    items = "tasks"
    wanted: frozenset[str] = frozenset()

    @property
    def json_schema(self) -> dict[str, Any]:
        """A list of texts."""
        return list_schema(self.items, {"type": "string"})

    def part(self, index: int, item: Any) -> tuple[str, str]:  # noqa: ARG002 - see Form
        """A task of one line."""
        if not isinstance(item, str):
            raise UnusableError(Fault.OFF_SCHEMA)
        task = _words(item, MAX_TASK)
        return normal(task), task


class Examples:
    """One example of a family; of several in an answer, the first that is usable."""

    name = "task_examples"
    items = "examples"
    wanted = frozenset({THE_EXAMPLE})

    def __init__(self, family: Family, max_characters: int) -> None:
        self._family = family
        self._max_characters = max_characters
        kinds: dict[str, Any] = {
            name: {"type": "number" if name in family.numbers else "string"}
            for name in (*family.fields, *family.optional)
        }
        self.json_schema = list_schema(self.items, object_schema(kinds))

    def part(self, index: int, item: Any) -> tuple[str, Example]:  # noqa: ARG002 - see Form
        """The fields of an example; an optional one that is not usable is left out."""
        values = folded(item) if isinstance(item, dict) else {}
        example = {name: self._value(values, name) for name in self._family.fields}
        for name in self._family.optional:
            try:
                example[name] = self._value(values, name)
            except UnusableError:
                continue
        pairs = self._family.pairs(example)
        if not pairs or any(normal(pair.query) == normal(pair.positive) for pair in pairs):
            raise UnusableError(Fault.OFF_SCHEMA)
        return THE_EXAMPLE, example

    def _value(self, values: Mapping[str, Any], name: str) -> str | float:
        value = values.get(name)
        if name in self._family.numbers:
            return _similarity(value)
        if not isinstance(value, str):
            raise UnusableError(Fault.OFF_SCHEMA)
        return _words(value, self._max_characters)


def _words(text: str, max_characters: int) -> str:
    """A text as one line; where a model repeats the form, `...` stands in a text's place."""
    line = line_of(text, max_characters)
    if not has_words(line, 1):
        raise UnusableError(Fault.EMPTY)
    return line


def _similarity(value: Any) -> float:
    """A grade of similarity, which many models write as a text."""
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if isinstance(value, bool) or not 0 <= number <= HIGHEST:
        raise UnusableError(Fault.OFF_SCHEMA)
    return number
