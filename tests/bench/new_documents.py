"""What documents rank like that Vespa embedded (`package.embed_new`) among those that were fed.

python -m tests.bench.new_documents      # needs the outputs of dvc repro

With train.tower: vectors, training moved the fed vectors, and the document encoder was fitted to
where. So many documents, drawn by hash, have in the place of the fed vector what an encoder that
was fitted to the others gives them, or the base's; nDCG@10 on test, dense and fused, over all
queries and over those for which a drawn document is relevant.
"""

from pathlib import Path

import click
import numpy as np

from stages.lib.core import seeds
from stages.lib.core.collection import Queries, Texts, read_corpus, read_split
from stages.lib.core.files import read_json
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.projection import fit_shift
from stages.lib.encoding.vectors import load_vectors
from stages.lib.params import read_params
from stages.lib.search.bm25 import Lexical
from stages.lib.search.engine import Dense, Embedded, Fused
from stages.lib.search.metrics import ndcg

DATA, MODELS = Path("data"), Path("models")


@click.command()
@click.option("--split", default="test", show_default=True)
def main(split: str) -> None:
    """Print a row a share."""
    params = read_params(Path("params.yaml"))
    documents = read_corpus(DATA / "collection" / "corpus.jsonl")
    judged = read_split(DATA / "collection" / split)
    base, tuned = (
        np.array(load_vectors(DATA / "vectors" / name, documents)) for name in ("base", "tuned")
    )
    model = load_encoder(towers(MODELS / "tuned")[0], params.encoder)
    lexical = Lexical(list(documents), Texts(documents), params.bm25)
    weight = read_json(DATA / "fusion.json")["tuned"]
    drawn = seeds.shuffled(1, documents, "new")
    place = {doc_id: number for number, doc_id in enumerate(documents)}
    for share, by in ((0.0, "-"), (0.05, "fitted"), (0.05, "base"), (0.2, "fitted"), (0.2, "base")):
        new = set(drawn[: round(share * len(drawn))])
        rows = [place[doc_id] for doc_id in new]
        others = [place[doc_id] for doc_id in documents if doc_id not in new]
        vectors, given = np.array(tuned), base[rows]
        if by == "fitted":
            given = given @ fit_shift(base[others], tuned[others])
            given /= np.linalg.norm(given, axis=1, keepdims=True)
        vectors[rows] = given
        dense = Dense(list(documents), vectors, model, params.encoder.query_prefix)
        touched: Queries = {
            query_id: text
            for query_id, text in judged.queries.items()
            if new & {doc_id for doc_id, grade in judged.qrels[query_id].items() if grade > 0}
        }
        line = f"{share:5.0%} new, {by:6}:"
        for name, scorer in (("dense", dense), ("fused", Fused(dense, lexical, weight))):
            run = Embedded(scorer).search(judged.queries, 100)
            line += f"  {name} {ndcg(run, judged.qrels):.4f}"
            if touched:
                qrels = {query_id: judged.qrels[query_id] for query_id in touched}
                some = {query_id: run[query_id] for query_id in touched}
                line += f" ({ndcg(some, qrels):.4f} on {len(touched)} queries)"
        click.echo(line)


if __name__ == "__main__":
    main()
