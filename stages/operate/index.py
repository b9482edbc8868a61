"""Brings the corpus and its vectors into Vespa, for the stages to search there."""

import os
import tempfile
from pathlib import Path

import click

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.vespa.operate.indexing import index
from stages.lib.vespa.operate.site import Site
from stages.lib.vespa.search.connection import connect


@stage
@path_option("--corpus", help="corpus.jsonl of the collection.")
@click.option(
    "--vectors",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="A model's vectors of the corpus; may be given several times.",
)
@path_option("--templates", help="The folder of the application package's templates.")
@PARAMS
def main(corpus: Path, vectors: tuple[Path, ...], templates: Path, params: Path) -> None:
    """Index the corpus for `engine: vespa`, beside whatever serves."""
    connection = connect(os.environ)
    # the tuned model's come later than the searches that lead to them
    there = [folder for folder in vectors if folder.exists()]
    for folder in vectors:
        if folder not in there:
            click.echo(f"{folder}: not there yet; run make index again once dvc repro has made it")
    if not there:
        raise UserError(f"{vectors[0]}: no vectors to index; run dvc repro embed_base")
    with tempfile.TemporaryDirectory() as scratch:
        site = Site(connection, templates, read_params(params), Path(scratch))
        index(site, read_corpus(corpus), there)


if __name__ == "__main__":
    main()
