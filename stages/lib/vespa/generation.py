"""A model as it is deployed: its towers, its vector field and its profiles, all named by hash.

Vespa does not see a changed file behind the same name, and would mix old and new vectors without
a word. So nothing keeps its name when the model changes, and two generations live side by side
while one takes over from the other.
"""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stages.lib.errors import UserError
from stages.lib.vespa.tower import Settings, Tower, read_tower

Filling = Literal["vespa", "fed"]
Cells = Literal["float", "bfloat16"]
Side = Literal["query", "document"]

SIDES: tuple[Side, Side] = ("query", "document")


@dataclass(frozen=True, slots=True)
class Generation:
    """What is deployed of one model.

    `query` and `document` are the same tower unless only the query tower was tuned; then the field
    is the document tower's, and a new query tower needs no new vectors.
    """

    query: Tower
    document: Tower
    cells: Cells
    filling: Filling
    serves: bool = True
    """False: an index for the pipeline's own searches; queries come as vectors too."""

    @property
    def field(self) -> str:
        """The field of document vectors."""
        return f"embedding_{self.document.hash}_{self.cells}{self._fed}"

    @property
    def label(self) -> str:
        """What the profiles are named by."""
        return f"{self.query.hash}_{self.cells}{self._fed}"

    @property
    def _fed(self) -> str:
        return "_fed" if self.filling == "fed" else ""

    @property
    def dimension(self) -> int:
        """The number of dimensions of the vectors."""
        return self.document.settings.dimension

    @property
    def metric(self) -> str:
        """Vespa's distance; the cheaper one holds for unit vectors alone."""
        unit = self.query.settings.normalize and self.document.settings.normalize
        return "prenormalized-angular" if unit else "angular"

    def as_dict(self) -> dict[str, Any]:
        """The generation as it stands in the deployed manifest."""
        return {
            "query": _tower_dict(self.query),
            "document": _tower_dict(self.document),
            "cells": self.cells,
            "filling": self.filling,
            "serves": self.serves,
        }


def _tower_dict(tower: Tower) -> dict[str, Any]:
    return asdict(tower) | {"settings": tower.settings.model_dump()}


def from_dict(row: dict[str, Any]) -> Generation:
    """The generation of a manifest's entry."""
    query, document = (
        Tower(**row[side] | {"settings": Settings(**row[side]["settings"])}) for side in SIDES
    )
    return Generation(query, document, row["cells"], row["filling"], row["serves"])


def read_generation(onnx: Path, variant: str, cells: Cells, filling: Filling) -> Generation:
    """The generation of an export's folder; with `query/` and `document/` in it, of two towers."""
    query, document = (read_tower(tower_folder(onnx, variant, side)) for side in SIDES)
    if query.settings.dimension != document.settings.dimension:
        raise UserError(
            f"{onnx}: the query tower has {query.settings.dimension} dimensions, the document "
            f"tower {document.settings.dimension}; they must be the same"
        )
    return Generation(query, document, cells, filling)


def tower_folder(onnx: Path, variant: str, side: Side) -> Path:
    """Where the export keeps a tower's files."""
    return onnx / side / variant if (onnx / side).is_dir() else onnx / variant


def index_generation(vectors: Path) -> Generation:
    """An index of a folder of vectors, named by their hash: fed, exact, and without an embedder."""
    file = vectors / "vectors.npy"
    try:
        dimension = int(np.load(file, mmap_mode="r").shape[1])
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()[:12]
    except OSError as error:
        raise UserError(f"{file}: cannot be read; run dvc repro embed") from error
    settings = Settings(
        variant="index",
        dimension=dimension,
        max_tokens=0,
        pooling="none",
        normalize=True,
        query_prefix="",
        document_prefix="",
    )
    tower = Tower(found, settings, token_types=False, output="")
    return Generation(tower, tower, "float", "fed", serves=False)
