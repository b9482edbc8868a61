"""Answers that a language model once gave, from a folder."""

from pathlib import Path
from typing import Any

import orjson

from stages.lib.core.files import read_json, read_jsonl
from stages.lib.errors import UserError
from stages.lib.llm.messages import Request, Response

FILES = {
    "dataset_rules": "rules.json",
    "synthetic_queries": "queries.jsonl",
    "query_answers": "query_answers.jsonl",
    "hard_queries": "hard.jsonl",
    "relevance_judgements": "judgements.jsonl",
    "passage_answer": "answers.jsonl",
    "brainstormed_tasks": "tasks.jsonl",
    "task_examples": "examples.jsonl",
    "answer_verdicts": "verdicts.jsonl",
}
SUBJECTS = {
    "synthetic_queries": "doc_id",
    "query_answers": "doc_id",
    "hard_queries": "doc_id",
    "relevance_judgements": "query_id",
    "passage_answer": "question",
    "brainstormed_tasks": "family",
    "task_examples": "task",
    "answer_verdicts": "question",
}
UNANSWERED = "The passages do not answer the question."


def judges(folder: Path) -> bool:
    """Whether grades are recorded, and the queries that they are about."""
    names = (FILES["hard_queries"], FILES["relevance_judgements"])
    return all((folder / name).is_file() for name in names)


class Recorded:
    """Answers from the files of `FILES`, whose lines are found by the keys of `SUBJECTS`.

    Of a line of query_answers.jsonl, judgements.jsonl, answers.jsonl, verdicts.jsonl or
    examples.jsonl, what counts is about the queries, the documents, the answers or the number of
    the example that a request shows.
    """

    paid = False

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._answers: dict[str, dict[str, Any]] = {}

    async def complete(self, request: Request) -> Response | None:
        """The recorded answer; None for a subject that has none."""
        answers = self._answers.get(request.schema)
        if answers is None:
            answers = self._answers[request.schema] = self._read(request.schema)
        answer = answers.get(request.subject if request.schema in SUBJECTS else "")
        if answer is not None and request.schema in ABOUT:
            answer = ABOUT[request.schema](answer, request)
        if answer is None:
            return None
        return Response(orjson.dumps(answer).decode(), "stop", None, "recorded", 0, 0)

    async def close(self) -> None:
        """There is nothing to end."""

    def _read(self, schema: str) -> dict[str, Any]:
        path = self._folder / FILES[schema]
        if not path.is_file():
            raise UserError(
                f"{path}: no such file; llm.provider recorded reads it: mend llm.recorded in "
                "params.yaml, or set another provider"
            )
        if schema not in SUBJECTS:
            return {"": read_json(path)}
        name = SUBJECTS[schema]
        answers: dict[str, Any] = {}
        for number, row in read_jsonl(path):
            if not isinstance(row.get(name), str):
                raise UserError(f'{path}:{number}: "{name}" is missing or not a string')
            answers[row.pop(name)] = row
        return answers


def _shown(answer: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The judgements of the documents that a request shows, a line of JSON each; None for none."""
    judgements = answer.get("judgements")
    if not isinstance(judgements, list):
        return answer
    doc_ids = _doc_ids(request)
    shown = [
        judgement
        for judgement in judgements
        if isinstance(judgement, dict) and judgement.get("doc_id") in doc_ids
    ]
    return {"judgements": shown} if shown else None


def _answered(answer: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The answers to the queries that a request shows, with their types; None for none."""
    types = {line["query"]: line["type"] for line in _lines(request) if "query" in line}
    answers = [
        {"type": types[one["query"]], "text": one.get("text")}
        for one in answer.get("answers", [])
        if isinstance(one, dict) and one.get("query") in types
    ]
    return {"answers": answers} if answers else None


def _grounded(answer: dict[str, Any], request: Request) -> dict[str, Any]:
    """The statements that rest on a passage which the request shows; the words for none, if none.

    What a language model would say of other passages nobody can know, but it would not say what
    stands in none of them.
    """
    doc_ids = _doc_ids(request)
    statements = [
        statement
        for statement in answer.get("statements", [])
        if isinstance(statement, dict) and doc_ids & set(statement.get("doc_ids", []))
    ]
    return {"statements": statements or [{"text": UNANSWERED, "doc_ids": []}]}


def _numbered(answer: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The example that a request, a line of JSON, gives the number of, from 1; None for none."""
    examples = answer.get("examples")
    number = orjson.loads(request.user)["example"]
    chosen = examples[number - 1 : number] if isinstance(examples, list) else []
    return {"examples": chosen} if chosen else None


def _graded(answer: dict[str, Any], request: Request) -> dict[str, Any] | None:
    """The grades of the answers that a request shows, by their text; None where one has none."""
    known = {verdict["text"]: verdict for verdict in answer.get("verdicts", [])}
    shown = [line for line in _lines(request) if "answer" in line]
    if not all(line["text"] in known for line in shown):
        return None
    return {"verdicts": [known[line["text"]] | {"answer": line["answer"]} for line in shown]}


def _doc_ids(request: Request) -> set[str]:
    """The documents that a request shows."""
    return {line["doc_id"] for line in _lines(request) if "doc_id" in line}


def _lines(request: Request) -> list[dict[str, Any]]:
    """What a request shows, a line of JSON each."""
    return [orjson.loads(line) for line in request.user.splitlines()]


ABOUT = {
    "query_answers": _answered,
    "relevance_judgements": _shown,
    "passage_answer": _grounded,
    "answer_verdicts": _graded,
    "task_examples": _numbered,
}
"""What takes of a recorded answer the part that is about what a request shows."""
