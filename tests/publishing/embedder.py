"""What a server needs to know of an exported model, for models of which nobody reads the files."""

from stages.lib.export.embedder import Embedder

EMBEDDER = Embedder(
    variant="fp32",
    dimension=4,
    max_tokens=8,
    pooling="mean",
    normalize=True,
    query_prefix="",
    document_prefix="",
    token_type_ids=False,
    output="last_hidden_state",
)
