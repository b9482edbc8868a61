"""A model as it is deployed: its towers, its vector field and its profiles, all named by hash.

Vespa does not see a changed file behind the same name, and would mix old and new vectors without
a word. So nothing keeps its name when the model changes, and two models live side by side while
one takes over from the other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from stages.lib.core.hashes import file_hash, text_hash
from stages.lib.encoding.vectors import TRAINED, made_by
from stages.lib.errors import UserError
from stages.lib.export.embedder import SIDES, documents_elsewhere, tower_folder
from stages.lib.params import Params
from stages.lib.values import LARGEST, Share
from stages.lib.vespa.package.tower import Tower, read_tower
from stages.lib.vespa.search.profile import Profile, VectorType

Filling = Literal["vespa", "fed"]

USUAL_GRAPH = (16, 200)
"""Links and neighbours explored where nothing else is said: those of indexes, and of no name."""


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model answers, whatever its vectors: what comes back with it when it comes back.

    `profile` answers those who name none; each retriever finds `targets` candidates; `k1` and `b`
    are BM25's.
    """

    profile: Literal["semantic", "hybrid", "rrf"] = "hybrid"
    targets: Annotated[int, Field(ge=1, le=LARGEST)] = 200
    k1: Annotated[float, Field(gt=0, le=1000)] = 1.2
    b: Share = 0.75


@dataclass(frozen=True, slots=True)
class ServedModel:
    """What is deployed of one model.

    `query` and `document` are the same tower unless only the query tower was tuned; then the field
    is the document tower's, and a new query tower needs no new vectors. `dimension` is how many of
    the model's dimensions are kept, the first ones; `dense_weight` what the vectors weigh beside
    BM25 in the hybrid profile.
    """

    query: Tower
    document: Tower
    vector_type: VectorType
    dimension: Annotated[int, Field(ge=1, le=LARGEST)]
    filling: Filling
    dense_weight: Share
    vectors: Annotated[str, Field(pattern="^([0-9a-f]{12})?$")] = ""
    """The hash of vectors that no encoder here gives, since training moved them or an endpoint made
    them; else empty."""
    links: Annotated[int, Field(ge=2, le=LARGEST)] = USUAL_GRAPH[0]
    explore: Annotated[int, Field(ge=1, le=LARGEST)] = USUAL_GRAPH[1]
    """The graph of the approximate search, which Vespa does not change under a field's name."""
    serving: Serving = Serving()
    embeds_new: bool = False
    """Whether Vespa embeds documents that come in without a fed vector."""
    additional_hits: Annotated[int, Field(ge=0, le=LARGEST)] = 0
    """Neighbours that a search of the graph looks at beyond its targets; found by measuring."""

    @property
    def field(self) -> str:
        """The field of document vectors."""
        return f"embedding_{self.vectors or self.document.hash}_{self._stored}"

    @property
    def fed_field(self) -> str:
        """The field that vectors are fed to; where Vespa embeds what has none, it fills `field`."""
        return f"given_{self.field}" if self.embeds_new else self.field

    @property
    def label(self) -> str:
        """What the profiles are named by; a new weight is a new profile, with a way back."""
        parts: list[object] = [self.query.hash]
        if self.vectors:
            parts.append(self.vectors)
        parts += [self._stored, f"w{round(1000 * self.dense_weight)}"]
        if self.serving != Serving():
            parts.append(f"s{text_hash(repr(self.serving), digits=8)}")
        return "_".join(map(str, parts))

    @property
    def _stored(self) -> str:
        parts: list[object] = [self.vector_type]
        if self.dimension < self.document.settings.dimension:
            parts.append(self.dimension)
        if (self.links, self.explore) != USUAL_GRAPH:
            parts.append(f"graph{self.links}_{self.explore}")
        if self.filling == "fed":
            parts.append("fed")
        if self.embeds_new:
            parts.append("new")
        return "_".join(map(str, parts))

    @property
    def profile(self) -> Profile:
        """What a search needs to know of the model."""
        return Profile(
            self.label,
            self.field,
            self.vector_type,
            self.dimension,
            self.query.embedder,
            unit=self.query.settings.normalize and self.document.settings.normalize,
        )


def read_model(
    onnx: Path, variant: str, vectors: Path, params: Params, dense_weight: float
) -> ServedModel:
    """The model of an export's folder; with `query/` and `document/` in it, of two towers.

    Args:
        onnx: the exported model.
        variant: of it.
        vectors: the model's vectors of the corpus.
        params: how they are stored, and how they answer.
        dense_weight: what they weigh beside BM25.

    Raises:
        UserError: the export cannot be served, or not with as many dimensions, or Vespa is to
            compute vectors that no encoder gives.

    """
    package, bm25 = params.package, params.bm25
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
    return ServedModel(
        query,
        document,
        package.vector_type,
        dimension,
        package.vectors,
        dense_weight,
        file_hash(vectors / "vectors.npy", 12) if trained or documents_elsewhere(onnx) else "",
        links=package.hnsw_links,
        explore=package.hnsw_explore,
        serving=Serving(package.profile, package.targets, bm25.k1, bm25.b),
        embeds_new=package.embed_new and package.vectors == "fed",
    )
