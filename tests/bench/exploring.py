"""How far the approximate search has to look: generated vectors, in the stand-in's graph.

python -m tests.bench.exploring --documents 100000

Documents lie in clusters. Queries of the first kind lie like documents; those of the second kind
are moved aside, as a query encoder that was tuned apart from its documents moves them. Prints the
share of the nearest hundred that is found, by the neighbours that are looked at beyond the 200
targets, and what `deploy.min_recall` would choose.
"""

import time
from collections.abc import Mapping

import click
import numpy as np

from stages.lib.core.collection import Queries
from stages.lib.params import read_params
from stages.lib.search.engine import Run
from stages.lib.vespa.operate.exploring import explore
from tests.conftest import ROOT
from tests.vespa.standin.neighbours import Neighbours
from tests.vespa.standin.package import VectorField, VectorType
from tests.vespa.standin.runtime import Vector

CLUSTERS, SPREAD = 500, 0.7


class Searched:
    """The engine over the stand-in's neighbours; without a number, it compares with all."""

    def __init__(
        self, found: Neighbours, vectors: Mapping[str, Vector], number: int | None = None
    ) -> None:
        self._found, self._vectors, self._number = found, vectors, number

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` documents of each query."""
        run: Run = {}
        for query_id in queries:
            inputs = {"q": self._vectors[query_id]}
            scores, _ = self._found.scores(inputs)
            ids = list(scores)
            if self._number is not None:
                ids = self._found.walk(inputs, 200, self._number)
            best = sorted(ids, key=lambda id: (-scores[id], id))[:depth]
            run[query_id] = {id: scores[id] for id in best}
        return run


@click.command()
@click.option("--documents", default=100_000, show_default=True)
@click.option("--dimension", default=64, show_default=True)
@click.option("--queries", default=100, show_default=True)
def main(documents: int, dimension: int, queries: int) -> None:
    """Generate, build the graph, and measure."""
    drawn = np.random.default_rng(1)
    centres = drawn.normal(size=(CLUSTERS, dimension))

    def near(number: int) -> Vector:
        chosen = centres[drawn.integers(CLUSTERS, size=number)]
        return unit(chosen + SPREAD * drawn.normal(size=(number, dimension)))

    stored = {f"d{number}": row for number, row in enumerate(near(documents))}
    aside = unit(drawn.normal(size=dimension))
    kinds = {"like documents": near(queries), "moved aside": unit(near(queries) + aside)}
    field = VectorField("v", VectorType("float", dimension), "angular", 16, 200, True, None, None)
    found = Neighbours(field, stored)
    params = read_params(ROOT / "params.yaml").deploy
    for kind, rows in kinds.items():
        begun = time.monotonic()
        vectors = {str(number): row for number, row in enumerate(rows)}
        exploration = explore(
            Searched(found, vectors),
            lambda number, vectors=vectors: Searched(found, vectors, number),  # type: ignore[misc]
            dict.fromkeys(vectors, ""),
            params.explore,
            params.min_recall,
        )
        click.echo(f"{kind}: {exploration.row}, {time.monotonic() - begun:.0f} s")


def unit(vectors: Vector) -> Vector:
    """The same at length 1."""
    rows: Vector = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return rows.astype(np.float32)


if __name__ == "__main__":
    main()
