"""Systems compared over the same judged queries: runs, scores, and whether differences are luck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stages.lib.core.collection import SYNTHETIC, Corpus, Split, read_split
from stages.lib.core.text import jaccard
from stages.lib.errors import UserError
from stages.lib.evaluation.served import SERVED, best_rival
from stages.lib.evaluation.significance import Comparison, compare
from stages.lib.params import Evaluate
from stages.lib.search.engine import Engine, Run
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import PerQuery, mean, per_query

AGAINST = {
    "bm25": "base",
    "base+bm25": "base",
    "tuned": "base",
    "tuned+bm25": "base+bm25",
    "int8": "tuned",
    "adapted": "documents",
    "adapted+bm25": "documents+bm25",
}
"""What each system is compared with, but for the served one, which is up to its best rival."""

SAME_TEXT = 0.5
"""A document with a query's id and at least this Jaccard similarity is that query itself."""


@dataclass(frozen=True, slots=True)
class Basis:
    """The judged queries that systems are measured on, and where they come from."""

    name: str
    split: Split

    @property
    def is_evidence(self) -> bool:
        """Whether people, not the pipeline itself, asked and judged."""
        return self.name != SYNTHETIC

    @property
    def label(self) -> str:
        """The name, with a warning where the queries are no evidence."""
        return self.name if self.is_evidence else f"{self.name}: not evidence of quality"


def read_basis(collection: Path, synthetic: Path) -> Basis:
    """The test split; without one the dev split; without either the synthetic dev split.

    Raises:
        UserError: there is nothing to measure on, or judgements name a query without a text.

    """
    folders = {
        "test": collection / "test",
        "dev": collection / "dev",
        SYNTHETIC: synthetic / "dev",
    }
    for name, folder in folders.items():
        split = read_split(folder)
        if split:
            without = split.qrels.keys() - split.queries.keys()
            if without:
                raise UserError(
                    f"{folder / 'queries.jsonl'}: no text for query {min(without)} of qrels.tsv; "
                    "run dvc repro prepare"
                )
            return Basis(name, split)
    raise UserError(f"{synthetic}: no judged query in any split; run dvc repro select")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What each system retrieved, what that is worth, and how sure the differences are."""

    basis: Basis
    documents: int
    runs: dict[str, Run]
    scores: dict[str, dict[str, PerQuery]]
    comparisons: dict[str, Comparison]
    against: Mapping[str, str]
    """What each system of the comparisons is compared with."""

    def headline(self, system: str) -> float:
        """The mean of the headline measure."""
        return mean(self.scores[system][HEADLINE])

    def means(self) -> dict[str, dict[str, float]]:
        """Each system's mean by measure, and the number of queries `n` that it is over."""
        return {
            system: {measure: round(mean(values), 6) for measure, values in measures.items()}
            | {"n": len(self.basis.split.qrels)}
            for system, measures in self.scores.items()
        }

    def deltas(self, system: str) -> PerQuery:
        """The headline's difference between a system and what it is compared with, by query_id."""
        base = self.scores[self.against[system]][HEADLINE]
        return {
            query_id: round(score - base[query_id], 6)
            for query_id, score in self.scores[system][HEADLINE].items()
        }

    def summary(self) -> dict[str, Any]:
        """The metrics: a mean by measure by system, and the comparisons."""
        return {
            "measured_on": self.basis.label,
            "queries": len(self.basis.split.qrels),
            "documents": self.documents,
            "systems": {
                system: {measure: round(mean(values), 6) for measure, values in measures.items()}
                for system, measures in self.scores.items()
            },
            "comparisons": {
                system: {"against": self.against[system], "measure": HEADLINE}
                | comparison.as_dict()
                for system, comparison in self.comparisons.items()
            },
        }

    def rows(self) -> list[dict[str, Any]]:
        """Every measure, a row a query and system."""
        return [
            {"query_id": query_id, "system": system}
            | {measure: round(values[query_id], 6) for measure, values in measures.items()}
            for query_id in sorted(self.basis.split.qrels)
            for system, measures in self.scores.items()
        ]

    def plot(self, system: str) -> list[dict[str, Any]]:
        """Rows for a plot: the deltas of a system from the greatest to the least."""
        deltas = self.deltas(system)
        order = sorted(deltas, key=lambda query_id: (-deltas[query_id], query_id))
        return [
            {"rank": rank, "delta": deltas[query_id], "query_id": query_id}
            for rank, query_id in enumerate(order, 1)
        ]


def evaluate(
    engines: Mapping[str, Engine],
    corpus: Corpus,
    basis: Basis,
    params: Evaluate,
    seed: int,
    others: Sequence[str] = (),
) -> Evaluation:
    """Runs every system over the judged queries and compares each with its baseline.

    Args:
        engines: the systems by name; those that AGAINST names and the served one are compared.
        corpus: the documents that they search.
        basis: what they are measured on.
        params: depth of the runs and number of resamples.
        seed: of the resampling.
        others: untuned models among them; each is compared with the tuned one, alone and as
            served, unless AGAINST names another.

    """
    runs = {name: search(engine, corpus, basis, params.depth) for name, engine in engines.items()}
    scores = {name: per_query(run, basis.split.qrels) for name, run in runs.items()}
    headline = {name: measures[HEADLINE] for name, measures in scores.items()}
    against = {name: AGAINST[name] for name in runs if AGAINST.get(name) in runs}
    untuned = [name for name in others if name not in against]
    if SERVED in runs:
        rival = best_rival({name: mean(values) for name, values in headline.items()})
        against = {SERVED: rival} | against
        against |= {f"{name}+bm25": SERVED for name in untuned}
    against |= dict.fromkeys(untuned, "tuned")
    comparisons = compare(headline, against, params.resamples, seed)
    return Evaluation(basis, len(corpus), runs, scores, comparisons, against)


def search(engine: Engine, corpus: Corpus, basis: Basis, depth: int) -> Run:
    """The engine's run for the judged queries, without documents that are themselves the query."""
    queries = {query_id: basis.split.queries[query_id] for query_id in sorted(basis.split.qrels)}
    own = {
        query_id
        for query_id, text in queries.items()
        if query_id in corpus and jaccard(text, corpus[query_id].text) >= SAME_TEXT
    }
    return without_own(engine.search(queries, depth + bool(own)), own, depth)


def without_own(run: Run, own: set[str], depth: int) -> Run:
    """A run without the documents that are themselves the query, as in ArguAna."""
    return {
        query_id: dict(
            [hit for hit in ranking.items() if query_id not in own or hit[0] != query_id][:depth]
        )
        for query_id, ranking in run.items()
    }
