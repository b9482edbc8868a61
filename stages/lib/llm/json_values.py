"""JSON inside what a model says around it: prose, thoughts, fences, stop tokens."""

import ast
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic_core import from_json

STARTS = 200
"""Places of a text where a value may begin that are tried, since each may read all that follows."""
THOUGHTS_END = "</think>"
DECODER = json.JSONDecoder(strict=False)


def json_values(text: str, cut: bool) -> Iterator[Any]:
    """The objects and lists of a text, from its start; what a model thought aloud comes last.

    Args:
        text: of a model.
        cut: it was cut off, so that a value may lack its end.

    """
    thoughts, mark, said = text.rpartition(THOUGHTS_END)
    yield from _whole(said)
    yield from _nearly(said, cut)
    if mark:
        yield from _whole(thoughts)


def _whole(text: str) -> Iterator[Any]:
    end = 0
    for start in itertools.islice(_starts(text), STARTS):
        if start < end:  # within the value before
            continue
        try:
            value, end = DECODER.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        yield value


def _nearly(text: str, cut: bool) -> Iterator[Any]:
    """Values without their end, or as Python writes them: single quotes, a comma at the end."""
    start = next(_starts(text), None)
    if start is None:
        return
    try:
        if cut:
            yield from_json(text[start:], allow_partial=True)
        else:
            end = max(text.rfind("}"), text.rfind("]")) + 1
            yield ast.literal_eval(text[start:end])
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return


def _starts(text: str) -> Iterator[int]:
    return (match.start() for match in re.finditer(r"[\[{]", text))


def folded(value: dict[str, Any]) -> dict[str, Any]:
    """An object with the names of its keys in small letters; the first of two alike counts."""
    small: dict[str, Any] = {}
    for name, each in value.items():
        small.setdefault(str(name).strip().casefold(), each)
    return small
