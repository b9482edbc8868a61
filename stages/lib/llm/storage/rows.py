"""Rows of responses: lines of JSON with a checksum, read by name."""

import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from stages.lib.llm.messages import Rejection, Response

CHECKSUM = "checksum"


def line_of(row: Mapping[str, Any]) -> bytes:
    """The line of a row, with the checksum of what it says."""
    return orjson.dumps({**row, CHECKSUM: _checksum(row)})


def parsed(line: bytes | None) -> dict[str, Any] | None:
    """The row of a line, with its checksum; None where it is damaged.

    Rows of earlier versions have no checksum.
    """
    try:
        row = orjson.loads(line) if line else None
    except orjson.JSONDecodeError:
        return None
    if not isinstance(row, dict) or row.get(CHECKSUM, _checksum(row)) != _checksum(row):
        return None
    return row


def about(row: dict[str, Any], subject: str) -> bytes:
    """The line of a row as one about another subject."""
    changed = row | {"subject": subject}
    return line_of(changed) if CHECKSUM in row else orjson.dumps(changed)


def outcome(row: dict[str, Any] | None) -> Response | Rejection | None:
    """What a row holds, by name; None where it holds nothing that can be read."""
    if row is None:
        return None
    if isinstance(row.get("rejected"), str):
        return Rejection(row["rejected"])
    held = row.get("response")
    if not isinstance(held, dict) or not isinstance(held.get("text"), str):
        return None
    refusal = held.get("refusal")
    return Response(
        text=held["text"],
        finish_reason=_text(held.get("finish_reason")),
        refusal=refusal if isinstance(refusal, str) else None,
        model=_text(held.get("model")),
        prompt_tokens=_count(held.get("prompt_tokens")),
        completion_tokens=_count(held.get("completion_tokens")),
        endpoint=_text(held.get("endpoint")),
    )


def _checksum(row: Mapping[str, Any]) -> str:
    # of what the row says, not of its bytes: another order of keys or other spaces harm nothing
    said = {name: value for name, value in row.items() if name != CHECKSUM}
    return f"{zlib.crc32(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)):08x}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
