"""embedder.json: what a server must be told about an exported variant."""

from dataclasses import dataclass
from pathlib import Path

from stages.lib.core.files import read_json
from stages.lib.errors import UserError

SETTINGS = "embedder.json"


@dataclass(frozen=True, slots=True)
class Embedder:
    """What a server must be told about an exported model.

    `pooling` is mean, cls, or none where the graph pools by itself. `hash` is the content's: 16
    hex digits over the graph, the tokenizer and these settings.
    """

    variant: str
    dimension: int
    max_tokens: int
    pooling: str
    normalize: bool
    query_prefix: str
    document_prefix: str
    token_type_ids: bool
    output: str
    hash: str = ""


def read_embedder(folder: Path) -> Embedder:
    """The settings of an exported variant."""
    try:
        return Embedder(**read_json(folder / SETTINGS))
    except TypeError as error:
        raise UserError(f"{folder / SETTINGS}: {error}; run the stage export again") from error


def read_embedders(folder: Path) -> dict[str, Embedder]:
    """The settings of all exported variants by their folder's name within this one."""
    found = sorted(folder.rglob(SETTINGS))
    return {
        each.parent.relative_to(folder).as_posix(): read_embedder(each.parent) for each in found
    }
