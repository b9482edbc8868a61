"""Which documents get queries, and the queries that came back."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from stages.lib.core import seeds
from stages.lib.core.collection import Corpus
from stages.lib.core.files import read_json
from stages.lib.core.generated import query_id
from stages.lib.core.text import has_words
from stages.lib.errors import UserError
from stages.lib.llm_params import Generate


def read_rules(path: Path) -> list[str]:
    """The rules of a JSON file {"rules": [...]}."""
    value = read_json(path)
    rules = value.get("rules") if isinstance(value, dict) else None
    if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
        raise UserError(f'{path}: expected {{"rules": [...]}} with texts; run dvc repro rules')
    return rules


def sources(corpus: Corpus, params: Generate, seed: int) -> list[str]:
    """The doc_ids to write queries for, sorted: drawn by hash among those that are long enough."""
    long = [
        doc_id
        for doc_id, document in corpus.items()
        if has_words(document.contents, params.min_words)
    ]
    if params.documents:
        long = seeds.shuffled(seed, long, "generate")[: params.documents]
    return sorted(long)


def rows(answers: Mapping[str, Iterable[Mapping[str, str]]]) -> list[dict[str, str]]:
    """The queries as rows of JSONL, sorted by ids that come from document, type and text.

    Args:
        answers: text by type, for each question about a document, by doc_id.

    """
    queries = {
        query_id(doc_id, kind, text): (doc_id, kind, text)
        for doc_id, parts in answers.items()
        for part in parts
        for kind, text in part.items()
    }
    return [
        {"_id": identifier, "doc_id": doc_id, "type": kind, "text": text}
        for identifier, (doc_id, kind, text) in sorted(queries.items())
    ]
