"""What people answered in Argilla: records as its version 2 writes them."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic_core import from_json

from stages.lib.errors import UserError

QUESTIONS = ("decision", "text", "doc_id")
"""The questions that records carry; a dataset may lack the latter."""


def read_records(given: str) -> Iterator[dict[str, str]]:
    """The decisions in a list of records: query_id, decision, text and doc_id.

    Raises:
        UserError: it is no such list; a record at fault is named by its number from 1.

    """
    try:
        records = from_json(given)
    except ValueError as error:
        raise UserError(f"not JSON ({error})") from error
    if not isinstance(records, list):
        raise UserError("expected a list of records")
    for number, record in enumerate(records, 1):
        responses = record.get("responses") if isinstance(record, dict) else None
        if not isinstance(responses, dict) or not isinstance(record.get("id"), str):
            raise UserError(f'record {number}: "id" or "responses" is missing')
        values = {name: _response(responses.get(name)) for name in QUESTIONS}
        if values["decision"]:
            yield {"query_id": record["id"], **values}


def _response(answers: Any) -> str:
    """The first person's value of a question; "" where nobody answered."""
    first = answers[0] if isinstance(answers, Sequence) and answers else {}
    value = first.get("value") if isinstance(first, dict) else ""
    return value if isinstance(value, str) else ""
