"""Lengths in tokens of the base model."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tokenizers import Tokenizer

from stages.lib.core.collection import Document
from stages.lib.encoder_params import Encoder
from stages.lib.errors import UserError

BATCH = 1000


def read_tokenizer(path: Path) -> Tokenizer:
    """Reads a tokenizer.json, to count with: it neither cuts nor pads."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; run the stage base with a model that has one")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise UserError(f"{path}: not a tokenizer ({error}); run the stage base again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(texts: Iterable[str], tokenizer: Tokenizer) -> Iterator[int]:
    """Counts the tokens of each text, special ones included."""
    remaining = iter(texts)
    while batch := list(islice(remaining, BATCH)):
        yield from map(len, tokenizer.encode_batch_fast(batch))


def count_long(documents: Iterable[Document], tokenizer: Tokenizer, encoder: Encoder) -> int:
    """Counts the documents that have more tokens than the model reads."""
    texts = (encoder.document_prefix + doc.contents for doc in documents)
    return sum(length > encoder.max_length for length in count_tokens(texts, tokenizer))


def long_documents_message(long: int, documents: int, encoder: Encoder) -> str:
    """Says how many documents have more tokens than the model reads."""
    return (
        f"encoder.max_length: {long} of {documents} documents ({long / documents:.0%}) have more "
        f"than {encoder.max_length} tokens, of which the model sees the first alone; raise it as "
        "far as the model goes, or split the documents"
    )
