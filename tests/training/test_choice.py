"""What ships: beliefs by hand."""

import math

import numpy as np
import pytest

from stages.lib.evidence import Evidence
from stages.lib.search.weights import Weight
from stages.lib.training.candidates import BASE, ENRICHED, MIXTURE, TRAINED, Candidate
from stages.lib.training.choice import (
    BIAS,
    BIAS_OF_TRAINING,
    PRIORS,
    Belief,
    Standing,
    believe,
    choose,
    stand,
)


def evidence(
    served: list[float], dense: list[float] | None = None, dev: str = "people"
) -> Evidence:
    return Evidence(Weight(0.7, {}), {dev: np.array(served)}, {dev: np.array(dense or served)})


def candidate(kind: str) -> Candidate:
    return Candidate(kind, kind, lambda _: [], mixes=True)


def chosen(*found: tuple[str, Evidence]) -> Standing:
    return choose(stand([(candidate(kind), one) for kind, one in found], queries=1000))


def test_a_belief_is_averaged_with_dev_by_precision() -> None:
    base = {"people": np.zeros(4)}
    values = {"people": np.array([0.0, 0.1, 0.0, 0.1])}
    prior = Belief(0.02, 0.03)
    # mean 0.05, standard error 0.057735 / 2, and the bias beside it
    variance = (0.1 * 3**-0.5 / 2) ** 2 + BIAS["people"] ** 2
    weights = np.array([0.03**-2, 1 / variance])
    wanted = float((weights * [0.02, 0.05]).sum() / weights.sum())
    found = believe(prior, values, base, BIAS)
    assert found.mean == pytest.approx(wanted)
    assert found.sd == pytest.approx(weights.sum() ** -0.5)


def test_the_base_gains_nothing_for_sure() -> None:
    (base,) = stand([(candidate(BASE), evidence([0.5]))], queries=9)
    assert base.served == base.dense == Belief(0.0, 0.0)


def test_without_dev_what_held_elsewhere_ships() -> None:
    lone = evidence([0.5])
    found = chosen((BASE, lone), (ENRICHED, lone), (MIXTURE, lone))
    assert found.candidate.kind == MIXTURE
    step = PRIORS.beyond[MIXTURE].served
    few = PRIORS.few / 1000
    assert found.served.mean == pytest.approx(PRIORS.enriched.served.mean + step.mean - few)
    assert found.served.sd == pytest.approx(math.hypot(PRIORS.enriched.served.sd, step.sd))


def test_a_training_by_few_queries_is_believed_to_cost() -> None:
    lone = evidence([0.5])
    found = [(candidate(kind), lone) for kind in (BASE, ENRICHED, MIXTURE)]
    assert choose(stand(found, queries=1000)).candidate.kind == MIXTURE
    assert choose(stand(found, queries=150)).candidate.kind == ENRICHED


def test_training_is_measured_against_the_enriched_documents() -> None:
    base, enriched = evidence([0.9] * 99, dev="synthetic"), evidence([0.88] * 99, dev="synthetic")
    better = evidence([0.895] * 99, dev="synthetic")
    worse = evidence([0.865] * 99, dev="synthetic")
    first = ((BASE, base), (ENRICHED, enriched))
    assert chosen(*first, (MIXTURE, better)).candidate.kind == MIXTURE
    assert chosen(*first, (MIXTURE, worse)).candidate.kind == ENRICHED
    # two states that differ in training alone are compared more truly than either with the base
    found = chosen(*first, (MIXTURE, better)).served
    before = chosen(*first).served
    step = PRIORS.beyond[MIXTURE].served
    prior = Belief(step.mean - PRIORS.few / 1000, step.sd)
    gain = believe(prior, better.served, enriched.served, BIAS_OF_TRAINING)
    assert found.mean == pytest.approx(before.mean + gain.mean)


def test_of_two_that_are_served_alike_the_better_dense_one_ships() -> None:
    def standing(kind: str, served: float, dense: float) -> Standing:
        beliefs = (Belief(served, 0.013), Belief(dense, 0.013))
        return Standing(candidate(kind), evidence([0.5]), *beliefs)

    base = standing(BASE, 0, 0)
    enriched, trained = standing(ENRICHED, 0.0335, 0.024), standing(TRAINED, 0.0323, 0.045)
    assert choose([base, enriched, trained]) is trained
    assert choose([base, enriched, standing(TRAINED, 0.0313, 0.045)]) is enriched
    assert choose([base, standing(TRAINED, -0.001, 0.045)]) is base


def test_of_two_that_promise_the_same_the_surer_one_ships() -> None:
    def standing(kind: str, served: float, sd: float) -> Standing:
        return Standing(candidate(kind), evidence([0.5]), Belief(served, sd), Belief(0.0, 0.01))

    base, sure = standing(BASE, 0, 0), standing(ENRICHED, 0.007, 0.02)
    assert choose([base, sure, standing(TRAINED, 0.0075, 0.024)]) is sure
    assert choose([base, sure, standing(TRAINED, 0.0085, 0.024)]).candidate.kind == TRAINED
    assert choose([base, standing(TRAINED, 0.004, 0.02)]) is base


def test_known_answers_alone_do_not_keep_the_base() -> None:
    base, worse = evidence([0.9] * 50, dev="synthetic"), evidence([0.88] * 50, dev="synthetic")
    assert chosen((BASE, base), (ENRICHED, worse)).candidate.kind == ENRICHED


def test_people_keep_the_base_where_they_are_many_enough() -> None:
    random = np.random.default_rng(1)

    def kind(queries: int) -> str:
        base = random.uniform(0, 1, queries)
        worse = base - 0.02 + random.normal(0, 0.15, queries)
        return chosen(
            (BASE, evidence(list(base))), (ENRICHED, evidence(list(worse)))
        ).candidate.kind

    assert kind(4) == ENRICHED
    assert kind(3000) == BASE


def test_what_loses_dense_does_not_ship_for_the_fusion_alone() -> None:
    base = evidence([0.5] * 99, [0.5] * 99)
    fused = evidence([0.6] * 99, [0.4] * 99)
    both = evidence([0.55] * 99, [0.5] * 99)
    assert chosen((BASE, base), (ENRICHED, both), (MIXTURE, fused)).candidate.kind == ENRICHED
    assert chosen((BASE, base), (ENRICHED, fused)).candidate.kind == BASE
