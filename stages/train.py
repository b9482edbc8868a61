"""Trains the student, and chooses what ships."""

from pathlib import Path

from stages.cli import PARAMS, PROCESSES, path_option, stage
from stages.lib.core.collection import SYNTHETIC, Split, read_corpus, read_split
from stages.lib.core.examples import read_mined
from stages.lib.core.files import building, has_files, read_text, write_json
from stages.lib.encoding.adapter import quantisation
from stages.lib.encoding.encoder import load_encoder, towers
from stages.lib.encoding.portable import declare
from stages.lib.encoding.vectors import load_vectors
from stages.lib.evidence import dev_sets, measure
from stages.lib.params import read_params
from stages.lib.retrievers import load_dense, load_lexical
from stages.lib.search.crossfit import Search
from stages.lib.training.candidates import BASE, DISTILLED
from stages.lib.training.choice import choose, in_words, load_whole, measured
from stages.lib.training.contest import contest
from stages.lib.training.gate import judge
from stages.lib.training.processes import is_first, launch
from stages.lib.training.students import student


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--mined", help="Folder with training rows and dev rankings.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--judged", help="The dev split that an LLM judged; may be empty.")
@path_option("--measured-on", help="Which split the report measures on.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--distilled", help="The query encoder for documents.model; empty where none is.")
@path_option("--document-model", help="Folder of documents.model; empty where none is named.")
@path_option("--document-vectors", help="Its vectors of the corpus.")
@path_option("--out", help="Folder for the tuned model.")
@path_option("--fusion", help="JSON file for the weights of the fusions with BM25.")
@path_option("--metrics", help="JSON file for what was chosen.")
@path_option("--curve", help="JSON file for the candidates.")
@path_option("--gate", help="JSON file for whether the model as a whole may be deployed.")
@PROCESSES
@PARAMS
def main(
    corpus: Path,
    mined: Path,
    dev: Path,
    synthetic_dev: Path,
    judged: Path,
    measured_on: Path,
    model: Path,
    vectors: Path,
    distilled: Path,
    document_model: Path,
    document_vectors: Path,
    out: Path,
    fusion: Path,
    metrics: Path,
    curve: Path,
    gate: Path,
    processes: int | None,
    params: Path,
) -> str | None:
    """Train, choose by dev what ships, and say whether it may be deployed."""
    settings = read_params(params)
    launch("stages.train", processes, settings.train.batch_size)
    documents = read_corpus(corpus)
    by_people, synthetic = read_split(dev), read_split(synthetic_dev)
    by_llm = read_split(judged)
    mining = read_mined(mined)
    others = has_files(distilled)
    base = towers(distilled if others else model)[0]
    encoder = load_encoder(base, settings.encoder, quantisation(settings.train.lora))
    of_documents = load_vectors(document_vectors if others else vectors, documents)
    # where people alone judge, the synthetic dev queries judge nothing and train instead; those
    # that an LLM judges are about the same documents
    with_dev = bool(by_people) and not by_llm
    tuned = student(encoder, documents, of_documents, mining.train, settings)
    untrained = DISTILLED if others else BASE
    rows, competing = contest(tuned, mining, settings, with_dev=with_dev, untrained=untrained)
    if not is_first():
        return None
    lexical = load_lexical(documents, settings)
    sets = dev_sets(by_people, by_llm, synthetic, documents)
    standings = measured(tuned, competing, lexical, sets, settings, synthetic, len(mining.train))
    chosen = choose(standings)
    of_base = standings[0].evidence
    if others:
        dense = load_dense(documents, model, vectors, settings)
        of_base = measure(Search([dense]), lexical, sets, settings, learnt=False)
    # no document is mixed with queries that the report measures by
    further = Split() if read_text(measured_on) == SYNTHETIC else synthetic
    load_whole(tuned, chosen.candidate, further)
    with building(out) as folder:
        tuned.save(document_model if others else model, folder)
        # what trained is what sentence-transformers does with the model, whatever the base said
        declare(folder, settings.encoder, settings.document_encoder)
    weights = {"base": of_base.weight.dense, "tuned": chosen.evidence.weight.dense}
    write_json(fusion, weights)
    write_json(curve, [standing.row for standing in standings])
    verdict = judge(chosen, of_base, sets, lexical)
    write_json(gate, {"model": verdict.row})
    write_json(
        metrics,
        {
            "chosen": chosen.candidate.name,
            "kept_base": chosen is standings[0],
            "dev": {dev.name: len(dev.split.qrels) for dev in sets},
            "examples": rows,
            "base_dense_weight": weights["base"],
            "tuned_dense_weight": weights["tuned"],
            **{key: value for key, value in chosen.row.items() if key not in ("name",)},
        },
    )
    lines = [f"train: {rows:,} examples, {in_words(chosen, sets)}"]
    if not verdict.passed:
        lines.append(f"the gate is closed: {verdict.reason}")
    return "; ".join(lines)


if __name__ == "__main__":
    main()
