import numpy as np
import pytest

from stages.lib.core.collection import Document, Split
from stages.lib.evaluation.comparison import Basis
from stages.lib.evaluation.newcomers import measure_newcomers
from stages.lib.search.engine import Known

DOC_IDS = ["answer", "other", "judged"]
TRAINED = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.6, 0.8, 0]], np.float32)


def measured(answer: list[float], judged: list[float]) -> float:
    """nDCG@10 of one query, whose only answer comes after training."""
    corpus = {doc_id: Document(doc_id, "", doc_id) for doc_id in DOC_IDS}
    split = Split({"q": "question"}, {"q": {"answer": 1, "judged": 0}})
    dense = Known(DOC_IDS, TRAINED, {"question": np.array([1, 0, 0], np.float32)})
    encoded = np.array([answer, [9, 9, 9], judged], np.float32)
    row = measure_newcomers(dense, encoded, corpus, Basis("test", split))
    value: float = row["new_documents"]["ndcg_cut_10"]
    return value


def test_a_querys_answers_are_those_that_come_later() -> None:
    second, third = 1 / np.log2(3), 1 / np.log2(4)
    assert measured([0.7, 0, 0], [0.6, 0, 0]) == pytest.approx(second, abs=1e-6)
    assert measured([0.5, 0, 0], [0.6, 0, 0]) == pytest.approx(third, abs=1e-6)
    # what was judged to be no answer was there before, as all others
    assert measured([0.5, 0, 0], [0.1, 0, 0]) == pytest.approx(third, abs=1e-6)
    assert measured([0.9, 0, 0], [0.1, 0, 0]) == 1.0
