"""Writes queries for documents."""

from collections import Counter
from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import write_json, write_jsonl
from stages.lib.errors import UserError
from stages.lib.llm import query_answers
from stages.lib.llm.prompts import Prompts, examples
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.rules import read_rules
from stages.lib.llm.session import Session, ask_nothing
from stages.lib.llm.synthesis import foreign, rows, shown, sources
from stages.lib.params import read_params
from stages.lib.people.reviews import good_examples, read_decisions


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The train split; may be empty.")
@path_option("--reviews", help="Folder of what people decided about queries; may be empty.")
@path_option("--rules", help="JSON file with the rules.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="JSONL for the queries.")
@path_option("--answers", help="JSONL for the answers to them; empty without generate.answers.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path,
    train: Path,
    reviews: Path,
    rules: Path,
    prompts: Path,
    store: Path,
    out: Path,
    answers: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Write several queries of several types for each document."""
    settings = read_params(params)
    kind = PROVIDERS[settings.llm.provider]
    facts = {
        "provider": settings.llm.provider,
        "uses_llm": kind.uses_llm,
        "writer": kind.label(settings),
    }
    if not kind.asks:
        ask_nothing(store)
        write_jsonl(out, [])
        write_jsonl(answers, [])
        write_json(metrics, facts | {"queries": 0})
        return "generate: no queries, nothing asked"
    documents = read_corpus(corpus)
    chosen = sources(documents, settings.generate, settings.seed)
    to_read = (documents[doc_id] for doc_id in chosen)
    pool = examples(documents, read_split(train), settings.seed)
    if settings.generate.reviewed_examples:
        pool = good_examples(read_decisions(reviews), documents) + pool
    questions = Prompts(prompts, settings.llm, settings.seed).queries(
        to_read, read_rules(rules), pool, settings.generate
    )
    session = Session(documents, settings, store, "generate")
    asked = session.ask(questions, len(chosen))
    queries = rows(asked.answers)
    if not queries:
        raise UserError(
            f"no query for any of {len(chosen)} documents ({asked.faults_message()}); check "
            "llm.provider, llm.recorded and generate.types in params.yaml"
        )
    of_answers: dict[str, object] = {}
    written: dict[str, str] = {}
    if settings.generate.answers:
        to_answer = query_answers.by_document(queries)
        writer = Prompts(prompts, settings.llm, settings.seed)
        given = session.ask(query_answers.questions(writer, documents, to_answer), len(to_answer))
        written = query_answers.answers(given.answers, to_answer)
        of_answers = {"answers": {"written": len(written), **given.metrics()}}
        asked.spent += given.spent
    session.save()
    write_jsonl(out, queries)
    query_answers.write_query_answers(answers, written)
    by_type = Counter(row["type"] for row in queries)
    write_json(
        metrics,
        {
            **facts,
            "few_shot_pool": len(pool),
            "queries": len(queries),
            "by_type": {name: by_type[name] for name in settings.generate.types},
            "foreign_words": foreign(queries, documents),
            "shown": shown(queries, settings.seed),
            **asked.metrics(),
            **of_answers,
        },
    )
    return (
        f"generate: {len(queries):,} queries for {len(asked.answers):,} of {len(chosen):,} "
        f"documents, {asked.summary()}"
    )


if __name__ == "__main__":
    main()
