from stages.lib.core.collection import Document
from stages.lib.evaluation.variants import POOL, pooled


def test_the_pool_is_what_any_query_ranks_first() -> None:
    corpus = {f"d{index}": Document(f"d{index}", "", "") for index in range(50)}
    forwards = {f"d{index}": 1.0 - index / 100 for index in range(50)}
    run = {"q1": forwards, "q2": {"d49": 2.0, "d3": 1.0}}
    assert list(pooled(run, corpus)) == [f"d{index}" for index in range(POOL)] + ["d49"]
