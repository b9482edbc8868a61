"""Nearest neighbours of a field's vectors: all compared, or by walking a graph as Vespa does."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from tests.vespa.standin.package import VectorField
from tests.vespa.standin.runtime import Vector


class Neighbours:
    """The vectors of a field as they are now.

    The graph is FAISS's: as in Vespa's, `links` and what is looked at when a vector comes in make
    it, and a search looks at so many neighbours as it is told.
    """

    def __init__(self, found: VectorField, stored: Mapping[str, Vector]) -> None:
        self.ids = list(stored)
        self._found = found
        rows = [stored[id] for id in self.ids]
        self._rows = np.array(rows) if rows else np.empty((0, found.type.size), np.int8)
        self._bits = found.type.cells == "int8"
        if not self._bits:
            lengths = np.sqrt(np.einsum("ij,ij->i", self._rows, self._rows))
            self._rows = self._rows / lengths[:, None]
        self._graph: Any = None

    def scores(self, inputs: Mapping[str, Vector]) -> tuple[dict[str, float], dict[str, float]]:
        """Of each document: the cosine to the query's numbers, and the share of equal bits."""
        query = inputs["q"]
        if not self._bits:
            # row by row, so that equal vectors have equal scores
            cosines = np.einsum("ij,j->i", self._rows, query / np.linalg.norm(query))
            return self._by_id(cosines), {}
        bits = np.unpackbits(self._rows.view(np.uint8), axis=1)
        signs = 2.0 * bits - 1
        given = np.unpackbits(inputs["q_bits"].view(np.uint8))
        agreements = 1 - 2 * (bits != given).sum(axis=1) / bits.shape[1]
        cosines = np.einsum("ij,j->i", signs, query) / np.sqrt(bits.shape[1])
        return self._by_id(cosines), self._by_id(agreements)

    def walk(self, inputs: Mapping[str, Vector], targets: int, additional: int) -> list[str]:
        """As many documents as are asked for, found by a walk through the graph."""
        if self._graph is None:
            self._graph = self._built()
        self._graph.hnsw.efSearch = targets + additional
        query = inputs["q_bits"].view(np.uint8) if self._bits else inputs["q"].astype(np.float32)
        _, places = self._graph.search(query[None], targets)
        return [self.ids[place] for place in places[0] if place >= 0]

    def _built(self) -> Any:
        import faiss

        found = self._found
        if self._bits:
            graph: Any = faiss.IndexBinaryHNSW(8 * found.type.size, found.links)
            rows = self._rows.view(np.uint8)
        else:
            graph = faiss.IndexHNSWFlat(found.type.size, found.links, faiss.METRIC_INNER_PRODUCT)
            rows = self._rows.astype(np.float32)
        graph.hnsw.efConstruction = found.explored
        graph.add(rows)
        return graph

    def _by_id(self, scores: Vector) -> dict[str, float]:
        return dict(zip(self.ids, map(float, scores), strict=True))
