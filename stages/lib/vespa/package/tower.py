"""An exported model as Vespa's hugging-face-embedder takes it, and what Vespa would check of it."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from pydantic import BaseModel, ConfigDict, ValidationError

from stages.lib.core.files import read_json
from stages.lib.errors import UserError

LARGEST = 2**31
"""Bytes of the largest ONNX file that Vespa loads: protobuf's limit."""

FILES = ("model.onnx", "tokenizer.json")
SETTINGS = "embedder.json"


class Settings(BaseModel):
    """What the export says of a model beside its files."""

    model_config = ConfigDict(frozen=True)

    variant: str
    dimension: int
    max_tokens: int
    pooling: Literal["mean", "cls", "none"]
    normalize: bool
    query_prefix: str
    document_prefix: str


@dataclass(frozen=True, slots=True)
class Tower:
    """One encoder: its settings, its graph's names and the hash that names all of it."""

    hash: str
    settings: Settings
    token_types: bool
    output: str

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
    settings = _settings(folder / SETTINGS)
    output, token_types = _check_graph(folder / "model.onnx", settings)
    _check_tokenizer(folder / "tokenizer.json", settings)
    return Tower(_hash(folder, settings), settings, token_types, output)


def _settings(path: Path) -> Settings:
    try:
        return Settings.model_validate(read_json(path))
    except ValidationError as error:
        fault = error.errors()[0]
        key = ".".join(map(str, fault["loc"])) or "the file"
        raise UserError(f"{path}: {key}: {fault['msg']}; run dvc repro export") from error


def _hash(folder: Path, settings: Settings) -> str:
    total = hashlib.sha256(json.dumps(settings.model_dump(), sort_keys=True).encode())
    for name in FILES:
        total.update(hashlib.sha256((folder / name).read_bytes()).digest())
    return total.hexdigest()[:12]


def _check_graph(path: Path, settings: Settings) -> tuple[str, bool]:
    """The output's name and whether the graph takes token types."""
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
    if any(each.data_location == onnx.TensorProto.EXTERNAL for each in model.graph.initializer):
        raise UserError(f"{path}: keeps weights in a file beside it, which Vespa cannot load")
    inputs = {each.name for each in model.graph.input}
    wanted = {"input_ids", "attention_mask"}
    if inputs - {"token_type_ids"} != wanted:
        raise UserError(
            f"{path}: takes {', '.join(sorted(inputs))}; Vespa gives input_ids, attention_mask "
            "and perhaps token_type_ids"
        )
    output = model.graph.output[0]
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
    return str(output.name), "token_type_ids" in inputs


def _check_tokenizer(path: Path, settings: Settings) -> None:
    tokenizer = read_json(path)
    if not isinstance(tokenizer, dict) or "model" not in tokenizer:
        raise UserError(f"{path}: not a tokenizer of the tokenizers library")
    truncation = tokenizer.get("truncation")
    if truncation and truncation.get("max_length") != settings.max_tokens:
        raise UserError(
            f"{path}: truncates at {truncation.get('max_length')} tokens, which in Vespa wins over "
            f"the {settings.max_tokens} of encoder.max_length; run dvc repro export"
        )
