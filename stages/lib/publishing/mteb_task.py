"""The collection as a retrieval task of MTEB: a module, and its data beside it."""

from pathlib import Path
from string import Template

from stages.lib.core.collection import (
    Corpus,
    Split,
    write_corpus,
    write_qrels,
    write_queries,
)
from stages.lib.core.files import writing
from stages.lib.errors import UserError

MODULE = Template('''"""A retrieval task of MTEB: $documents documents, $queries judged queries.

    python task.py MODEL

measures MODEL, a name on the hub or a folder, by nDCG@10; it needs `pip install mteb`. It encodes
documents anew, so that vectors that training tuned do not count.
"""

import json
import sys
from pathlib import Path

import mteb
from datasets import Dataset
from mteb.abstasks.retrieval import AbsTaskRetrieval
from mteb.abstasks.task_metadata import TaskMetadata
from sentence_transformers import SentenceTransformer

HERE = Path(__file__).parent


def lines(name: str) -> list[dict[str, str]]:
    """The objects of a file of JSON lines."""
    with (HERE / name).open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class Collection(AbsTaskRetrieval):
    """The collection that lies beside this file, in BEIR's form."""

    metadata = TaskMetadata(
        name="$name",
        description="$documents documents and $queries judged queries",
        dataset={"path": str(HERE), "revision": "$revision"},
        type="Retrieval",
        category="t2t",
        modalities=["text"],
        eval_splits=["test"],
        eval_langs=["$language"],
        main_score="ndcg_at_10",
    )

    def load_data(self, num_proc: int | None = None, **_: object) -> None:
        """Reads the files beside this one."""
        if self.data_loaded:
            return
        corpus = [
            {"id": row["_id"], "title": row.get("title", ""), "text": row["text"]}
            for row in lines("corpus.jsonl")
        ]
        queries = [{"id": row["_id"], "text": row["text"]} for row in lines("queries.jsonl")]
        qrels: dict[str, dict[str, int]] = {}
        for line in (HERE / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
            query_id, doc_id, score = line.split("\\t")
            qrels.setdefault(query_id, {})[doc_id] = int(score)
        split = {
            "corpus": Dataset.from_list(corpus),
            "queries": Dataset.from_list([row for row in queries if row["id"] in qrels]),
            "relevant_docs": qrels,
            "top_ranked": None,
        }
        self.dataset = {"default": {"test": split}}
        self.data_loaded = True


if __name__ == "__main__":
    name = sys.argv[1]
    model = SentenceTransformer(name) if Path(name).is_dir() else mteb.get_model(name)
    results = mteb.evaluate(model, Collection(), overwrite_strategy="always")
    for result in results.task_results:
        print(f"{result.task_name}: nDCG@10 {result.get_score():.4f}")
''')


def write_task(folder: Path, corpus: Corpus, split: Split, name: str, revision: str) -> None:
    """Writes `task.py` and, in BEIR's form, the data that it reads.

    Args:
        folder: gets the files.
        corpus: the documents.
        split: the judged queries that models are compared on.
        name: of the task, letters and digits.
        revision: what the data are known by.

    Raises:
        UserError: no query is judged.

    """
    if not split:
        raise UserError("data/collection/test: no judged query, so that MTEB could measure nothing")
    write_corpus(folder / "corpus.jsonl", corpus)
    write_queries(folder / "queries.jsonl", split.queries)
    write_qrels(folder / "qrels" / "test.tsv", split.qrels)
    with writing(folder / "task.py") as file:
        file.write(
            MODULE.substitute(
                name=name,
                documents=f"{len(corpus):,}",
                queries=f"{len(split.qrels):,}",
                revision=revision,
                language="eng-Latn",
            )
        )
