from collections.abc import Callable
from typing import Any

from stages.lib.core.collection import Document
from stages.lib.evaluation.variants import POOL, judge_variants, pooled
from stages.lib.params import Params


def test_the_pool_is_what_any_query_ranks_first() -> None:
    corpus = {f"d{index}": Document(f"d{index}", "", "") for index in range(50)}
    forwards = {f"d{index}": 1.0 - index / 100 for index in range(50)}
    run = {"q1": forwards, "q2": {"d49": 2.0, "d3": 1.0}}
    assert list(pooled(run, corpus)) == [f"d{index}" for index in range(POOL)] + ["d49"]


def test_each_variant_is_judged_beside_torch(
    with_params: Callable[[dict[str, Any]], Params],
) -> None:
    settings = with_params({"export.min_cosine": 0.9999, "export.max_ndcg_loss": 0.005})
    rows = {
        "torch": {"ndcg_cut_10": 0.5},
        "fp32": {"ndcg_cut_10": 0.5, "min_cosine": 1.0},
        "fp16": {"ndcg_cut_10": 0.4, "min_cosine": 1.0},
        "int8": {"ndcg_cut_10": 0.499, "min_cosine": 0.9},
    }
    verdicts = judge_variants(rows, settings)
    passed = {variant: verdict["passed"] for variant, verdict in verdicts.items()}
    assert passed == {"fp32": True, "fp16": False, "int8": True}
    assert "fp16: nDCG@10 0.4000 beside torch's 0.5000" in verdicts["fp16"]["reason"]
