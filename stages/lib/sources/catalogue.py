"""The sources, by the name that prepare.source gives, and how each is opened.

A new source has a module of its own, a row here and its name in stages/lib/params.py.
"""

from collections.abc import Callable

from tokenizers import Tokenizer

from stages.lib.encoder_params import Encoder
from stages.lib.errors import UserError
from stages.lib.params import Prepare
from stages.lib.sources.beir import open_beir
from stages.lib.sources.chunking import Chunker
from stages.lib.sources.documents import open_documents
from stages.lib.sources.irds import open_irds
from stages.lib.sources.lengths import count_tokens
from stages.lib.sources.queries.written import open_written
from stages.lib.sources.source import Source

LEAST = 8
"""Tokens of a chunk: fewer hold no sentence."""


def open_source(prepare: Prepare, encoder: Encoder, tokenizer: Tokenizer) -> Source:
    """Opens the collection that the parameters name."""
    return SOURCES[prepare.source](prepare, encoder, tokenizer)


def _beir(prepare: Prepare, _encoder: Encoder, _tokenizer: Tokenizer) -> Source:
    return open_beir(prepare.path)


def _irds(prepare: Prepare, _encoder: Encoder, _tokenizer: Tokenizer) -> Source:
    return open_irds(prepare.dataset, prepare.document_fields, prepare.query_field)


def _documents(prepare: Prepare, encoder: Encoder, tokenizer: Tokenizer) -> Source:
    """People's own documents, in chunks that the encoder takes whole, by the model's tokenizer."""
    return open_documents(prepare, _chunker(prepare, encoder, tokenizer))


def _queries(prepare: Prepare, _encoder: Encoder, _tokenizer: Tokenizer) -> Source:
    return open_written(prepare.queries_from, prepare.queries_path)


def _chunker(prepare: Prepare, encoder: Encoder, tokenizer: Tokenizer) -> Chunker:
    if prepare.chunk_tokens > encoder.max_length:
        raise UserError(
            f"prepare.chunk_tokens: {prepare.chunk_tokens} is more than encoder.max_length "
            f"({encoder.max_length}), so the ends of chunks would be lost; lower it"
        )
    empty, prefix = count_tokens(["", encoder.document_prefix], tokenizer)
    size = prepare.chunk_tokens - (prefix - empty)
    if size < LEAST:
        raise UserError(
            f"prepare.chunk_tokens: {prepare.chunk_tokens} leaves no room for text beside the "
            f"{prefix - empty} tokens of encoder.document_prefix; raise it"
        )
    return Chunker(tokenizer, size, min(prepare.chunk_overlap, size // 2))


SOURCES: dict[str, Callable[[Prepare, Encoder, Tokenizer], Source]] = {
    "beir": _beir,
    "ir_datasets": _irds,
    "documents": _documents,
    "queries": _queries,
}
