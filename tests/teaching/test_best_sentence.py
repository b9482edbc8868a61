from pathlib import Path

import numpy as np
import pytest

from stages.lib.core.collection import Document
from stages.lib.core.text import all_sentences, sentences
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.search.engine import Dense
from stages.lib.teaching.best_sentence import BestSentence, load_best_sentence


class Given(Dense):
    """A dense scorer whose queries have given vectors."""

    def __init__(self, doc_ids: list[str], queries: dict[str, list[float]]) -> None:
        self.doc_ids = doc_ids
        self._queries = queries

    def encode(self, texts: object) -> Vectors:
        return np.array([self._queries[text] for text in texts], np.float32)  # type: ignore[attr-defined]


def test_sentences_end_at_marks_and_lines() -> None:
    text = "A dose of 3.5 mg was well tolerated. Was it safe in children? No.\nResults stand below."
    assert sentences(text) == [
        "A dose of 3.5 mg was well tolerated.",
        "Was it safe in children?",
        "Results stand below.",
    ]


def test_each_document_has_its_title_and_sentences_or_its_contents() -> None:
    corpus = {
        "a": Document("a", "T", "The first sentence is here. The second one is there."),
        "b": Document("b", "Title", "short"),
    }
    texts, starts = all_sentences(corpus)
    assert starts == [0, 3]
    assert texts == ["T", "The first sentence is here.", "The second one is there.", "Title short"]


def test_a_document_is_worth_its_best_sentence() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    scorer = BestSentence(Given(["a", "b"], {"q": [0.0, 1.0]}), vectors, np.array([0, 2]))
    assert scorer.scores(["q"])[0] == pytest.approx([1.0, 0.8])


def test_missing_sentences_name_the_stage(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="run dvc repro embed_base"):
        load_best_sentence(tmp_path, Given([], {}))
