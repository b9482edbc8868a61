"""The questions of an evaluation, and what a language model answers from each system's passages."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from stages.lib.answering.passages import PassagePrompts, Statement
from stages.lib.core import seeds
from stages.lib.core.collection import Corpus, Split
from stages.lib.llm.answers import Question

REFERENCE = "reference"
"""The label of the answers that stand for references, written from the judged passages."""
References = Mapping[str, Sequence[str]]
"""The right answers, each good by itself, by query_id."""
Shown = Mapping[str, Sequence[str]]
"""The doc_ids of the passages that are shown, by query_id."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, the passages that it was written from, and those that it rests on."""

    text: str
    doc_ids: tuple[str, ...]
    cited: tuple[str, ...]


def drawn(split: Split, references: References, count: int, seed: int) -> list[str]:
    """The query_ids to ask, by hash: those with a reference where there are any, else all judged.

    Args:
        split: the judged queries.
        references: of some of them, or of none.
        count: how many; 0 for all.
        seed: of the draw.

    """
    relevant = {name for name, row in split.qrels.items() if max(row.values(), default=0) > 0}
    known = relevant & references.keys() if references else relevant
    order = seeds.shuffled(seed, known, "answer")
    # answers are found by the question's text, and one that is asked twice tells no more
    once = {split.queries[query_id]: query_id for query_id in reversed(order)}
    return [query_id for query_id in order if once[split.queries[query_id]] == query_id][
        : count or None
    ]


def judged_best(split: Split, query_id: str, count: int) -> list[str]:
    """The passages judged most relevant, of one grade, at most so many."""
    row = split.qrels[query_id]
    best = max(row.values())
    return sorted(doc_id for doc_id, grade in row.items() if grade == best)[:count]


def questions(
    writer: PassagePrompts, corpus: Corpus, texts: Mapping[str, str], shown: Mapping[str, Shown]
) -> Iterator[Question[Statement]]:
    """A question for each query and label, about the passages that are shown.

    Args:
        writer: makes the requests.
        corpus: the passages.
        texts: what is asked, by query_id.
        shown: the passages by query_id, by label.

    """
    for label, passages in shown.items():
        for query_id, doc_ids in passages.items():
            documents = [corpus[doc_id] for doc_id in doc_ids]
            yield writer.answer(texts[query_id], documents, label)


def answers(
    parts: Mapping[str, Sequence[Mapping[str, Statement]]],
    texts: Mapping[str, str],
    label: str,
    shown: Shown,
) -> dict[str, Answer]:
    """The answers of one label by query_id; a question without an answer is left out."""
    found: dict[str, Answer] = {}
    for query_id, doc_ids in shown.items():
        own = {
            name: statement
            for part in parts.get(texts[query_id], ())
            for name, statement in part.items()
            if name.startswith(label)
        }
        if own:
            statements = [own[name] for name in sorted(own)]
            cited = {number for statement in statements for number in statement.numbers}
            found[query_id] = Answer(
                " ".join(statement.text for statement in statements),
                tuple(doc_ids),
                tuple(doc_ids[number - 1] for number in sorted(cited)),
            )
    return found
