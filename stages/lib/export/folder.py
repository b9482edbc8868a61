"""An exported variant on disk: model.onnx, tokenizer.json, and embedder.json beside them.

embedder.json says what a server must be told, so that packaging and deploying need nothing else.
"""

from pathlib import Path
from typing import Any, Literal

import onnx
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from stages.lib.core.collection import Corpus, Texts
from stages.lib.core.files import write_json
from stages.lib.core.hashes import content_hash
from stages.lib.encoder_params import Encoder
from stages.lib.encoding.encoder import dimension, encode
from stages.lib.encoding.vectors import stored_vectors, trained_vectors
from stages.lib.errors import UserError
from stages.lib.export.embedder import (
    SETTINGS,
    SIDES,
    Embedder,
    documents_elsewhere,
    read_embedder,
    tower_folder,
)
from stages.lib.export.graph import OUTPUT, split_at_pooling
from stages.lib.export.runtime import OnnxTransformer
from stages.lib.params import Params
from stages.lib.search.engine import Dense


def describe(
    model: SentenceTransformer, graph: onnx.ModelProto, variant: str, params: Encoder
) -> Embedder:
    """The settings of an exported graph.

    Raises:
        UserError: the model pools in a way that servers do not know, and the graph does not pool.

    """
    output = graph.graph.output[0].name
    return Embedder(
        variant=variant,
        dimension=dimension(model),
        max_tokens=params.max_length,
        pooling=_pooling(model) if output == OUTPUT else "none",
        normalize=True,
        query_prefix=params.query_prefix,
        document_prefix=params.document_prefix,
        token_type_ids="token_type_ids" in {tensor.name for tensor in graph.graph.input},
        output=output,
    )


def _pooling(model: SentenceTransformer) -> Literal["mean", "cls"]:
    pooling, *rest = split_at_pooling(model)[1]
    mode: Any = pooling.pooling_mode if isinstance(pooling, Pooling) else type(pooling).__name__
    others = [type(module).__name__ for module in rest if not isinstance(module, Normalize)]
    if mode not in ("mean", "cls") or others:
        raise UserError(
            f"the model ends in {', '.join([str(mode), *others])}, which the server cannot do; "
            "set export.pooled to true, so that the graph does it"
        )
    return "mean" if mode == "mean" else "cls"


def save_variant(
    folder: Path, graph: onnx.ModelProto, tokenizer: Tokenizer, settings: Embedder
) -> None:
    """Writes a variant's three files."""
    folder.mkdir(parents=True)
    onnx.save(graph, folder / "model.onnx")
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / SETTINGS, settings.model_dump())
    hashed = settings.model_copy(update={"hash": content_hash(folder)})
    write_json(folder / SETTINGS, hashed.model_dump())


def served_tokenizer(model: SentenceTransformer) -> Tokenizer:
    """The model's tokenizer for a server, without truncation and padding of its own.

    Truncation inside tokenizer.json would win over the server's maximum of tokens, and padding
    would be computed for nothing.

    Raises:
        UserError: the model has no fast tokenizer, which alone has a tokenizer.json.

    """
    if not model.tokenizer.is_fast:
        raise UserError(
            f"the model's tokenizer ({type(model.tokenizer).__name__}) has no tokenizer.json; "
            "convert it to a fast tokenizer, or choose another base.model"
        )
    tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def load_onnx(folder: Path) -> SentenceTransformer:
    """An exported variant as an encoder like any other: it searches wherever torch's does.

    It computes each text by itself on the CPU, as the server does.
    """
    settings = read_embedder(folder)
    fast = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=fast,
        pad_token=fast.id_to_token(0),  # padding is masked: any token will do
    )
    transformer = OnnxTransformer(folder / "model.onnx", tokenizer, settings.max_tokens)
    pooling = [] if settings.pooling == "none" else [Pooling(settings.dimension, settings.pooling)]
    model = SentenceTransformer(modules=[transformer, *pooling, Normalize()], device="cpu")
    if model.get_embedding_dimension() is None:
        model.truncate_dim = settings.dimension
    return model


def load_exported(corpus: Corpus, onnx: Path, variant: str, vectors: Path, params: Params) -> Dense:
    """Exact search with an exported variant, by its own vectors of the corpus or trained ones.

    Args:
        corpus: the documents to search, or some of them.
        onnx: the exported model.
        variant: such as int8.
        vectors: torch's vectors of the corpus.
        params: all parameters.

    """
    query, document = (tower_folder(onnx, variant, side) for side in SIDES)
    rows = trained_vectors(vectors, corpus)
    if rows is None and documents_elsewhere(onnx):
        rows = stored_vectors(vectors, corpus)
    if rows is None:
        prefix = params.document_encoder.document_prefix
        rows = encode(load_onnx(document), Texts(corpus), prefix, label=f"encode: {variant}")
    return Dense(list(corpus), rows, load_onnx(query), params.encoder.query_prefix)
