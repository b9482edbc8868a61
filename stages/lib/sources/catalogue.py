"""Which source a collection comes from."""

from tokenizers import Tokenizer

from stages.lib.errors import UserError
from stages.lib.params import Encoder, Prepare
from stages.lib.sources import Source
from stages.lib.sources.beir import open_beir
from stages.lib.sources.chunking import Chunker
from stages.lib.sources.documents import open_documents
from stages.lib.sources.irds import open_irds
from stages.lib.sources.lengths import count_tokens
from stages.lib.sources.written import open_written


def open_source(prepare: Prepare, encoder: Encoder, tokenizer: Tokenizer) -> Source:
    """Opens the collection that the parameters name.

    Own documents are cut into chunks that the encoder takes whole, by the model's tokenizer.
    """
    match prepare.source:
        case "beir":
            return open_beir(prepare.path)
        case "ir_datasets":
            return open_irds(prepare.dataset, prepare.document_fields, prepare.query_field)
        case "documents":
            return open_documents(prepare, _chunker(prepare, encoder, tokenizer))
        case "queries":
            return open_written(prepare.queries_from, prepare.queries_path)


def _chunker(prepare: Prepare, encoder: Encoder, tokenizer: Tokenizer) -> Chunker:
    if prepare.chunk_tokens > encoder.max_length:
        raise UserError(
            f"prepare.chunk_tokens: {prepare.chunk_tokens} is more than encoder.max_length "
            f"({encoder.max_length}), so the ends of chunks would be lost; lower it"
        )
    empty, prefix = count_tokens(["", encoder.document_prefix], tokenizer)
    return Chunker(tokenizer, prepare.chunk_tokens - (prefix - empty), prepare.chunk_overlap)
