"""What a new model is held against before it goes live: its own vectors, rankings and figures."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.core import seeds
from stages.lib.core.collection import Split
from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.search.engine import Engine, Run
from stages.lib.search.metrics import ndcg
from stages.lib.search.vector_types import prefix
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import PROBE, Application
from stages.lib.vespa.package.feed import document_id
from stages.lib.vespa.package.generation import Generation
from stages.lib.vespa.package.probe import Probes
from stages.lib.vespa.search.engine import SELECT, Kind, Ranking, VespaEngine, ask

DEPTH = 10


@dataclass(frozen=True, slots=True)
class Checks:
    """What a new model is held against before it goes live.

    `semantic` and `hybrid` rank in memory as the generation's profiles should.
    """

    probes: Probes
    document_probes: Probes
    semantic: Engine
    hybrid: Engine
    split: Split
    rejected: Path
    force: bool


def probe(site: Site, new: Generation, checks: Checks, rejected: Container[str]) -> dict[str, Any]:
    """Compares vectors that Vespa's embedders gave with the probes' own.

    Args:
        site: where the model is deployed, and its documents are.
        new: the model.
        checks: the probes.
        rejected: Vespa's ids of documents that it refused, of which it may have older vectors.

    Raises:
        UserError: a vector is another one.

    """
    texts = _of_queries(site, new, checks.probes)
    documents = {
        doc_id: cosine
        for doc_id, cosine in _of_documents(site, new, checks.document_probes).items()
        if document_id(site.params.package.name, doc_id) not in rejected
    }
    if not checks.force:
        _require(site, new, "text", texts)
        _require(site, new, "document", documents)
    return {
        "texts": len(texts),
        "min_cosine": _least(texts),
        "documents": len(documents),
        "documents_min_cosine": _least(documents),
    }


def _least(cosines: Mapping[str, float]) -> float | None:
    return round(min(cosines.values()), 6) if cosines else None


def _require(site: Site, new: Generation, kind: str, cosines: Mapping[str, float]) -> None:
    least = site.params.deploy.min_cosine
    worst = min(cosines, key=cosines.__getitem__, default=None)
    if worst is None or cosines[worst] >= least:
        return
    name = " ".join(worst.split())[:40]
    raise UserError(
        f"{new.label}: Vespa's vector of the {kind} {name!r} has cosine {cosines[worst]:.4f} to "
        f"the package's own, less than deploy.min_cosine ({least:g}); the live model serves as "
        "before. Compare pooling, prefix and max-tokens in services.xml with the export; an int8 "
        "model may differ by processor (set package.variant to fp32); or set FORCE=1"
    )


def _of_queries(site: Site, new: Generation, probes: Probes) -> dict[str, float]:
    """The cosine of each text's vector in Vespa to its own; none if there is no document."""
    found = _embedded(site, new, probes.names)
    if found is None:
        return {}
    # a vector that Vespa could not compute has no numbers, and counts as a wrong one
    cosines = (probes.vectors * np.nan_to_num(found)).sum(axis=1)
    return dict(zip(probes.names, map(float, cosines), strict=True))


def _of_documents(site: Site, new: Generation, probes: Probes) -> dict[str, float]:
    """The cosine of each document's own vector to the nearest one that Vespa has stored."""
    if not probes.names:
        return {}
    ranking = Ranking("semantic", new, exact=True, encode=lambda _: probes.vectors)
    run = VespaEngine(site.connection, ranking).search({each: each for each in probes.names}, 1)
    return {doc_id: max(found.values(), default=0.0) for doc_id, found in run.items()}


def _embedded(site: Site, generation: Generation, texts: Sequence[str]) -> Vectors | None:
    """Unit vectors of texts by Vespa, (texts, dimensions); None if it has no document at all."""
    requests = [
        {
            "queryProfile": "base",
            "yql": SELECT + "true",
            "query": text,
            "hits": 1,  # whichever: each one carries the query's vector
            "presentation.summary": "ids",
            "presentation.format.tensors": "short-value",
            "ranking.profile": f"{PROBE}_{generation.label}",
            "input.query(q)": f"embed({generation.query.embedder}, @query)",
        }
        for text in texts
    ]
    hits = [answer["root"].get("children", []) for answer in ask(site.connection, requests)]
    if not all(hits):
        return None
    rows = [hit["fields"]["matchfeatures"]["query(q)"] for hit, *_ in hits]
    return prefix(np.array(rows, dtype=np.float32), generation.dimension)


def compare(site: Site, new: Generation, checks: Checks) -> dict[str, Any]:
    """Ranks the same queries in Vespa and here."""
    params = site.params
    chosen = seeds.shuffled(params.seed, checks.split.queries, "parity")[: params.deploy.queries]
    queries = {query_id: checks.split.queries[query_id] for query_id in chosen}
    here = checks.semantic.search(queries, DEPTH)
    there = _engine(site, "semantic", new, exact=True).search(queries, DEPTH)
    hybrid = _engine(site, "hybrid", new).search(queries, DEPTH)
    overlap = _overlap(here, there)
    if overlap < params.deploy.min_overlap and not checks.force:
        raise UserError(
            f"{new.label}: Vespa and the embedded engine agree on {overlap:.0%} of the top "
            f"{DEPTH}, less than deploy.min_overlap ({params.deploy.min_overlap:.0%}); the live "
            "model serves as before. Check package.variant, or set FORCE=1"
        )
    gaps = [
        abs(here[query_id][doc_id] - score)
        for query_id, ranking in there.items()
        for doc_id, score in ranking.items()
        if doc_id in here[query_id]
    ]
    return {
        "queries": len(queries),
        "overlap": round(overlap, 4),
        "score_gap": round(max(gaps, default=0.0), 3),
        # other scales of the scores and another BM25: near, but never the same
        "hybrid_overlap": round(_overlap(checks.hybrid.search(queries, DEPTH), hybrid), 4),
    }


def _overlap(left: Run, right: Run) -> float:
    """The mean share of the left run's documents that the right one has too."""
    shares = [
        len(left[each].keys() & right[each].keys()) / len(left[each]) for each in left if left[each]
    ]
    return sum(shares) / len(shares) if shares else 1.0


def measure(site: Site, staged: Application, new: Generation, checks: Checks) -> dict[str, float]:
    """nDCG@10 in Vespa; refuses a new model that loses against the live one."""
    queries, qrels = checks.split.queries, checks.split.qrels
    if not checks.split:
        return {}
    profile = site.params.package.profile
    rankings: dict[str, tuple[Kind, bool]] = {
        "semantic": ("semantic", False),
        "semantic_exact": ("semantic", True),
        profile: (profile, False),
    }
    found = {}
    for name, (kind, exact) in rankings.items():
        found[name] = ndcg(_engine(site, kind, new, exact).search(queries, 100), qrels)
    for kind, engine in (("semantic", checks.semantic), ("hybrid", checks.hybrid)):
        found[f"{kind}_in_memory"] = ndcg(engine.search(queries, 100), qrels)
    rival = staged.live if staged.live != new.label else staged.previous
    if rival is not None:
        found["rival"] = ndcg(
            _engine(site, profile, staged.generation(rival)).search(queries, 100), qrels
        )
    lost = found.get("rival", 0.0) - found[profile]
    if staged.live != new.label and lost > site.params.deploy.max_loss and not checks.force:
        raise UserError(
            f"{new.label}: nDCG@10 {found[profile]:.4f} in Vespa, the live model {rival} has "
            f"{found['rival']:.4f}; that loses more than deploy.max_loss "
            f"({site.params.deploy.max_loss:g}). The live model serves as before; FORCE=1 deploys "
            "all the same"
        )
    return {name: round(value, 4) for name, value in found.items()}


def _engine(site: Site, kind: Kind, generation: Generation, exact: bool = False) -> VespaEngine:
    ranking = Ranking(kind, generation, exact, targets=site.params.package.targets)
    return VespaEngine(site.connection, ranking)
