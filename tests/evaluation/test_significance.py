import itertools

import numpy as np
import pytest

from stages.lib.evaluation.significance import compare, holm, randomisation
from stages.lib.search.bootstrap import interval


def exhaustive(deltas: list[float]) -> float:
    """The p of all sign assignments."""
    observed = abs(sum(deltas))
    sums = [
        abs(sum(sign * delta for sign, delta in zip(signs, deltas, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(deltas))
    ]
    return sum(each >= observed - 1e-12 for each in sums) / len(sums)


@pytest.mark.parametrize(
    "deltas",
    [
        [0.1, 0.2, 0.3, 0.1, 0.4, 0.2, 0.1, 0.3],
        [0.5, -0.1, 0.2, -0.3, 0.4, 0.1, -0.2, 0.3],
        [0.5, -0.5, 0.0, 0.1, 0.0, -0.2, 0.3, 0.0],
    ],
)
def test_randomisation_agrees_with_all_permutations(deltas: list[float]) -> None:
    found = randomisation(np.array(deltas), 20_000, 1)
    assert found == pytest.approx(exhaustive(deltas), abs=0.012)


def test_equal_systems_do_not_differ_and_p_is_never_0() -> None:
    assert randomisation(np.zeros(8), 1000, 1) == 1.0
    assert randomisation(np.full(50, 0.1), 1000, 1) == 1 / 1001
    assert randomisation(np.array([0.1]), 1000, 1) == 1.0, "one query says nothing"


def test_the_sign_of_a_difference_does_not_matter_to_its_p() -> None:
    deltas = np.random.default_rng(3).normal(0.05, 0.3, 80)
    assert randomisation(deltas, 2000, 1) == randomisation(-deltas, 2000, 1)


def test_holm_by_hand() -> None:
    # sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, and never falling: 0.02, 0.03, 0.06, 0.06
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_bootstrap_covers_the_true_mean() -> None:
    random = np.random.default_rng(0)
    covered = 0
    for number in range(300):
        low, high = interval(random.normal(0.1, 0.3, 60), 500, number)
        covered += low <= 0.1 <= high
    assert 0.91 <= covered / 300 <= 0.98


def test_bootstrap_of_a_constant_is_that_constant() -> None:
    assert interval(np.full(20, 0.25), 1500, 1) == (0.25, 0.25)
    assert interval(np.array([0.25]), 1500, 1) == (0.25, 0.25)


def test_compare_counts_and_corrects() -> None:
    base = {f"q{i}": 0.5 for i in range(30)}
    better = {each: 0.5 + (0.1 if each != "q0" else -0.1) for each in base}
    found = compare(
        {"base": base, "same": base, "better": better}, dict.fromkeys(("same", "better"), "base"),
        resamples=2000, seed=1,
    )  # fmt: skip
    assert (found["better"].better, found["better"].worse, found["better"].n) == (29, 1, 30)
    assert found["better"].difference == pytest.approx(28 / 300)
    assert found["better"].low < 28 / 300 < found["better"].high
    assert found["better"].p_holm == pytest.approx(2 * found["better"].p)
    assert (found["same"].p, found["same"].p_holm, found["same"].difference) == (1.0, 1.0, 0.0)
    again = compare({"base": base, "better": better}, {"better": "base"}, 2000, 1)
    assert again["better"].p == found["better"].p


def test_systems_on_different_queries_are_not_compared() -> None:
    with pytest.raises(ValueError, match="tuned and base were measured on different queries"):
        compare({"base": {"q1": 1.0}, "tuned": {"q2": 1.0}}, {"tuned": "base"}, 100, 1)
