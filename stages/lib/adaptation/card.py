"""What lies beside an adapter for who takes it home: what it is, and how it is used."""

from collections.abc import Sequence
from pathlib import Path

from stages.lib.encoder_params import EmbedderModel
from stages.lib.evidence import DevSet
from stages.lib.params import Params
from stages.lib.training.choice import Standing

HERE = """\
from sentence_transformers import SentenceTransformer

model = SentenceTransformer("models/adapter")
queries, documents = model.encode_query(["a query"]), model.encode_document(["a document"])
"""

BEHIND = """\
from openai import OpenAI
from sentence_transformers import SentenceTransformer
from torch import tensor

adapter = SentenceTransformer("models/adapter")
answer = OpenAI().embeddings.create({arguments})
features = adapter({{"sentence_embedding": tensor([answer.data[0].embedding])}})
vector = features["sentence_embedding"][0].tolist()
"""


def adapter_card(params: Params, chosen: Standing, sets: Sequence[DevSet], *, remote: bool) -> str:
    """The card in Markdown.

    Args:
        params: the embedder, and the adapter's kind.
        chosen: what ships.
        sets: the dev sets.
        remote: whether the embedder is behind an endpoint.

    """
    model = params.documents
    name = Path(model.model).name if Path(model.model).is_dir() else model.model
    figures = "\n".join(
        f"- nDCG@10 on {len(values)} {dev.name} dev queries: {values.mean():.4f} {kind}"
        for kind, found in (
            ("by its vectors alone", chosen.evidence.dense),
            ("as served", chosen.evidence.served),
        )
        for dev in sets
        for values in [found[dev.name]]
    )
    code = BEHIND.format(arguments=_arguments(model)) if remote else HERE
    where = "the endpoint" if remote else "the model in this folder"
    return f"""\
# A query-side adapter

A {params.adapt.kind} adapter for queries of {name}. It was trained on one collection: it takes the
vectors that {where} gives queries nearer to the documents that answer them.
Documents keep the vectors that they have: nothing has to be encoded or fed again.

Chosen by dev queries: {chosen.candidate.name}.

{figures}

```python
{code.rstrip()}
```
"""


def _arguments(model: EmbedderModel) -> str:
    """What an endpoint is asked for a query's vector."""
    arguments = f'model="{model.model}", input={model.query_prefix + "a query"!r}'
    return f"{arguments}, dimensions={model.dimensions}" if model.dimensions else arguments
