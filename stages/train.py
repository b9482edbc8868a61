"""Trains the student and picks what ships by dev nDCG@10."""

from pathlib import Path

from stages.command import PARAMS, path_option, stage
from stages.lib.collection import read_corpus, read_split
from stages.lib.encoder import load_encoder, towers
from stages.lib.files import building, read_jsonl, write_json
from stages.lib.negatives import read_example
from stages.lib.params import read_params
from stages.lib.retrievers import load_vectors
from stages.lib.students import student
from stages.lib.training import choose, train


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--examples", help="JSONL of training rows.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--out", help="Folder for the tuned model.")
@path_option("--metrics", help="JSON file for what was chosen.")
@path_option("--curve", help="JSON file for the training curve.")
@PARAMS
def main(
    corpus: Path,
    examples: Path,
    dev: Path,
    synthetic_dev: Path,
    model: Path,
    vectors: Path,
    out: Path,
    metrics: Path,
    curve: Path,
    params: Path,
) -> None:
    """Train, and keep the base where nothing is better on dev."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    by_people = read_split(dev)
    split = by_people or read_split(synthetic_dev)
    encoder = load_encoder(towers(model)[0], settings.encoder)
    tuned = student(encoder, documents, load_vectors(vectors, documents), settings)
    candidates = train(
        encoder,
        tuned.documents,
        [read_example(row) for _, row in read_jsonl(examples)],
        lambda: tuned.ndcg(split),
        settings.encoder.query_prefix,
        settings.train,
        settings.seed,
    )
    chosen = choose(candidates)
    encoder.load_state_dict(chosen.weights)
    with building(out) as folder:
        tuned.save(model, folder)
    write_json(curve, [each.row for each in candidates])
    write_json(
        metrics,
        {
            "chosen": chosen.name,
            "kept_base": chosen.step == 0,
            "dev": "people" if by_people else "synthetic",
            "base_ndcg_cut_10": candidates[0].row["ndcg_cut_10"],
            "chosen_ndcg_cut_10": chosen.row["ndcg_cut_10"],
            "examples": sum(1 for _ in read_jsonl(examples)),
        },
    )
    if chosen.step == 0:
        print("Nothing was better than the base on dev: the base is kept.")


if __name__ == "__main__":
    main()
