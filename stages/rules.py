"""Describes how the collection's queries look."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import write_json
from stages.lib.errors import UserError
from stages.lib.llm.prompts import Prompts
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import ask, ask_nothing
from stages.lib.params import read_params


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@path_option("--train", help="The train split; may be empty.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="JSON file for the rules.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    corpus: Path, train: Path, prompts: Path, store: Path, out: Path, metrics: Path, params: Path
) -> str:
    """Let the LLM describe the collection's queries; it never sees dev or test."""
    settings = read_params(params)
    fixed, provider = settings.rules.fixed, settings.llm.provider
    if fixed or not PROVIDERS[provider].asks:
        ask_nothing(store)
        write_json(out, {"rules": fixed})
        write_json(metrics, {"provider": "fixed" if fixed else provider, "rules": len(fixed)})
        return f"rules: {len(fixed)} rules of params.yaml, nothing asked"
    documents, human = read_corpus(corpus), read_split(train)
    question = Prompts(prompts, settings.llm, settings.seed).rules(documents, human, settings.rules)
    asked = ask([question], 1, documents, settings, store, "rules")
    if not asked.answers:
        raise UserError(
            f"llm.model: no usable description of the queries ({asked.faults_message()})"
        )
    [[rules]] = asked.answers.values()
    write_json(out, {"rules": [rules[place] for place in sorted(rules)]})
    counts = {"provider": provider, "rules": len(rules), "train_queries": len(human.queries)}
    write_json(metrics, counts | asked.metrics())
    return f"rules: {len(rules)} rules, {asked.summary()}"


if __name__ == "__main__":
    main()
