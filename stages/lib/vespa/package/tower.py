"""An exported model as Vespa's hugging-face-embedder takes it, and what Vespa would check of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import onnx
from pydantic import Field

from stages.lib.core.files import read_json
from stages.lib.core.hashes import content_hash
from stages.lib.errors import UserError
from stages.lib.export.embedder import SETTINGS, Embedder, read_embedder

LARGEST = 2**31
"""Bytes of the largest ONNX file that Vespa loads: protobuf's limit."""

FILES = ("model.onnx", "tokenizer.json")


@dataclass(frozen=True, slots=True)
class Tower:
    """One encoder: what Vespa must be told of it, and the hash that names all of it."""

    hash: Annotated[str, Field(pattern="^[0-9a-f]{12}$")]
    settings: Embedder

    @property
    def embedder(self) -> str:
        """The id of the component in services.xml."""
        return f"emb_{self.hash}"


def read_tower(folder: Path) -> Tower:
    """Reads and checks an exported model.

    Raises:
        UserError: a file is missing, the graph is not one that the embedder can run, or the
            settings do not fit it.

    """
    for name in (*FILES, SETTINGS):
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: no such file; run dvc repro export")
    settings = read_embedder(folder)
    _check_graph(folder / "model.onnx", settings)
    _check_tokenizer(folder / "tokenizer.json", settings)
    return Tower(content_hash(folder, 12), settings)


def _check_graph(path: Path, settings: Embedder) -> None:
    if path.stat().st_size >= LARGEST:
        raise UserError(
            f"{path}: {path.stat().st_size / 2**30:.1f} GiB, but Vespa loads ONNX files below "
            "2 GiB; set package.variant to int8"
        )
    try:
        model: Any = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        # the parser raises protobuf's own errors, which have no common base to name here
        raise UserError(f"{path}: not an ONNX model; run dvc repro export") from error
    weights = model.graph.initializer
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in weights):
        raise UserError(f"{path}: keeps weights in a file beside it, which Vespa cannot load")
    inputs = {tensor.name for tensor in model.graph.input}
    wanted = {"input_ids", "attention_mask"}
    if inputs - {"token_type_ids"} != wanted:
        raise UserError(
            f"{path}: takes {', '.join(sorted(inputs))}; Vespa gives input_ids, attention_mask "
            "and perhaps token_type_ids"
        )
    if ("token_type_ids" in inputs) != settings.token_type_ids:
        raise UserError(
            f"{path}: its settings say token_type_ids {settings.token_type_ids}, the graph says "
            "otherwise; run dvc repro export"
        )
    output = model.graph.output[0]
    if output.name != settings.output:
        raise UserError(
            f"{path}: gives {output.name}, but its settings say {settings.output}; run dvc repro "
            "export"
        )
    shape = output.type.tensor_type.shape.dim
    ranks = 2 if settings.pooling == "none" else 3
    if len(shape) != ranks:
        raise UserError(
            f"{path}: output {output.name} has {len(shape)} axes, but pooling "
            f"{settings.pooling!r} needs {ranks}"
        )
    if shape[-1].dim_value not in (0, settings.dimension):
        raise UserError(
            f"{path}: output {output.name} has {shape[-1].dim_value} dimensions, but its settings "
            f"say {settings.dimension}; Vespa would cut vectors without a word"
        )


def _check_tokenizer(path: Path, settings: Embedder) -> None:
    tokenizer = read_json(path)
    if not isinstance(tokenizer, dict) or "model" not in tokenizer:
        raise UserError(f"{path}: not a tokenizer of the tokenizers library")
    truncation = tokenizer.get("truncation")
    if truncation and truncation.get("max_length") != settings.max_tokens:
        raise UserError(
            f"{path}: truncates at {truncation.get('max_length')} tokens, which in Vespa wins over "
            f"the {settings.max_tokens} of encoder.max_length; run dvc repro export"
        )
