"""Trains the student and picks what ships by dev nDCG@10."""

from pathlib import Path
from statistics import fmean

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.examples import read_example
from stages.lib.core.files import building, read_json, read_jsonl, write_json
from stages.lib.encoding.encoder import device, dimension, fast_dtype, load_encoder, towers
from stages.lib.encoding.vectors import load_vectors
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.retrievers import load_lexical
from stages.lib.search.engine import Embedded, Scorer
from stages.lib.search.vector_types import Typed, prefix_type
from stages.lib.search.weights import choose_weight, least_overlapping
from stages.lib.training.dev import DEPTH, Dev
from stages.lib.training.processes import is_first, launch
from stages.lib.training.recipe import train
from stages.lib.training.speed import Stopwatch
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
@path_option("--speed", help="JSON file for how fast it went.")
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
    speed: Path,
    processes: int | None,
    params: Path,
) -> None:
    """Train, and keep the base where nothing is better on dev."""
    settings = read_params(params)
    launch("stages.train", processes, settings.train.batch_size)
    documents = read_corpus(corpus)
    by_people, held_out = read_split(dev), read_split(synthetic_dev)
    spare = [read_example(row) for _, row in read_jsonl(mined / "dev.jsonl")]
    teacher = {example.query_id: example.ranking for example in spare}
    judge = (
        Dev(by_people, None, settings.train.teacher_temperature)
        if by_people
        else Dev(held_out, teacher, settings.train.teacher_temperature)
    )
    queries = {query_id: judge.split.queries[query_id] for query_id in judge.split.qrels}
    examples = [
        read_example(row)
        for name in ("train.jsonl", "unmined.jsonl")
        for _, row in read_jsonl(mined / name)
    ]
    if by_people:
        # the synthetic dev set judges nothing here: its queries train
        examples += spare
    recipe = settings.train
    if read_json(mined / "teacher.json")["teacher"] == "base":
        # the student ranks better than the teacher: judgements alone have something to teach
        examples = [example for example in examples if example.answers]
        recipe = recipe.model_copy(update={"kl_weight": 0.0, "margin_mse_weight": 0.0})
    encoder = load_encoder(towers(model)[0], settings.encoder)
    too_long = [size for size in settings.train.matryoshka if size >= dimension(encoder)]
    if too_long:
        raise UserError(
            f"{params}: train.matryoshka: a prefix of {too_long[0]} of {dimension(encoder)} "
            "dimensions; name fewer"
        )
    tuned = student(encoder, documents, load_vectors(vectors, documents), settings)

    def worth() -> float:
        dense = tuned.dense()
        sizes: list[Scorer] = [dense]
        sizes += [Typed(dense, prefix_type(size)) for size in settings.train.matryoshka]
        return fmean(judge.value(Embedded(each).search(queries, DEPTH)) for each in sizes)

    lexical = load_lexical(documents, settings)
    weighed = by_people or least_overlapping(held_out, documents)
    base_weight = choose_weight(tuned.dense(), lexical, weighed, settings.fusion)
    watch = Stopwatch(tuned.model)
    contest = train(
        tuned, examples, worth, settings.encoder.query_prefix, recipe, settings.seed, watch
    )
    if not is_first():
        return
    chosen, weights = contest.winner
    tuned.load(weights)
    learnt = chosen.step > 0
    tuned_weight = choose_weight(tuned.dense(), lexical, weighed, settings.fusion, learnt=learnt)
    with building(out) as folder:
        tuned.save(model, folder)
    write_json(fusion, {"base": base_weight.dense, "tuned": tuned_weight.dense})
    write_json(speed, watch.row(device(), fast_dtype(device())))
    write_json(curve, [each.row for each in contest.candidates])
    write_json(
        metrics,
        {
            "chosen": chosen.name,
            "kept_base": chosen.step == 0,
            "dev": "people" if by_people else "synthetic",
            "base_dev": contest.candidates[0].row["dev"],
            "chosen_dev": chosen.row["dev"],
            "examples": len(examples),
            "base_dense_weight": base_weight.dense,
            "tuned_dense_weight": tuned_weight.dense,
        },
    )
    if chosen.step == 0:
        print("Nothing was better than the base on dev: the base is kept.")


if __name__ == "__main__":
    main()
