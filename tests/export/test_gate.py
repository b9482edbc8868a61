import pytest

from stages.lib.errors import UserError
from stages.lib.export.gate import Figures, Loss, judge, measure_loss, next_best
from stages.lib.params import Params
from tests.conftest import Change


@pytest.fixture
def gate(with_params: Change) -> Params:
    return with_params({"export.min_cosine": 0.9999, "export.max_ndcg_loss": 0.005})


def loss(torch: list[float], int8: list[float]) -> Loss:
    found, expected = ({str(n): value for n, value in enumerate(each)} for each in (int8, torch))
    return measure_loss(found, expected, seed=1)


def test_a_loss_by_hand() -> None:
    measured = loss([0.5] * 4, [0.5, 0.5, 0.5, 0.3])
    assert measured.share == pytest.approx(0.1)
    assert 0 <= measured.low < 0.1 < measured.high <= 0.4
    assert loss([0.0] * 4, [0.0] * 4).share == 0


def test_a_loss_is_refused_with_its_figures_if_its_whole_interval_is_beyond(gate: Params) -> None:
    every = judge("int8", Figures(0.98, loss([0.5] * 40, [0.45] * 40)), gate.export)
    assert not every.passed
    assert "a loss of 10.00% of nDCG@10 on 40 dev queries (10.00% to 10.00%)" in every.reason
    # the mean is as far beyond the limit, by two queries that might as well not be there
    few = loss([0.5] * 40, [0.5] * 37 + [0.0, 0.0, 1.0])
    assert few.share > 4 * gate.export.max_ndcg_loss
    assert judge("int8", Figures(0.98, few), gate.export).passed


def test_a_few_queries_refuse_nothing(gate: Params) -> None:
    assert judge("int8", Figures(0.98, loss([0.5] * 9, [0.4] * 9)), gate.export).passed
    assert not judge("int8", Figures(0.98, loss([0.5] * 10, [0.4] * 10)), gate.export).passed
    assert judge("int8", Figures(0.98, loss([0.5], [0.1])), gate.export).passed


@pytest.mark.parametrize("variant", ["fp32", "fp16"])
def test_what_should_equal_torch_is_judged_by_its_worst_text(variant: str, gate: Params) -> None:
    assert judge(variant, Figures(0.99991), gate.export).passed
    assert (
        "0.999800 is below export.min_cosine" in judge(variant, Figures(0.9998), gate.export).reason
    )


def test_a_gain_passes(gate: Params) -> None:
    assert judge("int8", Figures(0.9, loss([0.2] * 20, [0.3] * 20)), gate.export).passed


def test_fp32_takes_the_place_of_what_is_refused() -> None:
    assert next_best("int8", {"fp32": True, "int8": True}) == "int8"
    assert next_best("int8", {"fp32": True, "int8": False}) == "fp32"
    with pytest.raises(UserError, match="no exported variant passed its gate"):
        next_best("int8", {"fp32": False, "int8": False})
