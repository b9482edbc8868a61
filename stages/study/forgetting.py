"""Tells what tuning for one collection cost on others: base and tuned model on another collection.

The answer is information and gates nothing. It is asked of the model alone, without this
collection's document vectors: a document of the other one gets what the document encoder gives.
"""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Corpus, Split, stream_corpus
from stages.lib.encoder_params import Encoder
from stages.lib.encoding.encoder import encode, load_encoder, towers
from stages.lib.encoding.remote import is_remote
from stages.lib.errors import UserError
from stages.lib.evaluation.significance import compare
from stages.lib.params import read_params
from stages.lib.search.engine import Dense, Embedded
from stages.lib.search.measures import HEADLINE
from stages.lib.search.metrics import PerQuery, mean, per_query
from stages.lib.sources.beir import read_judgements

DEPTH = 10


@stage
@path_option("--collection", help="A judged collection in BEIR's form, such as one of NanoBEIR.")
@path_option("--base", help="The base model.")
@path_option("--tuned", help="The tuned model.")
@PARAMS
def main(collection: Path, base: Path, tuned: Path, params: Path) -> None:
    """Measure base and tuned model, dense, on another collection's judged queries."""
    settings = read_params(params)
    if is_remote(towers(tuned)[1]):
        raise UserError(
            "params.yaml: documents.provider: an endpoint encodes the documents, and another "
            "collection's would have to be paid for; evaluate.others compares such embedders"
        )
    corpus, judged = read_collection(collection)
    query = settings.encoder
    values = {
        "base": measure(base, corpus, judged, query, query),
        "tuned": measure(tuned, corpus, judged, query, settings.document_encoder),
    }
    found = compare(values, {"tuned": "base"}, settings.evaluate.resamples, settings.seed)["tuned"]
    click.echo(
        f"{collection}: {found.n:,} queries, {len(corpus):,} documents; nDCG@10, dense: base "
        f"{mean(values['base']):.4f}, tuned {mean(values['tuned']):.4f} ({found.difference:+.4f}, "
        f"95% {found.low:+.4f} to {found.high:+.4f}, p {found.p:.3f})"
    )


def read_collection(folder: Path) -> tuple[Corpus, Split]:
    """The documents of a BEIR folder and its test queries, or those of dev or train.

    Raises:
        UserError: it has no judged queries.

    """
    queries, qrels = read_judgements(folder)
    split = next((name for name in ("test", "dev", "train") if qrels.get(name)), None)
    if split is None:
        raise UserError(f"{folder}: has no judged queries; name a collection with qrels")
    corpus = {document.doc_id: document for _, document in stream_corpus(folder / "corpus.jsonl")}
    judged = qrels[split]
    return corpus, Split({q.query_id: q.text for q in queries[split]}, judged)


def measure(
    model: Path, corpus: Corpus, judged: Split, query: Encoder, document: Encoder
) -> PerQuery:
    """nDCG@10 of each query by a model's dense search.

    Args:
        model: its folder.
        corpus: the documents.
        judged: the queries.
        query: how it encodes queries...
        document: ...and documents.

    """
    of_queries, of_documents = towers(model)
    texts = [each.contents for each in corpus.values()]
    encoder = load_encoder(of_documents, document)
    vectors = encode(encoder, texts, document.document_prefix, label=model.name)
    dense = Dense(list(corpus), vectors, load_encoder(of_queries, query), query.query_prefix)
    run = Embedded(dense).search(judged.queries, DEPTH)
    return per_query(run, judged.qrels, (HEADLINE,))[HEADLINE]


if __name__ == "__main__":
    main()
