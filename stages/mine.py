"""Finds candidates for each training query and scores them with the teacher."""

from pathlib import Path

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import read_corpus, read_qrels, read_split
from stages.lib.errors import UserError
from stages.lib.files import write_json, write_jsonl
from stages.lib.negatives import mine
from stages.lib.params import read_params
from stages.lib.retrievers import load_retrievers
from stages.lib.search import Embedded


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--synthetic", help="The synthetic train split.")
@path_option("--ignored", help="Qrels of documents on neither side.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--out", help="JSONL of training rows.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path,
    synthetic: Path,
    ignored: Path,
    model: Path,
    vectors: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> None:
    """Mine hard negatives; FlagEmbedding reads the rows too."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    train = read_split(synthetic)
    retrievers = load_retrievers(documents, model, vectors, settings)
    ranking = Embedded(retrievers.fused).search(train.queries, settings.mine.depth)
    examples = list(mine(train.queries, train.qrels, read_qrels(ignored), ranking, settings.mine))
    if not examples:
        raise UserError(
            f"{synthetic}: no query has a negative; loosen the mine section of {params}"
        )
    write_jsonl(out, (example.row(documents) for example in examples))
    write_json(
        metrics,
        {
            "queries": len(train.queries),
            "examples": len(examples),
            "negatives": round(sum(len(e.negatives) for e in examples) / len(examples), 3),
        },
    )


if __name__ == "__main__":
    main()
