from stages.lib.core.collection import Document, Queries
from stages.lib.core.generated import Generated
from stages.lib.core.text import jaccard
from stages.lib.search.engine import Run
from stages.lib.selection.copies import find_copies
from stages.lib.selection.filters import (
    Survivors,
    copied,
    dissimilar,
    distinct,
    hold_out,
    own_words,
    round_trip,
    sift,
)
from stages.lib.selection.leaks import nearest
from tests.conftest import Change


class Ranked:
    """An engine that gives the same documents for every query."""

    def __init__(self, *doc_ids: str) -> None:
        self._doc_ids = doc_ids

    def search(self, queries: Queries, depth: int) -> Run:
        ranking = {doc_id: -float(rank) for rank, doc_id in enumerate(self._doc_ids[:depth])}
        return dict.fromkeys(queries, ranking)


def query(number: int, doc_id: str, text: str) -> Generated:
    return Generated(f"q{number}", doc_id, "question", text)


def test_each_filter_counts_its_survivors(with_params: Change) -> None:
    params = with_params(
        {
            "select.min_words": 2,
            "select.max_words": 6,
            "select.retriever_depth": 2,
            "select.teacher_depth": 1,
        }
    ).select
    queries = [
        query(1, "a", "short"),
        query(2, "a", "how fast is a restore"),
        query(3, "a", "How fast is a restore?"),  # repeats q2
        query(4, "a", "how fast is the restore"),  # 4 of 6 words: stays at 0.8
        query(5, "b", "can it be paused"),
        query(6, "a", "what does it cost"),
        query(7, "b", "WHAT does it cost?!"),  # stands for two documents: both go
        query(8, "a", "is there a free trial"),  # a test query
        query(9, "c", "never found by any"),
    ]
    left = sift(queries, ["Is there a free trial?"], params, {})
    round_trip(left, [Ranked("a", "b"), Ranked("b")], Ranked("a"), params)
    assert left.counts == {
        "generated": 9,
        "well_formed": 8,
        "distinct": 5,
        "dissimilar": 5,
        "not_leaking": 4,
        "retrieved": 3,
        "confirmed": 2,
    }
    assert [each.query_id for each in left.queries] == ["q2", "q4"]


def test_a_text_for_two_documents_goes_whole() -> None:
    queries = [query(1, "a", "x y"), query(2, "b", "X, y"), query(3, "a", "z"), query(4, "a", "Z")]
    assert [each.query_id for each in distinct(queries, {})] == ["q3"]


def test_near_repetitions_count_within_a_document_alone() -> None:
    queries = [query(1, "a", "a b c d e"), query(2, "a", "a b c d"), query(3, "b", "a b c d")]
    assert [each.query_id for each in dissimilar(queries, 0.8)] == ["q1", "q3"]
    assert [each.query_id for each in dissimilar(queries, 0.81)] == ["q1", "q2", "q3"]


def test_nearest_agrees_with_jaccard_by_hand() -> None:
    texts = ["red apple", "Red, apple!", "a blue car", "", "unseen words here"]
    others = ["the red apple", "blue"]
    assert jaccard("red apple", "the red apple") == 2 / 3
    assert list(nearest(texts, others)) == [2 / 3, 2 / 3, 1 / 3, 0, 0]
    assert list(nearest(texts, [])) == [0] * 5


def test_a_document_is_in_one_split_and_stays_there() -> None:
    queries = [query(number, f"d{number % 100}", f"text {number}") for number in range(300)]
    splits = hold_out(queries, queries, 0.2, seed=1, copies={})
    train, dev = splits.train, splits.dev
    assert splits.asked == dev, "every query survived"
    sources = [{doc for judged in each.qrels.values() for doc in judged} for each in (train, dev)]
    assert not sources[0] & sources[1]
    assert 10 <= len(sources[1]) <= 30
    fewer = hold_out(queries, queries[:150], 0.2, seed=1, copies={})
    assert fewer.train.queries.keys() <= train.queries.keys()
    assert fewer.dev.queries.keys() < dev.queries.keys()
    assert fewer.asked == dev, "what dies on the round trip was asked all the same"


def test_copies_share_their_queries() -> None:
    texts = {"v2/a": "The lathe.", "v1/a": "the  lathe.", "v1/b": "The kiln."}
    copies = find_copies({doc_id: Document(doc_id, "", text) for doc_id, text in texts.items()})
    assert copies == dict.fromkeys(("v1/a", "v2/a"), ("v1/a", "v2/a"))
    queries = [query(1, "v2/a", "x y"), query(2, "v1/a", "X, y"), query(3, "v1/b", "z")]
    kept = distinct(queries, copies)
    assert [each.query_id for each in kept] == ["q1", "q3"]
    splits = hold_out(kept, kept, 0.5, seed=1, copies=copies)
    judged = splits.train.qrels | splits.dev.qrels
    assert judged == {"q1": {"v1/a": 1, "v2/a": 1}, "q3": {"v1/b": 1}}


def test_neither_split_is_empty_from_two_documents_on() -> None:
    for documents in range(2, 13):
        queries = [
            query(number, f"d{number % documents}", f"text {number}") for number in range(36)
        ]
        for seed in range(20):
            for share in (0.01, 0.15, 0.99):
                dying = [query for query in queries if query.doc_id == "d0" and documents > 2]
                confirmed = [query for query in queries if query not in dying]
                splits = hold_out(queries, confirmed, share, seed, copies={})
                assert splits.train.queries
                assert splits.dev.queries
                assert splits.dev.queries.keys() <= splits.asked.queries.keys()
                assert not splits.train.queries.keys() & splits.asked.queries.keys()
    assert not hold_out(queries[:1], queries[:1], 0.5, 1, copies={}).dev


def test_a_run_of_the_documents_words_is_copied() -> None:
    document = Document("a", "Restores", "A restore of one file takes two minutes.")
    assert copied("does a restore of ONE file, take long", document, 5)
    assert not copied("does a restore of one file take long", document, 6)
    assert copied("restores a restore of one", document, 5), "the title goes before the text"
    assert not copied("file one of restore a", document, 2)
    assert not copied("one file", document, 5)


def test_queries_in_their_documents_words_are_left_out() -> None:
    corpus = {"a": Document("a", "", "one two three four five six")}
    queries = [query(1, "a", "one two three four five"), query(2, "a", "one two three four")]
    left = Survivors(queries)
    own_words(left, corpus, 5)
    assert left.counts == {"in_own_words": 1}
    assert left.queries == queries[1:]
    left = Survivors(queries)
    own_words(left, corpus, 0)
    assert left.queries == queries
