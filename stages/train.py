"""Trains the student and picks what ships by dev nDCG@10."""

from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.examples import read_mined
from stages.lib.core.files import building, write_json
from stages.lib.encoding.declared import write_prompts
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.search.weights import choose_weight, least_overlapping
from stages.lib.training.dev import choose_dev
from stages.lib.training.processes import is_first, launch
from stages.lib.training.recipe import train, training_rows
from stages.lib.training.students import student


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--mined", help="Folder with training rows and dev rankings.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--out", help="Folder for the tuned model.")
@path_option("--fusion", help="JSON file for the weights of the fusions with BM25.")
@path_option("--metrics", help="JSON file for what was chosen.")
@path_option("--curve", help="JSON file for the training curve.")
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    envvar="EMBEDSMITH_PROCESSES",
    help="Processes that train together; as many as there are GPUs unless given.",
)
@PARAMS
def main(
    corpus: Path,
    mined: Path,
    dev: Path,
    synthetic_dev: Path,
    model: Path,
    vectors: Path,
    out: Path,
    fusion: Path,
    metrics: Path,
    curve: Path,
    processes: int | None,
    params: Path,
) -> str | None:
    """Train, and keep the base where nothing is better on dev."""
    settings = read_params(params)
    launch("stages.train", processes, settings.train.batch_size)
    documents = read_corpus(corpus)
    by_people, synthetic = read_split(dev), read_split(synthetic_dev)
    mining = read_mined(mined)
    encoder = load_encoder(towers(model)[0], settings.encoder)
    tuned = student(encoder, documents, load_vectors(vectors, documents), settings)
    lexical = load_lexical(documents, settings)
    weighed = by_people or least_overlapping(synthetic, documents)
    base_weight = choose_weight(tuned.dense(), lexical, weighed, settings.fusion)
    # where people judge, the synthetic dev queries judge nothing and train instead
    examples = training_rows(mining, settings.train, with_dev=bool(by_people))
    contest = train(
        tuned,
        examples,
        choose_dev(by_people, synthetic, mining, settings.train).worth,
        settings.encoder.query_prefix,
        settings.train,
        settings.seed,
        taught=mining.taught,
    )
    if not is_first():
        return None
    chosen, weights = contest.winner
    tuned.load(weights)
    learnt = chosen.step > 0
    tuned_weight = choose_weight(tuned.dense(), lexical, weighed, settings.fusion, learnt=learnt)
    with building(out) as folder:
        tuned.save(model, folder)
        # what trained is what sentence-transformers does with the model, whatever the base said
        sides = towers(folder)
        for path, side in zip(sides, ("query", "document"), strict=True):
            write_prompts(path, settings.encoder, side if sides[0] != sides[1] else "")
    write_json(fusion, {"base": base_weight.dense, "tuned": tuned_weight.dense})
    write_json(curve, [state.row for state in contest.states])
    base_dev = contest.states[0].row["dev"]
    write_json(
        metrics,
        {
            "chosen": chosen.name,
            "kept_base": not learnt,
            "dev": "people" if by_people else "synthetic",
            "base_dev": base_dev,
            "chosen_dev": chosen.row["dev"],
            "examples": len(examples),
            "base_dense_weight": base_weight.dense,
            "tuned_dense_weight": tuned_weight.dense,
        },
    )
    if learnt:
        verdict = f"{chosen.name}, dev {base_dev:.4f} to {chosen.dev:.4f}"
    elif examples:
        verdict = "nothing beats the base on dev, which is kept"
    else:
        verdict = "nothing to learn from the teacher or judgements, the base is kept"
    return f"train: {len(examples):,} examples, {verdict}"


if __name__ == "__main__":
    main()
