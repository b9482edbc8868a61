from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.collection import Document, Split
from stages.lib.core.seeds import generator
from stages.lib.encoding.encoder import Vectors
from stages.lib.evaluation.comparison import Basis
from stages.lib.evaluation.variants import compare_types
from stages.lib.search.engine import Dense
from stages.lib.search.vector_types import as_bfloat16, binary_scores, pack, prefix, vector_types


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("float", 1536),
        ("bfloat16", 768),
        ("bfloat16, first 192", 384),
        ("bfloat16, first 96", 192),
        ("binary", 48),
    ],
)
def test_bytes_of_a_document(name: str, size: int) -> None:
    assert {each.name: each.bytes for each in vector_types(384)}[name] == size


def test_bfloat16_keeps_eight_bits() -> None:
    row = np.array([[1.0, 1.0078125, 1.001]], dtype=np.float32)
    assert as_bfloat16(row).tolist() == [[1.0, 1.0078125, 1.0]]


def test_a_prefix_is_of_unit_length() -> None:
    assert prefix(np.array([[3.0, 4.0, 12.0]], dtype=np.float32), 2).tolist() == [
        [pytest.approx(0.6), pytest.approx(0.8)]
    ]


def test_signs_are_packed_with_the_first_dimension_highest() -> None:
    row = np.array([[1, -1, 0, 1, 1, -1, -1, 1]], dtype=np.float32)
    assert pack(row).tolist() == [[0b10011001]]


def test_the_float_query_orders_what_bits_cannot() -> None:
    query = np.array([[0.9, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1]], dtype=np.float32)
    differs_in_first = np.array([-1, 1, 1, 1, 1, 1, 1, 1], dtype=np.float32)
    differs_in_last = np.array([1, 1, 1, 1, 1, 1, 1, -1], dtype=np.float32)
    far = -np.ones(8, dtype=np.float32)
    packed = pack(np.stack([differs_in_first, differs_in_last, far]))
    first, last, farthest = binary_scores(query, packed, rerank=2)[0]
    assert last > first > farthest


@given(st.integers(0, 1000), st.integers(1, 30))
def test_what_is_re_ranked_stands_above_the_rest(seed: int, rerank: int) -> None:
    random = generator(seed, "vectors")
    queries, documents = (
        prefix(random.standard_normal((count, 16)).astype(np.float32), 16) for count in (3, 20)
    )
    scores = binary_scores(queries, pack(documents), rerank)
    assert ((scores > -1.001).sum(axis=1) == min(rerank, 20)).all()
    assert scores.max() <= 1.001


class Known(Dense):
    """Search whose queries are the documents' ids."""

    def __init__(self, doc_ids: list[str], vectors: Vectors) -> None:
        super().__init__(doc_ids, vectors, model=None, prefix="")  # type: ignore[arg-type]

    def encode(self, texts: Sequence[str]) -> Vectors:
        return self.vectors[[self.doc_ids.index(text) for text in texts]]


def test_each_type_finds_its_own_document() -> None:
    documents = prefix(generator(1, "vectors").standard_normal((40, 32)).astype(np.float32), 32)
    ids = [f"d{index:02}" for index in range(40)]
    corpus = {each: Document(each, "", each) for each in ids}
    queries = {f"q{each}": each for each in ids}
    basis = Basis("test", Split(queries, {f"q{each}": {each: 1} for each in ids}))
    rows = compare_types(Known(ids, documents), corpus, basis)
    assert list(rows)[0::4] == ["float", "binary"]
    assert all(row["ndcg_cut_10"] == 1 for row in rows.values())
    assert [row["bytes"] for row in rows.values()] == [128, 64, 32, 16, 4]
