"""The gate of the model as a whole, by dev."""

from collections.abc import Sequence

import numpy as np

from stages.lib.core.collection import Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.evidence import DevSet, Evidence
from stages.lib.search.weights import Weight
from stages.lib.training.candidates import BASE, MIXTURE, Candidate
from stages.lib.training.choice import Belief, Standing
from stages.lib.training.gate import judge


class Lexical:
    """Finds the one document or the other for every query."""

    def __init__(self, first: str) -> None:
        self.doc_ids = ["good", "bad"]
        self._row = [2, 1] if first == "good" else [1, 2]

    def scores(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._row for _ in texts], np.float32)


def standing(kind: str, value: float, queries: int, dev: str) -> Standing:
    values = {dev: np.full(queries, value)}
    known = Belief(0.0, 0.01)
    return Standing(
        Candidate(kind, kind, lambda _: []), Evidence(Weight(0.7, {}), values, values), known, known
    )


def verdict(
    served: float, *, base: float = 0.5, n: int = 20, dev: str = "people", bm25: str = "bad"
) -> str:
    names = [f"q{number:02}" for number in range(n)]
    split = Split(dict.fromkeys(names, "text"), {name: {"good": 1} for name in names})
    found = judge(
        standing(MIXTURE, served, n, dev),
        standing(BASE, base, n, dev).evidence,
        [DevSet(dev, split, split)],
        Lexical(bm25),
    )
    assert found.passed == (not found.reason)
    return found.reason


def test_what_is_no_worse_passes() -> None:
    # BM25, with the one relevant document second, has 0.63
    assert verdict(0.7) == verdict(0.64) == ""


def test_people_refuse_what_is_worse_than_the_best_without_tuning() -> None:
    assert "0.5500, that of base" in verdict(0.55, base=0.8)
    assert "0.7000, that of bm25 1.0000" in verdict(0.7, bm25="good")


def test_known_answers_refuse_nothing() -> None:
    assert verdict(0.55, base=0.8, dev="synthetic") == ""


def test_too_few_queries_to_tell() -> None:
    assert "9 synthetic dev queries are too few" in verdict(0.9, n=9, dev="synthetic")
    assert verdict(0.9, n=10, dev="synthetic") == ""


def test_what_is_worse_within_chance_passes() -> None:
    names = [f"q{number:02}" for number in range(20)]
    split = Split(dict.fromkeys(names, "text"), {name: {"good": 1} for name in names})
    known = Belief(0.0, 0.01)
    # 0.65 in the mean beside the base's 0.7, with a standard error of 0.05
    values = {"people": np.tile([0.44, 0.86], 10)}
    noisy = Standing(
        Candidate(MIXTURE, MIXTURE, lambda _: []),
        Evidence(Weight(0.7, {}), values, values),
        known,
        known,
    )
    sets = [DevSet("people", split, split)]
    assert judge(noisy, standing(BASE, 0.7, 20, "people").evidence, sets, Lexical("bad")).passed
