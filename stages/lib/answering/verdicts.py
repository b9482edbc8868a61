"""A language model's verdicts on answers: graded, and in both orders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from statistics import fmean
from typing import Any, ClassVar

from stages.lib.answering.answers import Answer, References
from stages.lib.answering.passages import PassagePrompts
from stages.lib.core.collection import Corpus
from stages.lib.llm.answers import (
    GRADES,
    Fault,
    Question,
    UnusableError,
    list_schema,
    object_schema,
)

KINDS = ("correctness", "groundedness")
Systems = Mapping[str, Mapping[str, Answer]]
"""Answers by query_id, by system."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Grades of an answer, 0 to 3."""

    correctness: int
    groundedness: int


class Verdicts:
    """The form of the grades of answers that are shown under the numbers from 1.

    Args:
        names: what the answers are called, in the order in which they are shown.

    """

    name = "answer_verdicts"
    items = "verdicts"
    json_schema: ClassVar[dict[str, Any]] = list_schema(
        items,
        object_schema(
            {
                "answer": {"type": "integer"},
                **{kind: {"type": "integer", "enum": GRADES} for kind in KINDS},
            }
        ),
    )

    def __init__(self, names: Sequence[str]) -> None:
        self._names = dict(enumerate(names, 1))
        self.wanted = frozenset(names)

    def part(self, index: int, item: Any) -> tuple[str, Verdict]:  # noqa: ARG002 - see Form
        """An answer's name and its grades."""
        values: dict[str, Any] = item if isinstance(item, dict) else {}
        number = values.get("answer")
        grades: list[Any] = [values.get(kind) for kind in KINDS]
        if type(number) is not int or number not in self._names:
            raise UnusableError(Fault.OFF_SCHEMA)
        if not all(type(grade) is int and grade in GRADES for grade in grades):
            raise UnusableError(Fault.OFF_SCHEMA)
        return self._names[number], Verdict(*grades)


def orders(answers: Mapping[str, Answer]) -> list[list[str]]:
    """The orders in which a question's answers are shown: both, or one where they are the same.

    A name is that of a system, or of both where the answer and its passages are the same.
    """
    distinct: dict[Answer, list[str]] = {}
    for system, answer in answers.items():
        distinct.setdefault(answer, []).append(system)
    names = [" ".join(systems) for systems in distinct.values()]
    return [list(order) for order in permutations(names)]


def questions(
    writer: PassagePrompts,
    corpus: Corpus,
    texts: Mapping[str, str],
    references: References,
    systems: Systems,
    asked: Sequence[str],
) -> Iterator[Question[Verdict]]:
    """A question for each order of a query's answers."""
    for query_id in asked:
        answers = {system: found[query_id] for system, found in systems.items()}
        doc_ids = sorted({doc_id for answer in answers.values() for doc_id in answer.doc_ids})
        for order in orders(answers):
            lines: list[dict[str, object]] = [{"question": texts[query_id]}]
            lines += [{"reference": text} for text in references[query_id]]
            for number, name in enumerate(order, 1):
                answer = answers[name.split()[0]]
                lines.append(
                    {"answer": number, "text": answer.text, "doc_ids": list(answer.doc_ids)}
                )
            documents = [corpus[doc_id] for doc_id in doc_ids]
            yield writer.question(Verdicts(order), "verdict", texts[query_id], lines, documents)


def graded(
    parts: Mapping[str, Sequence[Mapping[str, Verdict]]],
    texts: Mapping[str, str],
    systems: Systems,
    asked: Sequence[str],
) -> dict[str, dict[str, dict[str, float]]]:
    """The mean grade of all orders as a share of the highest, by system, measure and query_id.

    A question counts where each of its orders was graded whole: one order alone favours a place.
    """
    found: dict[str, dict[str, dict[str, float]]] = {
        system: {kind: {} for kind in KINDS} for system in systems
    }
    for query_id in asked:
        wanted = orders({system: answers[query_id] for system, answers in systems.items()})
        whole = [part for part in parts.get(texts[query_id], ()) if part.keys() == set(wanted[0])]
        if len(whole) != len(wanted):
            continue
        for name in wanted[0]:
            for system in name.split():
                for kind in KINDS:
                    grades = [getattr(part[name], kind) for part in whole]
                    found[system][kind][query_id] = fmean(grades) / max(GRADES)
    return found


def unsteady(parts: Mapping[str, Sequence[Mapping[str, Verdict]]]) -> float | None:
    """The share of answers whose grades the order changed; None where none was shown in two."""
    twice = [
        one[name] != other[name]
        for found in parts.values()
        if len(found) == 2
        for one, other in [found]
        for name in one.keys() & other.keys()
    ]
    return round(fmean(twice), 4) if twice else None
