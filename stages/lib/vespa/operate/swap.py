"""A new model takes over from the live one, with no moment at which neither serves.

Every step can be repeated, and the one that changes what users get, the flip of the default query
profile, is the last. A run that is killed leaves the old model serving.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stages.lib.core.collection import Split
from stages.lib.core.files import read_lines
from stages.lib.errors import UserError
from stages.lib.search.engine import Engine
from stages.lib.vespa.operate.comparison import DEPTH, agreement, drawn, measured
from stages.lib.vespa.operate.exploring import explore
from stages.lib.vespa.operate.feeder import Fed, write_rejected
from stages.lib.vespa.operate.filling import fill, hashes, missing
from stages.lib.vespa.operate.packaged import Package
from stages.lib.vespa.operate.probing import probe
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.application import DOCUMENTS, Application
from stages.lib.vespa.package.probe import Probes
from stages.lib.vespa.package.served import ServedModel
from stages.lib.vespa.search.engine import (
    Kind,
    Ranking,
    VespaEngine,
    count_documents,
    count_vectors,
)


@dataclass(frozen=True, slots=True)
class Checks:
    """What a new model is held against before it goes live.

    `semantic` and `hybrid` rank in memory as the model's profiles should.
    """

    probes: Probes
    document_probes: Probes
    semantic: Engine
    hybrid: Engine
    split: Split
    rejected: Path
    force: bool


def swap(site: Site, package: Package, checks: Checks) -> dict[str, Any]:
    """Deploys, fills, compares, measures and flips; returns the receipt."""
    new = package.model()
    feeds = {DOCUMENTS: package.documents}
    if new.filling == "fed":
        feeds[new.field] = package.vectors
    current = (site.current() or Application()).on(site.ground)
    staged = current.adding(new).forgetting(hashes(site, feeds))
    site.deploy(staged, package.models)
    with site.giving_back(staged, package.models):
        fed, stored = fill(site, staged, feeds)
        write_rejected(checks.rejected, fed)
        _complete(site, package, staged, new, fed)
        staged = staged.knowing(stored)
    # what was fed is not fed again, should the model be deployed all the same
    with site.giving_back(staged, package.models):
        probes = _probed(site, new, checks, fed)
        parity = _compared(site, new, checks)
        recall = _explored(site, new, checks)
        staged = staged.exploring(new.label, recall["additional_hits"])
        figures = _measured(site, staged, staged.model(new.label), checks)
    after = staged.serving(new.label)
    site.release(after, package.models)
    after = _whole(site, package, after, feeds, fed)
    return {
        "live": after.live,
        "previous": after.previous,
        "field": new.field,
        "models": sorted(after.towers()),
        "fed": dict(after.fed),
        "documents": count_documents(site.connection),
        "rejected": len(fed.rejected),
        "probes": probes,
        "parity": parity,
        "recall": recall,
        "measured": figures,
        "forced": checks.force,
    }


def _whole(
    site: Site, package: Package, after: Application, feeds: Mapping[str, Path], fed: Fed
) -> Application:
    """Counts once more now that the model serves; what is missing is fed, whatever is on record."""
    refused = len(fed.rejected)
    if all(missing(site, after, name, path) <= refused for name, path in feeds.items()):
        return after
    emptied = replace(after, fed={})
    site.deploy(emptied, package.models)
    with site.giving_back(emptied, package.models):
        fed, stored = fill(site, emptied, feeds)
        _complete(site, package, emptied, emptied.model(str(after.live)), fed)
    site.release(emptied.knowing(stored), package.models)
    return emptied.knowing(stored)


def _complete(
    site: Site, package: Package, staged: Application, new: ServedModel, fed: Fed
) -> None:
    """Sees to it that every document is there and has a vector of the new model.

    Documents that somebody else fed have one only where Vespa embeds them.
    """
    documents = count_documents(site.connection)
    expected = sum(1 for _ in read_lines(package.documents)) - len(fed.rejected)
    if documents < expected:
        raise UserError(f"{expected} documents were fed, but {documents} are in Vespa")
    vectors = count_vectors(site.connection, new.profile, documents)
    embeds = new.filling == "vespa" or new.embeds_new
    if vectors < expected and not embeds:
        raise UserError(
            f"{new.field}: {vectors} of {expected} documents have a vector; run dvc repro "
            "package, then make deploy"
        )
    if vectors < documents and embeds:
        site.reindex(staged, new.profile, documents, package.models)


def _probed(site: Site, new: ServedModel, checks: Checks, fed: Fed) -> dict[str, Any]:
    """Refuses a model of which Vespa's embedders give another vector."""
    likeness = probe(site, new.profile, checks.probes, checks.document_probes, fed.rejected)
    if not checks.force:
        likeness.require(site.params.deploy.min_cosine, new.label)
    return likeness.row


def _compared(site: Site, new: ServedModel, checks: Checks) -> dict[str, Any]:
    """Refuses a model that Vespa ranks otherwise than the engine in memory."""
    params = site.params
    queries = drawn(checks.split.queries, params.deploy.queries, params.seed)
    exact = _engine(site, "semantic", new, exact=True)
    semantic = agreement(checks.semantic, exact, queries)
    if semantic.overlap < params.deploy.min_overlap and not checks.force:
        raise UserError(
            f"{new.label}: Vespa and the embedded engine agree on {semantic.overlap:.0%} of the "
            f"top {DEPTH}, less than deploy.min_overlap ({params.deploy.min_overlap:.0%}); the "
            "live model serves as before. Check package.variant, or set FORCE=1"
        )
    # other scales of the scores and another BM25: near, but never the same
    hybrid = agreement(checks.hybrid, _engine(site, "hybrid", new), queries)
    return {
        "queries": semantic.queries,
        "overlap": round(semantic.overlap, 4),
        "score_gap": round(semantic.score_gap, 3),
        "hybrid_overlap": round(hybrid.overlap, 4),
    }


def _explored(site: Site, new: ServedModel, checks: Checks) -> dict[str, Any]:
    """How far the search of the graph looks, so that it finds what the exact one does."""
    params = site.params.deploy
    exploration = explore(
        _engine(site, "semantic", new, exact=True),
        lambda number: _engine(site, "semantic", replace(new, additional_hits=number)),
        drawn(checks.split.queries, params.queries, site.params.seed),
        params.explore,
        params.min_recall,
    )
    return exploration.row


def _measured(
    site: Site, staged: Application, new: ServedModel, checks: Checks
) -> dict[str, float]:
    """nDCG@10 by engine; refuses a new model that loses against the live one."""
    profile: Kind = new.serving.profile
    engines: dict[str, Engine] = {
        "semantic": _engine(site, "semantic", new),
        "semantic_exact": _engine(site, "semantic", new, exact=True),
        profile: _engine(site, profile, new),
        "semantic_in_memory": checks.semantic,
        "hybrid_in_memory": checks.hybrid,
    }
    rival = staged.live if staged.live != new.label else staged.previous
    if rival is not None:
        engines["rival"] = _engine(site, profile, staged.model(rival))
    figures = measured(engines, checks.split)
    lost = figures.get("rival", 0.0) - figures.get(profile, 0.0)
    if staged.live != new.label and lost > site.params.deploy.max_loss and not checks.force:
        raise UserError(
            f"{new.label}: nDCG@10 {figures[profile]:.4f} in Vespa, the live model {rival} has "
            f"{figures['rival']:.4f}; that loses more than deploy.max_loss "
            f"({site.params.deploy.max_loss:g}). The live model serves as before; FORCE=1 deploys "
            "all the same"
        )
    return {name: round(value, 4) for name, value in figures.items()}


def _engine(site: Site, kind: Kind, model: ServedModel, exact: bool = False) -> VespaEngine:
    ranking = Ranking(
        kind,
        model.profile,
        exact,
        targets=model.serving.targets,
        additional_hits=model.additional_hits,
    )
    return VespaEngine(site.connection, ranking)
