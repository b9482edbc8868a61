"""Reference answers of a collection: answers.jsonl, beside queries.jsonl.

A line a query: `{"_id": "q1", "answer": "…"}`, or several right answers under `answers`.
"""

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from stages.lib.core.characters import cleaned
from stages.lib.core.files import read_jsonl, write_jsonl
from stages.lib.core.text import one_line
from stages.lib.errors import UserError

FILE = "answers.jsonl"


def read_answers(path: Path) -> dict[str, list[str]]:
    """The right answers by query_id; none where there is no file.

    Raises:
        UserError: a line without an id or an answer, or a second line of a query.

    """
    found: dict[str, list[str]] = {}
    for number, row in read_jsonl(path) if path.is_file() else ():
        query_id, given = row.get("_id"), row.get("answers", [row.get("answer")])
        if not isinstance(query_id, str):
            raise UserError(f'{path}:{number}: "_id" is missing or not a string')
        listed = given if isinstance(given, list) else []
        texts = [text for text in listed if isinstance(text, str) and one_line(text)]
        if not texts or texts != given:
            raise UserError(
                f'{path}:{number}: expected a text under "answer", or a list of some under '
                '"answers"'
            )
        if query_id in found:
            raise UserError(f"{path}:{number}: a second line of {query_id!r}; put both in one")
        found[query_id] = [one_line(cleaned(text)) for text in texts]
    return found


def write_answers(path: Path, answers: Mapping[str, Sequence[str]], known: Container[str]) -> int:
    """Writes those of known queries, sorted, and says how many."""
    kept = {name: answers[name] for name in sorted(answers) if name in known}
    write_jsonl(path, ({"_id": name, "answers": list(texts)} for name, texts in kept.items()))
    return len(kept)
