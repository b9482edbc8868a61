"""Training rows: mining writes one for each query, and training reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.collection import Corpus
from stages.lib.core.files import read_json, read_jsonl, write_json, write_jsonl


@dataclass(frozen=True, slots=True)
class Example:
    """A training query as the teacher sees it.

    `ranking` holds the teacher's best documents with their scores, best first; positives and
    negatives are taken from it. `answers` are the documents that people or a judge found relevant,
    in the ranking or beyond it; empty where only the document is known that the query was written
    for. An unlabelled query has neither positives nor negatives; `source` names the document that
    its words come from, which training must not count as an answer.
    """

    query_id: str
    query: str
    ranking: dict[str, float]
    positives: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    source: str | None = None

    @property
    def document(self) -> str | None:
        """The document that the query is about, as far as that is known."""
        return self.source or next(iter(self.positives), None)

    def row(self, corpus: Corpus) -> dict[str, Any]:
        """The line that FlagEmbedding reads too; ids and ranking come beside its own keys."""
        return {
            "query": self.query,
            "pos": [corpus[doc_id].contents for doc_id in self.positives],
            "neg": [corpus[doc_id].contents for doc_id in self.negatives],
            "pos_scores": [self.ranking[doc_id] for doc_id in self.positives],
            "neg_scores": [self.ranking[doc_id] for doc_id in self.negatives],
            "query_id": self.query_id,
            "pos_ids": list(self.positives),
            "neg_ids": list(self.negatives),
            "answers": list(self.answers),
            "source": self.source,
            "ranking": {doc_id: round(score, 5) for doc_id, score in self.ranking.items()},
        }


def read_example(row: dict[str, Any]) -> Example:
    """The example of a line that `Example.row` wrote."""
    return Example(
        row["query_id"],
        row["query"],
        row["ranking"],
        tuple(row["pos_ids"]),
        tuple(row["neg_ids"]),
        tuple(row["answers"]),
        row["source"],
    )


BASE = "base"
"""The teacher's name where the base model itself ranks best: then nobody teaches."""


@dataclass(frozen=True, slots=True)
class Mined:
    """What mining leaves for training.

    `train` are the queries with positives and hard negatives; `unlabelled` are those without: the
    teacher's ranking labels them, and people's answers where there are some. `dev` are the
    synthetic dev queries, ranked by the teacher.
    """

    teacher: str
    train: Sequence[Example]
    unlabelled: Sequence[Example]
    dev: Sequence[Example]

    @property
    def taught(self) -> bool:
        """Whether there is a teacher that ranks better than the student."""
        return self.teacher != BASE


def write_mined(folder: Path, mined: Mined, corpus: Corpus) -> None:
    """Writes train.jsonl, unlabelled.jsonl, dev.jsonl and teacher.json."""
    parts = {"train": mined.train, "unlabelled": mined.unlabelled, "dev": mined.dev}
    for name, examples in parts.items():
        write_jsonl(folder / f"{name}.jsonl", (example.row(corpus) for example in examples))
    write_json(folder / "teacher.json", {"teacher": mined.teacher})


def read_mined(folder: Path) -> Mined:
    """Reads what `write_mined` wrote."""
    parts = {
        name: [read_example(row) for _, row in read_jsonl(folder / f"{name}.jsonl")]
        for name in ("train", "unlabelled", "dev")
    }
    return Mined(read_json(folder / "teacher.json")["teacher"], **parts)
