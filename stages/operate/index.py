"""Brings the corpus and its vectors into Vespa, for the stages to search there."""

from pathlib import Path

import click

from stages.cli import PARAMS, SCRATCH, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.errors import UserError
from stages.lib.params import read_params
from stages.lib.vespa.operate.indexing import index
from stages.lib.vespa.operate.site import open_site


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
    # the tuned model's come later than the searches that lead to them
    made = [folder for folder in vectors if folder.exists()]
    for folder in vectors:
        if folder not in made:
            click.echo(f"{folder}: not there yet; run make index again once dvc repro has made it")
    if not made:
        raise UserError(f"{vectors[0]}: no vectors to index; run dvc repro embed_base")
    with open_site(templates, read_params(params), "index", SCRATCH) as site:
        index(site, read_corpus(corpus), made)


if __name__ == "__main__":
    main()
