"""Which candidate ships: what held on other collections, corrected by what dev says of this one.

A belief in each candidate's gain is a mean with a standard deviation. It starts from what the kind
of candidate gained on collections that people judged, and is averaged with each dev set's mean
difference by their precisions (the usual combination of normal estimates, as in empirical Bayes).
So a few dev queries move little, many decide, and no candidate needs proof that it helps: dev has
to speak against what helped elsewhere.
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
    """What is believed of a gain of nDCG@10 over the base: its mean and standard deviation."""

    mean: float
    sd: float


SERVED: Mapping[str, Belief] = {
    ENRICHED: Belief(0.019, 0.016),
    MIXTURE: Belief(0.022, 0.018),
    TRAINED: Belief(0.021, 0.018),
}
DENSE: Mapping[str, Belief] = {
    ENRICHED: Belief(0.020, 0.019),
    MIXTURE: Belief(0.039, 0.025),
    TRAINED: Belief(0.041, 0.026),
}
"""The gains that these kinds had on other collections (tests/bench/README.md), served and dense."""

BIAS: Mapping[str, float] = {"people": 0.003, "judged": 0.03, "synthetic": 0.05}
"""How far a dev set's mean difference is from that of people's test queries, beyond chance.

Queries that were written for one document have few answers beside it, and so speak for the base,
even where a language model judged all that was found: on the sample by 0.06.
"""


DENSE_SHARE = 0.1
"""How much of a dense gain counts beside the gain as served.

Candidates that are served alike can be far apart in dense search, by which some profiles serve, and
what training gained there is the surer of the two; so a small difference as served does not decide
against it.
"""


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
) -> list[Standing]:
    """Each candidate with what dev says, and so what is believed of it.

    Args:
        student: takes each candidate's weights, and ends with the last one's.
        candidates: the base first.
        lexical: BM25 over the same documents.
        sets: the dev sets.
        params: the fusion and the default profile.
        asked: queries of held-out documents, which these are mixed with.

    """
    found: list[tuple[Candidate, Evidence]] = []
    for candidate in candidates:
        least = found[0][1].weight.dense if found else 0.0
        search, learnt = searched(student, candidate, asked), candidate.learnt
        evidence = measure(search, lexical, sets, params, learnt=learnt, least=least)
        found.append((candidate, evidence))
    return stand(found)


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
    candidates: Sequence[tuple[Candidate, Evidence]],
    served: Mapping[str, Belief] = SERVED,
    dense: Mapping[str, Belief] = DENSE,
) -> list[Standing]:
    """What is believed of each candidate.

    Args:
        candidates: the base first, each with its evidence.
        served: what is believed of a kind before, as served...
        dense: ...and of dense search.

    """
    base = candidates[0][1]
    return [
        Standing(
            candidate,
            evidence,
            believe(served.get(candidate.kind), evidence.served, base.served),
            believe(dense.get(candidate.kind), evidence.dense, base.dense),
        )
        for candidate, evidence in candidates
    ]


def believe(
    prior: Belief | None, values: Mapping[str, Floats], base: Mapping[str, Floats]
) -> Belief:
    """A prior and the differences on each dev set, averaged by their precisions.

    Args:
        prior: None for the base itself, which gains nothing for sure.
        values: nDCG@10 of each query by dev set.
        base: the base's, of the same queries.

    """
    if prior is None:
        return Belief(0.0, 0.0)
    beliefs = [prior]
    for name, of_candidate in values.items():
        deltas = of_candidate - base[name]
        if len(deltas) > 1:
            error = float(deltas.std(ddof=1)) / math.sqrt(len(deltas))
            beliefs.append(Belief(float(deltas.mean()), math.hypot(error, BIAS[name])))
    precision = sum(belief.sd**-2 for belief in beliefs)
    mean = sum(belief.mean * belief.sd**-2 for belief in beliefs) / precision
    return Belief(mean, precision**-0.5)


def choose(standings: Sequence[Standing]) -> Standing:
    """The candidate that is believed to gain most as served, among those that lose nothing dense.

    A little of the dense gain counts too. The base, which loses nothing, is always among them, and
    wins ties.
    """
    able = [
        one
        for one in standings
        if min(one.served.mean, one.dense.mean) >= 0 or one.candidate.kind == BASE
    ]
    return max(able, key=lambda one: one.served.mean + DENSE_SHARE * one.dense.mean)


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
