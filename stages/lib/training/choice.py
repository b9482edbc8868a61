"""Which candidate ships: what held on other collections, corrected by what dev says of this one.

A belief in a gain is a mean with a standard deviation. It starts from what was gained on
collections that people judged, and is averaged with each dev set's mean difference by their
precisions (the usual combination of normal estimates, as in empirical Bayes). So a few dev queries
move little, many decide, and nothing needs proof that it helps: dev has to speak against what
helped elsewhere.

Enriched documents are believed to gain over the base, and what was trained to gain over these: two
states that differ in training alone are measured against each other more truly than against the
base, whose documents are mixed with nothing.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stages.lib.core.collection import Split
from stages.lib.evidence import DevSet, Evidence, measure
from stages.lib.params import Params
from stages.lib.search.crossfit import FOLDS, Search, by_document, deal
from stages.lib.search.engine import Scorer
from stages.lib.search.weights import Floats
from stages.lib.training.candidates import BASE, ENRICHED, MIXTURE, TRAINED, Candidate
from stages.lib.training.students import Student


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of a gain of nDCG@10: its mean and standard deviation."""

    mean: float
    sd: float


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a step before dev speaks: as served, and of dense search."""

    served: Belief
    dense: Belief


@dataclass(frozen=True, slots=True)
class Priors:
    """What is believed of the gains of a collection's candidates.

    Args:
        enriched: of enriched documents over the base.
        beyond: of a kind that was trained over the enriched documents,
        alone: and over the base where documents are not mixed.
        few: what training is believed to lose for want of queries, times their number.

    """

    enriched: Prior
    beyond: Mapping[str, Prior]
    alone: Mapping[str, Prior]
    few: float


PRIORS = Priors(
    enriched=Prior(Belief(0.020, 0.022), Belief(0.023, 0.018)),
    beyond={
        MIXTURE: Prior(Belief(0.003, 0.016), Belief(0.013, 0.027)),
        TRAINED: Prior(Belief(0.003, 0.018), Belief(0.014, 0.032)),
    },
    alone={
        MIXTURE: Prior(Belief(0.004, 0.010), Belief(0.020, 0.020)),
        TRAINED: Prior(Belief(0.004, 0.011), Belief(0.020, 0.022)),
    },
    few=2.0,
)
"""What these steps gained on other collections (tests/bench/README.md)."""

BIAS: Mapping[str, float] = {"people": 0.003, "judged": 0.03, "synthetic": 0.03}
"""How far a dev set's mean difference from the base is from that of people's test queries, beyond
chance: queries that were written for a document are not asked as people ask."""

BIAS_OF_TRAINING: Mapping[str, float] = {"people": 0.003, "judged": 0.012, "synthetic": 0.015}
"""The same of the difference that training makes to enriched documents."""


DENSE_SHARE = 0.1
"""How much of a dense gain counts beside the gain as served.

Candidates that are served alike can be far apart in dense search, by which some profiles serve, and
what training gained there is the surer of the two; so a small difference as served does not decide
against it.
"""


CAUTION = 0.25
"""How much of a gain's standard deviation counts against it: of two that promise the same, the
surer one ships, since search that became worse costs more than search that stayed as it was."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A candidate with what is believed of it."""

    candidate: Candidate
    evidence: Evidence
    served: Belief
    dense: Belief

    @property
    def row(self) -> dict[str, Any]:
        """Its line in the metrics."""
        means = {
            f"{name}_{kind}": round(float(values.mean()), 6)
            for kind, sets in (("served", self.evidence.served), ("dense", self.evidence.dense))
            for name, values in sets.items()
        }
        return {
            "name": self.candidate.name,
            "gain": round(self.served.mean, 6),
            "sd": round(self.served.sd, 6),
            "dense_gain": round(self.dense.mean, 6),
            "dense_weight": self.evidence.weight.dense,
        } | means


def measured(
    student: Student,
    candidates: Sequence[Candidate],
    lexical: Scorer,
    sets: Sequence[DevSet],
    params: Params,
    asked: Split,
    queries: int,
    priors: Priors = PRIORS,
) -> list[Standing]:
    """Each candidate with what dev says, and so what is believed of it.

    Args:
        student: takes each candidate's weights, and ends with the last one's.
        candidates: the base first.
        lexical: BM25 over the same documents.
        sets: the dev sets.
        params: the fusion and the default profile.
        asked: queries of held-out documents, which these are mixed with.
        queries: that trained, but for those that the teacher alone labels.
        priors: what is believed before dev speaks.

    """
    found: list[tuple[Candidate, Evidence]] = []
    for candidate in candidates:
        beside = found[0][1].weight.dense if found else None
        search, learnt = searched(student, candidate, asked), candidate.learnt
        evidence = measure(search, lexical, sets, params, learnt=learnt, beside=beside)
        found.append((candidate, evidence))
    return stand(found, queries, priors)


def searched(student: Student, candidate: Candidate, asked: Split) -> Search:
    """A candidate's search, by documents that the query at hand is not mixed into.

    Args:
        student: takes the candidate's weights, and ends with those that would ship.
        candidate: whose search it is.
        asked: queries of held-out documents, which these are mixed with.

    """
    folds = deal(asked) if candidate.mixes else {}
    without = [*range(FOLDS), None] if folds else [None]
    further = [by_document(asked, folds, fold) if folds else {} for fold in without]
    parts = []
    for weights in candidate.states(further):
        student.load(weights)
        parts.append(student.dense())
    return Search(parts, folds)


def load_whole(student: Student, candidate: Candidate, asked: Split) -> None:
    """Brings a student to what ships of a candidate: documents mixed with all their queries."""
    student.load(candidate.states([by_document(asked, deal(asked))])[0])


def stand(
    candidates: Sequence[tuple[Candidate, Evidence]], queries: int, priors: Priors = PRIORS
) -> list[Standing]:
    """What is believed of each candidate.

    Args:
        candidates: the base first, each with its evidence.
        queries: that trained, but for those that the teacher alone labels.
        priors: what is believed before dev speaks.

    """
    base = Standing(*candidates[0], Belief(0.0, 0.0), Belief(0.0, 0.0))
    standings = [base]
    for candidate, evidence in candidates[1:]:
        # what training adds stands on the enriched documents, where there are any
        before, prior, bias = base, priors.enriched, BIAS
        if candidate.kind != ENRICHED:
            of_kind = priors.beyond if candidate.mixes else priors.alone
            before = standings[1] if candidate.mixes else base
            bias = BIAS_OF_TRAINING if candidate.mixes else BIAS
            prior = _with_few(of_kind[candidate.kind], priors.few / max(1, queries))
        served, dense = (
            _after(start, believe(step, values, values_before, bias))
            for start, step, values, values_before in (
                (before.served, prior.served, evidence.served, before.evidence.served),
                (before.dense, prior.dense, evidence.dense, before.evidence.dense),
            )
        )
        standings.append(Standing(candidate, evidence, served, dense))
    return standings


def _with_few(prior: Prior, loss: float) -> Prior:
    """A prior of training by few queries, which learns their words rather than what is asked."""
    served, dense = (
        Belief(belief.mean - loss, belief.sd) for belief in (prior.served, prior.dense)
    )
    return Prior(served, dense)


def _after(first: Belief, second: Belief) -> Belief:
    """The sum of two gains, of which each is known by itself."""
    return Belief(first.mean + second.mean, math.hypot(first.sd, second.sd))


def believe(
    prior: Belief,
    values: Mapping[str, Floats],
    before: Mapping[str, Floats],
    bias: Mapping[str, float],
) -> Belief:
    """A prior and the differences on each dev set, averaged by their precisions.

    Args:
        prior: of the difference.
        values: nDCG@10 of each query by dev set.
        before: what it is compared with, of the same queries.
        bias: of each dev set.

    """
    beliefs = [prior]
    for name, of_candidate in values.items():
        deltas = of_candidate - before[name]
        if len(deltas) > 1:
            error = float(deltas.std(ddof=1)) / math.sqrt(len(deltas))
            beliefs.append(Belief(float(deltas.mean()), math.hypot(error, bias[name])))
    precision = sum(belief.sd**-2 for belief in beliefs)
    mean = sum(belief.mean * belief.sd**-2 for belief in beliefs) / precision
    return Belief(mean, precision**-0.5)


def choose(standings: Sequence[Standing]) -> Standing:
    """The candidate that is believed to gain most as served, among those that lose nothing dense.

    A little of the dense gain counts too, and a little of the doubt against it. The base, which
    loses nothing, is always among them, and wins ties.
    """
    able = [
        one
        for one in standings
        if min(one.served.mean, one.dense.mean) >= 0 or one.candidate.kind == BASE
    ]

    def worth(one: Standing) -> float:
        return one.served.mean + DENSE_SHARE * one.dense.mean - CAUTION * one.served.sd

    return max(able, key=worth)


def in_words(chosen: Standing, sets: Sequence[DevSet]) -> str:
    """What ships and why, in a line."""
    dev = sets[0]
    if chosen.candidate.kind == BASE:
        return f"the base is kept: {len(dev.split.qrels)} {dev.name} dev queries speak for it"
    values = chosen.evidence.served[dev.name]
    return (
        f"{chosen.candidate.name} ships, believed to gain {chosen.served.mean:+.3f} "
        f"(sd {chosen.served.sd:.3f}) as served; {values.mean():.4f} on {len(values)} {dev.name} "
        "dev queries"
    )
