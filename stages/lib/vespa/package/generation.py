"""A model as it is deployed: its towers, its vector field and its profiles, all named by hash.

Vespa does not see a changed file behind the same name, and would mix old and new vectors without
a word. So nothing keeps its name when the model changes, and two generations live side by side
while one takes over from the other.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stages.lib.core.hashes import file_hash
from stages.lib.encoding.vectors import TRAINED, made_by
from stages.lib.errors import UserError
from stages.lib.export.embedder import Embedder
from stages.lib.params import Package
from stages.lib.vespa.package.tower import Tower, read_tower

Filling = Literal["vespa", "fed"]
VectorType = Literal["float", "bfloat16", "binary"]
Side = Literal["query", "document"]

SIDES: tuple[Side, Side] = ("query", "document")
USUAL_GRAPH = (16, 200)
"""Links and neighbours explored where nothing else is said: those of indexes, and of no name."""


@dataclass(frozen=True, slots=True)
class Generation:
    """What is deployed of one model.

    `query` and `document` are the same tower unless only the query tower was tuned; then the field
    is the document tower's, and a new query tower needs no new vectors. `dimension` is how many of
    the model's dimensions are kept, the first ones; `dense_weight` what the vectors weigh beside
    BM25 in the hybrid profile.
    """

    query: Tower
    document: Tower
    vector_type: VectorType
    dimension: int
    filling: Filling
    dense_weight: float
    vectors: str = ""
    """The hash of vectors that training moved, which no encoder gives; else empty."""
    serves: bool = True
    """False: an index for the pipeline's own searches; queries come as vectors too."""
    links: int = USUAL_GRAPH[0]
    explore: int = USUAL_GRAPH[1]
    """The graph of the approximate search, which Vespa does not change under a field's name."""

    @property
    def field(self) -> str:
        """The field of document vectors."""
        return f"embedding_{self.vectors or self.document.hash}_{self._stored}"

    @property
    def label(self) -> str:
        """What the profiles are named by; a new weight is a new profile, with a way back."""
        vectors = f"_{self.vectors}" if self.vectors else ""
        return f"{self.query.hash}{vectors}_{self._stored}_w{round(1000 * self.dense_weight)}"

    @property
    def _stored(self) -> str:
        parts: list[object] = [self.vector_type]
        if self.dimension < self.document.settings.dimension:
            parts.append(self.dimension)
        if (self.links, self.explore) != USUAL_GRAPH:
            parts.append(f"graph{self.links}_{self.explore}")
        if self.filling == "fed":
            parts.append("fed")
        return "_".join(map(str, parts))

    @property
    def binary(self) -> bool:
        """Whether the field keeps one bit a dimension."""
        return self.vector_type == "binary"

    @property
    def tensor(self) -> str:
        """Vespa's type of the field."""
        return tensor("int8" if self.binary else self.vector_type, self.cells)

    @property
    def cells(self) -> int:
        """The number of cells of a stored vector: a byte holds eight bits."""
        return self.dimension // 8 if self.binary else self.dimension

    @property
    def inputs(self) -> dict[str, str]:
        """What a query embeds to, by the input's name: the first one searches, the others rank."""
        whole = {"q": tensor("float", self.dimension)}
        return {"q_bits": self.tensor, **whole} if self.binary else whole

    @property
    def metric(self) -> str:
        """Vespa's distance; the cheaper angular one holds for unit vectors alone."""
        if self.binary:
            return "hamming"
        unit = self.query.settings.normalize and self.document.settings.normalize
        return "prenormalized-angular" if unit else "angular"

    def as_dict(self) -> dict[str, Any]:
        """The generation as it stands in the deployed manifest."""
        return {
            "query": _tower_dict(self.query),
            "document": _tower_dict(self.document),
            "vector_type": self.vector_type,
            "dimension": self.dimension,
            "filling": self.filling,
            "dense_weight": self.dense_weight,
            "vectors": self.vectors,
            "serves": self.serves,
            "links": self.links,
            "explore": self.explore,
        }


def tensor(cell: str, size: int) -> str:
    """Vespa's type of a vector."""
    return f"tensor<{cell}>(x[{size}])"


def _tower_dict(tower: Tower) -> dict[str, Any]:
    return asdict(tower) | {"settings": tower.settings.model_dump()}


def from_dict(row: dict[str, Any]) -> Generation:
    """The generation of a manifest's entry."""
    query, document = (
        Tower(**row[side] | {"settings": Embedder(**row[side]["settings"])}) for side in SIDES
    )
    rest = {key: value for key, value in row.items() if key not in SIDES}
    return Generation(query, document, **rest)


def read_generation(
    onnx: Path, variant: str, vectors: Path, package: Package, dense_weight: float
) -> Generation:
    """The generation of an export's folder; with `query/` and `document/` in it, of two towers.

    Args:
        onnx: the exported model.
        variant: of it.
        vectors: the model's vectors of the corpus.
        package: how they are stored.
        dense_weight: what they weigh beside BM25.

    Raises:
        UserError: the export cannot be served, or not with as many dimensions, or Vespa is to
            compute vectors that no encoder gives.

    """
    query, document = (read_tower(tower_folder(onnx, variant, side)) for side in SIDES)
    if query.settings.dimension != document.settings.dimension:
        raise UserError(
            f"{onnx}: the query tower has {query.settings.dimension} dimensions, the document "
            f"tower {document.settings.dimension}; they must be the same"
        )
    whole = document.settings.dimension
    dimension = package.dimensions or whole
    if dimension > whole:
        raise UserError(
            f"package.dimensions: {dimension}, but {onnx} has {whole}; lower it, or set 0 for all"
        )
    if package.vector_type == "binary" and dimension % 8:
        raise UserError(
            f"{onnx}: {dimension} dimensions do not fill bytes; set package.dimensions to "
            f"{dimension - dimension % 8}, or another package.vector_type"
        )
    trained = made_by(vectors) == TRAINED
    if trained and package.vectors == "vespa":
        raise UserError(
            "package.vectors: vespa would embed documents by the base, but training moved their "
            "vectors; set it to fed, or train.tower to query"
        )
    return Generation(
        query,
        document,
        package.vector_type,
        dimension,
        package.vectors,
        dense_weight,
        file_hash(vectors / "vectors.npy", 12) if trained else "",
        links=package.hnsw_links,
        explore=package.hnsw_explore,
    )


def tower_folder(onnx: Path, variant: str, side: Side) -> Path:
    """Where the export keeps a tower's files."""
    return onnx / side / variant if (onnx / side).is_dir() else onnx / variant


def index_generation(vectors: Path) -> Generation:
    """An index of a folder of vectors, named by their hash: fed, exact, and without an embedder."""
    file = vectors / "vectors.npy"
    try:
        dimension = int(np.load(file, mmap_mode="r").shape[1])
        found = file_hash(file, 12)
    except OSError as error:
        raise UserError(f"{file}: cannot be read; run dvc repro embed") from error
    settings = Embedder(
        variant="index",
        dimension=dimension,
        max_tokens=0,
        pooling="none",
        normalize=True,
        query_prefix="",
        document_prefix="",
        token_type_ids=False,
        output="",
    )
    tower = Tower(found, settings)
    return Generation(tower, tower, "float", dimension, "fed", dense_weight=1.0, serves=False)
