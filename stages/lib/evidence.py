"""What dev says of a candidate: nDCG@10 as it is served, and of dense search beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from stages.lib.core.collection import Corpus, Split
from stages.lib.params import Params
from stages.lib.search.crossfit import Search
from stages.lib.search.engine import Embedded, Fused, Run, Scorer
from stages.lib.search.vector_types import Typed, prefix_type
from stages.lib.search.weights import Floats, Weight, by_query, choose_weight, least_overlapping

DEPTH = 10


@dataclass(frozen=True, slots=True)
class DevSet:
    """Judged queries that no training saw.

    Args:
        name: `people`, `judged` (by a language model) or `synthetic` (the known answers of
            generated queries).
        split: the queries.
        weighs: those of them that choose the weight of BM25.

    """

    name: str
    split: Split
    weighs: Split


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a candidate reaches: nDCG@10 of each query, by the dev set's name.

    Args:
        weight: the share of its dense scores in the fusion with BM25.
        served: of what is served: the fusion, or dense search where that is the default profile.
        dense: of dense search.

    """

    weight: Weight
    served: Mapping[str, Floats]
    dense: Mapping[str, Floats]


def dev_sets(people: Split, judged: Split, synthetic: Split, corpus: Corpus) -> list[DevSet]:
    """The dev sets that say something, the most trusted first.

    Known answers of generated queries count where nobody judged: their filters keep what the base
    finds already, so that they speak for the base wherever others can be asked.
    """
    named = {name: split for name, split in (("people", people), ("judged", judged)) if split}
    if named:
        weighs = Split(people.queries | judged.queries, people.qrels | judged.qrels)
        return [DevSet(name, split, weighs) for name, split in named.items()]
    return [DevSet("synthetic", synthetic, least_overlapping(synthetic, corpus))]


def measure(
    search: Search,
    lexical: Scorer,
    sets: Sequence[DevSet],
    params: Params,
    *,
    learnt: bool,
    beside: float | None = None,
) -> Evidence:
    """The evidence on a candidate.

    Args:
        search: its dense search.
        lexical: BM25 over the same documents.
        sets: the dev sets.
        params: the fusion, the default profile, and prefixes that have to rank well too.
        learnt: whether it has learnt from BM25, and so needs less of it.
        beside: the share of dense scores that the base has; a candidate's lies between that and
            half of the way from it to 1. A query has one known answer: BM25 finds that again where
            documents were mixed with others that answer it as well, and dense search finds it with
            the other queries of its document, which nobody asks in earnest.

    """
    dense = search.by(lambda one: one)
    weight = choose_weight(dense, lexical, sets[0].weighs, params.fusion, learnt=learnt)
    if beside is not None:
        share = min(max(weight.dense, beside), (1 + beside) / 2)
        weight = replace(weight, dense=round(share, 4))
    share = 1.0 if params.package.profile == "semantic" else weight.dense
    scorers: list[Scorer] = [dense]
    scorers += [
        search.by(partial(Typed, kind=prefix_type(size))) for size in params.train.matryoshka
    ]
    served, alone = {}, {}
    for dev in sets:
        served[dev.name] = _mean(
            [by_query(_run(Fused(one, lexical, share), dev), dev.split) for one in scorers]
        )
        alone[dev.name] = _mean([by_query(_run(one, dev), dev.split) for one in scorers])
    return Evidence(weight, served, alone)


def _run(scorer: Scorer, dev: DevSet) -> Run:
    queries = {query_id: dev.split.queries[query_id] for query_id in sorted(dev.split.qrels)}
    return Embedded(scorer).search(queries, DEPTH)


def _mean(values: Sequence[Floats]) -> Floats:
    mean: Floats = np.mean(values, axis=0)
    return mean
