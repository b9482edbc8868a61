"""What dev measures of a candidate whose documents are mixed with queries, and what ships of it."""

from pathlib import Path

import numpy as np

from stages.lib.core.collection import Document, Split
from stages.lib.core.examples import Example
from stages.lib.encoding.encoder import encode, load_encoder
from stages.lib.encoding.store import as_kept
from stages.lib.evidence import DevSet, measure
from stages.lib.search.crossfit import Search, by_document, deal
from stages.lib.training.candidates import candidates
from stages.lib.training.choice import load_whole, measured, searched
from stages.lib.training.students import DOCUMENTS, Student, student
from tests.conftest import Change
from tests.search.scorers import GivenScores

CORPUS = {
    name: Document(name, "", f"the {name}") for name in ("apple", "pear", "plum", "car", "bus")
}
HELD_OUT = Split(
    {"q1": "a red car", "q2": "a blue car", "q3": "a green car"},
    {query_id: {"car": 1} for query_id in ("q1", "q2", "q3")},
)
TRAINED = [Example("t1", "a red apple", {"apple": 1.0, "car": 0.1}, ("apple",), ())]


def made(tiny_model: Path, with_params: Change) -> Student:
    settings = with_params({"encoder.max_length": 16, "train.neighbours": 0})
    model = load_encoder(tiny_model, settings.encoder)
    vectors = encode(model, [document.contents for document in CORPUS.values()])
    return student(model, CORPUS, vectors, TRAINED, settings)


def test_no_query_meets_a_document_that_it_is_mixed_into(
    tiny_model: Path, with_params: Change
) -> None:
    tuned = made(tiny_model, with_params)
    base = tuned.weights()
    plain, enriched = candidates(tuned, base, None, [])
    search = searched(tuned, enriched, HELD_OUT)
    folds = deal(HELD_OUT)
    row = list(CORPUS).index("car")
    queries = encode(tuned.model, list(HELD_OUT.queries.values()))
    for text, fold in folds.items():
        others = [n for n, other in enumerate(HELD_OUT.queries.values()) if other != text]
        mean = queries[others].mean(axis=0)
        mixed = 0.6 * base[DOCUMENTS].numpy()[row] + 0.4 * mean / np.linalg.norm(mean)
        found = search.parts[fold].vectors[row]
        np.testing.assert_allclose(found, mixed / np.linalg.norm(mixed), atol=2e-3)
    # other queries meet documents that are mixed with all, as those that ship
    load_whole(tuned, enriched, HELD_OUT)
    shipped = tuned.dense().vectors
    np.testing.assert_array_equal(search.parts[-1].vectors, shipped)
    (whole,) = tuned.enrich(base, [by_document(HELD_OUT, folds)])
    np.testing.assert_array_equal(shipped, as_kept(whole[DOCUMENTS].numpy()))
    assert len(searched(tuned, plain, HELD_OUT).parts) == 1


def test_no_candidate_counts_bm25_more_than_the_base(tiny_model: Path, with_params: Change) -> None:
    tuned = made(tiny_model, with_params)
    settings = with_params({"encoder.max_length": 16, "train.neighbours": 0})
    found = candidates(tuned, tuned.weights(), None, [])
    lexical = GivenScores(list(CORPUS), {text: [0.0] * 5 for text in HELD_OUT.queries.values()})
    sets = [DevSet("synthetic", HELD_OUT, HELD_OUT)]
    base, enriched = measured(tuned, found, lexical, sets, settings, HELD_OUT, 1)
    # BM25 that knows nothing helps nobody
    assert base.evidence.weight.dense == enriched.evidence.weight.dense == 1
    search = Search([tuned.dense()])
    for beside in (0.6, 1.0):
        of_candidate = measure(search, lexical, sets, settings, learnt=False, beside=beside)
        share = of_candidate.weight.dense
        assert share == (1 + beside) / 2, "dense search alone is the best on dev"
    # BM25 that knows the answers is wanted more than a base allows that hardly needs it
    pear = [float(name == "pear") for name in CORPUS]
    knowing = GivenScores(list(CORPUS), dict.fromkeys(HELD_OUT.queries.values(), pear))
    answered = Split(HELD_OUT.queries, {name: {"pear": 1} for name in HELD_OUT.queries})
    sets = [DevSet("synthetic", answered, answered)]
    shares = [
        measure(search, knowing, sets, settings, learnt=False, beside=beside).weight.dense
        for beside in (None, 0.95)
    ]
    assert shares[0] < 0.9, "or there is nothing to hold"
    assert shares[1] == 0.95
