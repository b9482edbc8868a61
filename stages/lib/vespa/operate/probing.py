"""Vespa's own vectors of probe texts and documents, held against those that a package knows."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stages.lib.encoding.encoder import Vectors
from stages.lib.errors import UserError
from stages.lib.search.vector_types import prefix
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.package.feed import document_id
from stages.lib.vespa.package.probe import Probes
from stages.lib.vespa.package.rendering import PROBE
from stages.lib.vespa.search.engine import SELECT, Ranking, VespaEngine, ask
from stages.lib.vespa.search.profile import NUMBERS, Profile


@dataclass(frozen=True, slots=True)
class Likeness:
    """The cosines of Vespa's vectors to the package's own, by text and by doc_id."""

    texts: Mapping[str, float]
    documents: Mapping[str, float]

    @property
    def row(self) -> dict[str, Any]:
        """What the receipt says of it."""
        return {
            "texts": len(self.texts),
            "min_cosine": _least(self.texts),
            "documents": len(self.documents),
            "documents_min_cosine": _least(self.documents),
        }

    def require(self, least: float, label: str) -> None:
        """Refuses a model of which Vespa has another vector.

        Args:
            least: the cosine that is near enough.
            label: the model's.

        Raises:
            UserError: names the vector that is farthest away.

        """
        for kind, cosines in (("text", self.texts), ("document", self.documents)):
            worst = min(cosines, key=cosines.__getitem__, default=None)
            if worst is None or cosines[worst] >= least:
                continue
            name = " ".join(worst.split())[:40]
            raise UserError(
                f"{label}: Vespa's vector of the {kind} {name!r} has cosine "
                f"{cosines[worst]:.4f} to the package's own, less than deploy.min_cosine "
                f"({least:g}); the live model serves as before. Compare pooling, prefix and "
                "max-tokens in services.xml with the export; an int8 model may differ by "
                "processor (set package.variant to fp32); or set FORCE=1"
            )


def _least(cosines: Mapping[str, float]) -> float | None:
    return round(min(cosines.values()), 6) if cosines else None


def probe(
    site: Site, new: Profile, texts: Probes, documents: Probes, rejected: Container[str]
) -> Likeness:
    """Asks Vespa for the vectors of the probes.

    Args:
        site: where the model is deployed, and its documents are.
        new: the model's profile.
        texts: of queries.
        documents: those whose vectors Vespa computes.
        rejected: Vespa's ids of documents that it refused, of which it may have older vectors.

    """
    name = site.params.package.name
    stored = {
        doc_id: cosine
        for doc_id, cosine in _of_documents(site, new, documents).items()
        if document_id(name, doc_id) not in rejected
    }
    return Likeness(_of_texts(site, new, texts), stored)


def _of_texts(site: Site, new: Profile, probes: Probes) -> dict[str, float]:
    """The cosine of each text's vector in Vespa to its own; none if there is no document."""
    vectors = _embedded(site, new, probes.names)
    if vectors is None:
        return {}
    # a vector that Vespa could not compute has no numbers, and counts as a wrong one
    cosines = (probes.vectors * np.nan_to_num(vectors)).sum(axis=1)
    return dict(zip(probes.names, map(float, cosines), strict=True))


def _of_documents(site: Site, new: Profile, probes: Probes) -> dict[str, float]:
    """The cosine of each document's own vector to the nearest one that Vespa has stored."""
    if not probes.names:
        return {}
    ranking = Ranking("semantic", new, exact=True, encode=lambda _: probes.vectors)
    queries = {doc_id: doc_id for doc_id in probes.names}
    run = VespaEngine(site.connection, ranking).search(queries, 1)
    return {doc_id: max(nearest.values(), default=0.0) for doc_id, nearest in run.items()}


def _embedded(site: Site, profile: Profile, texts: Sequence[str]) -> Vectors | None:
    """Unit vectors of texts by Vespa, (texts, dimensions); None if it has no document at all."""
    requests = [
        {
            "queryProfile": "base",
            "yql": SELECT + "true",
            "query": text,
            "hits": 1,  # whichever: each one carries the query's vector
            "presentation.summary": "ids",
            "presentation.format.tensors": "short-value",
            "ranking.profile": f"{PROBE}_{profile.label}",
            f"input.query({NUMBERS})": f"embed({profile.embedder}, @query)",
        }
        for text in texts
    ]
    hits = [answer["root"].get("children", []) for answer in ask(site.connection, requests)]
    if not all(hits):
        return None
    rows = [hit["fields"]["matchfeatures"][f"query({NUMBERS})"] for hit, *_ in hits]
    return prefix(np.array(rows, dtype=np.float32), profile.dimension)
