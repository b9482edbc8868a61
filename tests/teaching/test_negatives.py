from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.collection import Document
from stages.lib.core.examples import read_example
from stages.lib.params import Mine
from stages.lib.teaching.negatives import Answers, known_answers, labelled, unlabelled

RANKING = {"q": {"n1": 2.0, "p": 1.0, "n2": 0.99, "ignored": 0.9, "n3": 0.9, "n4": 0.5, "n5": -1.0}}


def params(**changes: Any) -> Mine:
    values = {
        "sentence_share": 0.4,
        "cross_encoder": "",
        "cross_encoder_revision": "main",
        "cross_encoder_tokens": 256,
        "cross_encoder_depth": 50,
        "language_model": "",
        "language_model_revision": "",
        "language_model_depth": 20,
        "neighbours": 5,
        "smoothing": 0.3,
        "depth": 10,
        "range_min": 0,
        "range_max": 10,
        "margin": 0.05,
        "negatives": 10,
    }
    return Mine.model_validate(values | changes)


def mined(settings: Mine) -> list[str]:
    examples = labelled(
        {"q": "text"}, {"q": {"p": 1}}, {}, {"q": {"ignored": 1}}, RANKING, settings
    )
    return [doc_id for example in examples for doc_id in example.negatives]


def test_negatives_keep_the_margin_and_leave_out_ignored() -> None:
    assert mined(params()) == ["n3", "n4", "n5"]


def test_the_range_counts_ranks_without_positives() -> None:
    # others: n1 n2 n3 n4 n5
    assert mined(params(range_min=3)) == ["n4", "n5"]
    assert mined(params(range_max=4, negatives=1)) == ["n3"]


def test_a_positive_below_zero_keeps_its_margin() -> None:
    ranking = {"q": {"a": -1.0, "p": -1.0, "b": -1.04, "c": -1.06}}
    (example,) = labelled({"q": "text"}, {"q": {"p": 1}}, {}, {}, ranking, params())
    assert list(example.negatives) == ["c"]


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-3, 3), min_size=2))
def test_a_positive_is_never_its_own_negative(scores: dict[str, float]) -> None:
    ranking = {"q": dict(sorted(scores.items(), key=lambda each: -each[1]))}
    for example in labelled(
        {"q": "text"}, {"q": {"a": 1, "b": 2}}, {}, {}, ranking, params(margin=0.0)
    ):
        assert set(example.positives) <= {"a", "b"}
        assert not {"a", "b"} & set(example.negatives)
        highest = max(scores[doc_id] for doc_id in example.negatives)
        assert highest <= min(scores[doc_id] for doc_id in example.positives)


def test_ignored_documents_leave_the_ranking() -> None:
    (example,) = labelled(
        {"q": "text"}, {"q": {"p": 1}}, {}, {"q": {"ignored": 1}}, RANKING, params()
    )
    assert list(example.ranking) == ["n1", "p", "n2", "n3", "n4", "n5"]


def test_answers_are_what_is_known_beyond_the_document_that_a_query_was_written_for() -> None:
    qrels = {"people": {"b": 2, "a": 1, "no": 0}, "expanded": {"d": 1, "c": 1}, "written": {"d": 1}}
    found = known_answers(qrels, {"expanded": {"d": 1}, "written": {"d": 1}})
    assert found == {"people": ("a", "b"), "expanded": ("c", "d")}


def test_rows_are_read_back() -> None:
    corpus = {doc_id: Document(doc_id, doc_id.upper(), "text") for doc_id in RANKING["q"]}
    answers: Answers = {"q": ("elsewhere", "p")}
    (example,) = labelled({"q": "text"}, {"q": {"p": 1}}, answers, {}, RANKING, params())
    row = example.row(corpus)
    assert row["pos"] == ["P text"]
    assert row["pos_scores"] == [1.0]
    assert len(row["neg"]) == len(row["neg_scores"]) == 4
    assert read_example(row) == example
    assert example.answers == ("elsewhere", "p")
    (phrase,) = unlabelled({"q": "text"}, answers, {"q": "n2"}, RANKING)
    assert read_example(phrase.row(corpus)) == phrase
