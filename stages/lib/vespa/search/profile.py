"""A vector field with the rank profiles over it: all that a search needs to know of a model."""

from dataclasses import dataclass
from typing import Literal

VectorType = Literal["float", "bfloat16", "binary"]

NUMBERS = "q"
"""The input that has the query's numbers."""

BITS = "q_bits"
"""The input that has the query's signs, where the field keeps signs alone."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Vespa's type of a vector: what a cell is, and how many there are."""

    cell: str
    size: int

    def __str__(self) -> str:
        return f"tensor<{self.cell}>(x[{self.size}])"


@dataclass(frozen=True, slots=True)
class Profile:
    """A vector field and its rank profiles.

    `label` is what the rank profiles are named by, `dimension` the query vector's. `embedder` is
    the component that embeds queries in Vespa; without one, queries come as vectors. `unit` says
    that all vectors have the length 1.
    """

    label: str
    field: str
    vector_type: VectorType
    dimension: int
    embedder: str | None = None
    unit: bool = True

    @property
    def binary(self) -> bool:
        """Whether the field keeps one bit a dimension."""
        return self.vector_type == "binary"

    @property
    def tensor(self) -> Tensor:
        """The type of the field; a byte holds eight bits."""
        if self.vector_type == "binary":
            return Tensor("int8", self.dimension // 8)
        return Tensor(self.vector_type, self.dimension)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The types of what a query embeds to, by the inputs' names."""
        numbers = {NUMBERS: Tensor("float", self.dimension)}
        return numbers | {BITS: self.tensor} if self.binary else numbers

    @property
    def near(self) -> str:
        """The input that the nearest neighbours are sought for; all inputs rank."""
        return BITS if self.binary else NUMBERS

    @property
    def metric(self) -> str:
        """Vespa's distance; the cheaper angular one holds for unit vectors alone."""
        if self.binary:
            return "hamming"
        return "prenormalized-angular" if self.unit else "angular"
