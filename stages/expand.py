"""Lets an LLM add relevant documents to the synthetic queries."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import Split, read_corpus, read_split, write_qrels, write_split
from stages.lib.core.files import building, write_json
from stages.lib.errors import UserError
from stages.lib.llm import judging
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.session import ask, ask_nothing
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--synthetic", help="The synthetic train split.")
@path_option("--train", help="The collection's train split, to compare the judge with people.")
@path_option("--model", help="The base model.")
@path_option("--vectors", help="The base model's vectors of the corpus.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="Folder for the split with more positives, and ignored.tsv.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path,
    synthetic: Path,
    train: Path,
    model: Path,
    vectors: Path,
    prompts: Path,
    store: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Grade retrieved documents; without expand.enabled, pass the split on as it is."""
    settings = read_params(params)
    split, judged, report, summary = read_split(synthetic), {}, {}, "nothing asked"
    if settings.expand.enabled:
        # imported here, for a stage that is off would do little else
        from stages.lib.retrievers import load_retrievers
        from stages.lib.search.engine import Embedded, candidates

        documents, human = read_corpus(corpus), read_split(train)
        retrievers = load_retrievers(documents, model, vectors, settings)
        engines = [Embedded(retrievers.dense), Embedded(retrievers.lexical)]
        queries, compared = judging.chosen(split, human, settings.expand, settings.seed)
        pools = candidates(queries | compared, engines, settings.expand.depth)
        per_call = settings.expand.documents_per_call
        writer = Prompts(prompts, settings.llm, settings.seed)
        questions = judging.questions(writer, documents, queries | compared, pools, per_call)
        total = judging.calls(pools, per_call)
        asked = ask(questions, total, documents, settings, store, "expand")
        if not asked.answers:
            raise UserError(
                f"no judgement of any of {len(pools)} queries ({asked.faults_message()}); set "
                "expand.enabled to false, or check llm.provider in params.yaml"
            )
        judged, summary = judging.grades(asked.answers), asked.summary()
        graded = {query_id: judged[query_id] for query_id in compared if query_id in judged}
        report = asked.metrics() | {"agreement": judging.agreement(graded, human.qrels)}
    else:
        ask_nothing(store)
    positives, ignored = judging.expand(split.qrels, judged)
    with building(out) as folder:
        write_split(folder, Split(split.queries, positives))
        write_qrels(folder / "ignored.tsv", ignored)
    counts = {
        "enabled": settings.expand.enabled,
        "queries": len(split.queries),
        "positives": sum(map(len, positives.values())),
        "added": sum(map(len, positives.values())) - sum(map(len, split.qrels.values())),
        "ignored": sum(map(len, ignored.values())),
    }
    write_json(metrics, counts | report)
    return (
        f"expand: {counts['added']:,} positives added to {counts['queries']:,} queries, {summary}"
    )


if __name__ == "__main__":
    main()
