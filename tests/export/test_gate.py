import pytest

from stages.lib.errors import UserError
from stages.lib.export.gate import Figures, judge, next_best
from stages.lib.params import Params
from tests.conftest import Change


@pytest.fixture
def gate(with_params: Change) -> Params:
    return with_params({"export.min_cosine": 0.9999, "export.max_ndcg_loss": 0.005})


def test_a_loss_at_the_limit_passes_and_one_beyond_is_refused_with_its_figures(
    gate: Params,
) -> None:
    assert judge("int8", Figures(0.98, 0.1991, 0.2), gate.export).passed
    refused = judge("int8", Figures(0.98, 0.1989, 0.2), gate.export)
    assert not refused.passed
    assert "nDCG@10 0.1989 beside torch's 0.2000 is a loss of 0.55%" in refused.reason


@pytest.mark.parametrize("variant", ["fp32", "fp16"])
def test_what_should_equal_torch_is_judged_by_its_worst_text(variant: str, gate: Params) -> None:
    assert judge(variant, Figures(0.99991), gate.export).passed
    assert (
        "0.999800 is below export.min_cosine" in judge(variant, Figures(0.9998), gate.export).reason
    )


def test_a_gain_passes(gate: Params) -> None:
    assert judge("int8", Figures(0.9, 0.3, 0.2), gate.export).passed


def test_fp32_takes_the_place_of_what_is_refused() -> None:
    assert next_best("int8", {"fp32": True, "int8": True}) == "int8"
    assert next_best("int8", {"fp32": True, "int8": False}) == "fp32"
    with pytest.raises(UserError, match="no exported variant passed its gate"):
        next_best("int8", {"fp32": False, "int8": False})
