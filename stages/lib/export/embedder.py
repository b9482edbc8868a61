"""embedder.json: what a server must be told about an exported variant."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from stages.lib.core.files import read_json
from stages.lib.errors import UserError

SETTINGS = "embedder.json"

Side = Literal["query", "document"]
SIDES: tuple[Side, Side] = ("query", "document")


class Embedder(BaseModel):
    """What a server must be told about an exported model.

    `pooling` is none where the graph pools by itself. `hash` is the content's: 16 hex digits over
    the graph, the tokenizer and these settings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    dimension: int
    max_tokens: int
    pooling: Literal["mean", "cls", "none"]
    normalize: bool
    query_prefix: str
    document_prefix: str
    token_type_ids: bool
    output: str
    hash: str = ""


def read_embedder(folder: Path) -> Embedder:
    """The settings of an exported variant.

    Raises:
        UserError: the file is missing, or a key of it is missing, unknown or of another type.

    """
    path = folder / SETTINGS
    try:
        return Embedder.model_validate(read_json(path))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "the file"
        raise UserError(f"{path}: {key}: {fault['msg']}; run dvc repro export") from error


def read_embedders(folder: Path) -> dict[str, Embedder]:
    """The settings of all exported variants by their folder's name within this one."""
    paths = sorted(folder.rglob(SETTINGS))
    return {
        path.parent.relative_to(folder).as_posix(): read_embedder(path.parent) for path in paths
    }


def documents_elsewhere(onnx: Path) -> bool:
    """Whether the export has a query tower alone, since an endpoint encodes the documents."""
    return (onnx / "query").is_dir() and not (onnx / "document").is_dir()


def tower_folder(onnx: Path, variant: str, side: Side) -> Path:
    """Where the export keeps a tower's files: by side where the towers differ.

    Where documents are encoded elsewhere, the query tower stands for both: their vectors are data.
    """
    if documents_elsewhere(onnx):
        side = "query"
    return onnx / side / variant if (onnx / side).is_dir() else onnx / variant
