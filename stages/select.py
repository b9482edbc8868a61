"""Keeps the generated queries that are worth training on."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_queries, write_split
from stages.lib.core.files import building, write_json
from stages.lib.core.generated import read_generated, write_generated
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.people.reviews import read_decisions, reviewed
from stages.lib.retrievers import load_retrievers
from stages.lib.search.engine import Found, search_fused
from stages.lib.selection.copies import find_copies
from stages.lib.selection.filters import hold_out, own_words, round_trip, sift
from stages.lib.selection.phrases import unlabelled_queries
from stages.lib.selection.quality import qualities, samples


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--generated", help="JSONL of generated queries.")
@path_option("--imported", help="JSONL of queries that other tools wrote; may be empty.")
@path_option("--dev", help="queries.jsonl of the dev split: texts that no query may repeat.")
@path_option("--test", help="queries.jsonl of the test split: texts that no query may repeat.")
@path_option("--reviews", help="Folder of what people decided about queries; may be empty.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--queries", help="Folder for the queries' vectors, which a later run takes over.")
@path_option("--out", help="Folder for the splits train, dev and asked.")
@path_option("--metrics", help="JSON file for the survival at each filter.")
@PARAMS
def main(
    corpus: Path,
    generated: Path,
    imported: Path,
    dev: Path,
    test: Path,
    reviews: Path,
    model: Path,
    vectors: Path,
    queries: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Filter generated queries and split them by source document."""
    settings = read_params(params)
    documents = read_corpus(corpus)
    evaluation = [*read_queries(dev).values(), *read_queries(test).values()]
    retrievers = load_retrievers(documents, model, vectors, settings, queries)
    written = [*read_generated(generated), *read_generated(imported)]
    asked, vouched = reviewed(written, read_decisions(reviews))
    strangers = {query.doc_id for query in asked} - documents.keys()
    if strangers:
        raise UserError(
            f"{reviews}: document {min(strangers)!r} is not in the corpus; review the query anew"
        )
    copies = find_copies(documents)
    left = sift(asked, evaluation, settings.select, copies)
    own_words(left, documents, settings.copied_words)
    sifted = left.queries
    *found, by_teacher = search_fused(
        retrievers.dense,
        retrievers.lexical,
        settings.fusion.dense_weight,
        {query.query_id: query.text for query in sifted},
        max(settings.select.retriever_depth, settings.select.teacher_depth),
    )
    round_trip(left, [Found(run) for run in found], Found(by_teacher), settings.select, vouched)
    share, seed = settings.select.dev_share, settings.seed
    splits = hold_out(sifted, left.queries, share, seed, copies)
    if not splits.train or not splits.dev:
        raise UserError(
            f"{generated}: too few queries survive ({left.counts}): training and the synthetic dev "
            "set need a document each; generate more, give more documents, or loosen the select "
            f"section of {params}"
        )
    phrases = unlabelled_queries(documents, settings.select, seed)
    # these choose among trained models, so training must not see them; dev's are among them
    unseen = [*evaluation, *splits.asked.queries.values()]
    unlabelled = sift(phrases, unseen, settings.select, copies)
    with building(out) as folder:
        for name, split in splits.by_name.items():
            write_split(folder / name, split)
        write_generated(folder / "unlabelled.jsonl", unlabelled.queries)
    retrievers.dense.save_queries(query.text for query in sifted)
    counts = {name: len(split.queries) for name, split in splits.by_name.items()}
    write_json(
        metrics,
        {
            "queries": left.counts | counts,
            "phrases": unlabelled.counts,
            "quality": qualities(sifted, by_teacher, copies),
            "left_out": samples(left.dropped, seed),
        },
    )
    return (
        f"select: {counts['train']:,} train and {counts['dev']:,} synthetic dev queries of "
        f"{left.counts['generated']:,} ({retrievers.dense.encoded:,} encoded anew), "
        f"{len(unlabelled.queries):,} phrases, titles and sentences"
    )


if __name__ == "__main__":
    main()
