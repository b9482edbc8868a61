"""How far the approximate search has to look: generated vectors, in the stand-in's graph.

python -m tests.bench.exploring --documents 100000

Documents lie in clusters. Queries of the first kind lie like documents; those of the second kind
are moved aside, as a query encoder that was tuned apart from its documents moves them. Prints the
share of the nearest hundred that is found, by the neighbours that are looked at beyond the 200
targets, and what `deploy.min_recall` would choose.
"""

import time

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

CLUSTER, SPREAD, TARGETS = 40, 0.7, 200
"""Documents a cluster, so that a nearest hundred lies in several; their spread; Vespa's targets."""


class Searched:
    """The engine over generated rows, whose ids are their numbers.

    Without `number` it compares with all; with one, it walks the graph and looks at so many beyond
    the 200 targets.
    """

    def __init__(
        self, found: Neighbours, rows: Vector, queries: Vector, number: int | None = None
    ) -> None:
        self._found, self._rows, self._queries, self._number = found, rows, queries, number

    def search(self, queries: Queries, depth: int) -> Run:
        """The best `depth` rows for each query, which is named by its row's number."""
        run: Run = {}
        for query_id in queries:
            query = self._queries[int(query_id)]
            places = np.arange(len(self._rows))
            if self._number is not None:
                places = np.array(self._found.walk({"q": query}, TARGETS, self._number), dtype=int)
            scores = self._rows[places] @ query
            best = np.argsort(-scores, kind="stable")[:depth]
            run[query_id] = {str(places[each]): float(scores[each]) for each in best}
        return run


@click.command()
@click.option("--documents", default=100_000, show_default=True)
@click.option("--dimension", default=64, show_default=True)
@click.option("--queries", default=100, show_default=True)
def main(documents: int, dimension: int, queries: int) -> None:
    """Generate, build the graph, and measure."""
    drawn = np.random.default_rng(1)
    centres = drawn.normal(size=(documents // CLUSTER, dimension))

    def near(number: int) -> Vector:
        chosen = centres[drawn.integers(len(centres), size=number)]
        return unit(chosen + SPREAD * drawn.normal(size=(number, dimension)))

    stored = near(documents)
    aside = unit(drawn.normal(size=dimension))
    kinds = {"like documents": near(queries), "moved aside": unit(near(queries) + aside)}
    field = VectorField("v", VectorType("float", dimension), "angular", 16, 200, True, None, None)
    found = Neighbours(field, {str(number): row for number, row in enumerate(stored)})
    params = read_params(ROOT / "params.yaml").deploy
    for kind, rows in kinds.items():
        begun = time.monotonic()

        def walk(number: int, rows: Vector = rows) -> Searched:
            return Searched(found, stored, rows, number)

        names = {str(number): "" for number in range(queries)}
        exact = Searched(found, stored, rows)
        exploration = explore(exact, walk, names, params.explore, params.min_recall)
        click.echo(f"{kind}: {exploration.row}, {time.monotonic() - begun:.0f} s")


def unit(vectors: Vector) -> Vector:
    """The same at length 1."""
    rows: Vector = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return rows.astype(np.float32)


if __name__ == "__main__":
    main()
