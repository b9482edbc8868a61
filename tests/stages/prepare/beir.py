"""A small collection in BEIR's form, and what the stage prepare says of it."""

import json
from pathlib import Path
from typing import Any

from tests.preparing import prepare

CORPUS = """\
{"_id": "d2", "title": "Locks", "text": "A lock keeps two writers apart."}
{"_id": "d1", "title": "", "text": "Backups run at night."}
{"_id": "d3", "text": "Backups  run at NIGHT."}
"""
QUERIES = """\
{"_id": "q1", "text": "when do backups run"}
{"_id": "q2", "text": "two writers"}
{"_id": "q3", "text": "nobody judged this"}
{"_id": "q4", "text": "Two  Writers"}
{"_id": "q5", "text": "restore"}
"""
HEADER = "query-id\tcorpus-id\tscore\n"


def write(folder: Path, name: str, text: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def metrics(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((folder / "prepare.json").read_text())
    return loaded


def refused(folder: Path, **changes: Any) -> str:
    """The one line of an error, after which nothing new is there."""
    before = set(folder.rglob("*"))
    result = prepare(folder, **changes)
    assert result.exit_code == 1, result.output
    assert result.output.startswith("Error: ")
    assert result.output.count("\n") == 1
    new = set(folder.rglob("*")) - before
    assert {path.name for path in new} <= {"params.yaml", "tokenizer.json"}
    return result.output
