"""Trains a query-side adapter behind documents.model, for who goes on asking that model."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import building, has_files, leave_unused, write_json, writing
from stages.lib.llm.session import ask_nothing
from stages.lib.params import read_params

OFF = "adapt.kind is none"


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--mined", help="Folder with training rows and dev rankings.")
@path_option("--dev", help="The dev split made by people; may be empty.")
@path_option("--synthetic-dev", help="The synthetic dev split, used where the other is empty.")
@path_option("--judged", help="The dev split that an LLM judged; may be empty.")
@path_option("--documents", help="Folder of documents.model; empty where none is named.")
@path_option("--vectors", help="Its vectors of the corpus.")
@path_option("--queries", help="Its vectors of the queries that were mined for.")
@path_option("--store", help="What an endpoint answered.")
@path_option("--out", help="Folder for the adapter; empty where none is wanted.")
@path_option("--metrics", help="JSON file for the candidates and what was chosen.")
@PARAMS
def main(
    corpus: Path,
    mined: Path,
    dev: Path,
    synthetic_dev: Path,
    judged: Path,
    documents: Path,
    vectors: Path,
    queries: Path,
    store: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Train an adapter of the queries against the documents' vectors, and choose by dev."""
    settings = read_params(params)
    if not has_files(documents) or settings.adapt.kind == "none":
        leave_unused(out, OFF)
        ask_nothing(store)
        write_json(metrics, {})
        return f"adapt: {OFF}"
    # imported here, for a stage that is off would do little else
    from stages.lib.adaptation.adapter import identity
    from stages.lib.adaptation.card import adapter_card
    from stages.lib.adaptation.folder import note_choice
    from stages.lib.adaptation.student import AdaptedQueries
    from stages.lib.adaptation.training import told, trained
    from stages.lib.core.examples import read_mined
    from stages.lib.embedders.embedder import open_embedder
    from stages.lib.encoding.remote import is_remote
    from stages.lib.encoding.vectors import load_queries, load_vectors
    from stages.lib.evidence import dev_sets
    from stages.lib.retrievers import load_lexical
    from stages.lib.training.processes import launch

    # with several GPUs in sight, a lone process would be spread over them by the trainer
    launch("stages.adapt", 1, settings.adapt.batch_size, "adapt.batch_size")
    collection, by_people, by_llm = read_corpus(corpus), read_split(dev), read_split(judged)
    sets = dev_sets(by_people, by_llm, read_split(synthetic_dev), collection)
    embedder = open_embedder(documents, settings.documents, settings, store, "documents.model")
    known = load_queries(queries)
    asked = sorted({text for one in sets for text in one.split.queries.values()} - known.keys())
    known |= dict(zip(asked, embedder.queries(asked), strict=True))
    embedder.save()
    of_corpus = load_vectors(vectors, collection)
    adapter = identity(settings.adapt.kind, of_corpus.shape[1])
    student = AdaptedQueries(adapter, list(collection), of_corpus, known, settings.documents)
    rows, standings, chosen = trained(
        student,
        read_mined(mined),
        load_lexical(collection, settings),
        sets,
        settings,
        with_dev=bool(by_people) and not by_llm,
    )
    with building(out) as folder:
        student.save(documents, folder)
        note_choice(
            folder, settings.adapt.kind, chosen.candidate.name, learnt=chosen.candidate.learnt
        )
        with writing(folder / "README.md") as file:
            file.write(adapter_card(settings, chosen, sets, remote=is_remote(documents)))
    write_json(
        metrics,
        {
            "kind": settings.adapt.kind,
            "chosen": chosen.candidate.name,
            "dev": {one.name: len(one.split.qrels) for one in sets},
            "examples": rows,
            "candidates": [one.row for one in standings],
        },
    )
    return f"adapt: {settings.adapt.kind}, {rows:,} examples, {told(chosen, sets)}"


if __name__ == "__main__":
    main()
