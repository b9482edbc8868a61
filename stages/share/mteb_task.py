"""Writes the collection as a retrieval task of MTEB, which runs with any model."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus, read_split
from stages.lib.core.files import building
from stages.lib.core.hashes import content_hash
from stages.lib.params import read_params
from stages.lib.publishing.mteb_task import write_task


@stage
@path_option("--collection", help="Folder of the collection.")
@path_option("--out", help="Folder for the task and its data.")
@PARAMS
def main(collection: Path, out: Path, params: Path) -> str:
    """Write task.py and its data, in BEIR's form; the people's test queries are what it asks."""
    name = "".join(part.title() for part in read_params(params).package.name.split("_"))
    split = read_split(collection / "test")
    with building(out) as folder:
        corpus = read_corpus(collection / "corpus.jsonl")
        write_task(folder, corpus, split, name, content_hash(collection))
    return f"mteb_task: {len(split.qrels):,} queries, {out / 'task.py'}; python {out}/task.py MODEL"


if __name__ == "__main__":
    main()
