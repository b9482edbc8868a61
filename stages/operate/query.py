"""Searches Vespa as its users do, and shows the ten best documents."""

import os

import click

from stages.cli import stage
from stages.lib.vespa.search.connection import connect
from stages.lib.vespa.search.live import search_live

WIDTH = 80
"""Characters of a title that are shown."""


@stage
@click.option("--text", envvar="Q", default="", help="What to look for.")
def main(text: str) -> None:
    """Show the ten best documents for a text: score, doc_id and title."""
    hits = search_live(connect(os.environ), text)
    if not hits:
        click.echo("nothing found")
    for rank, hit in enumerate(hits, 1):
        heading = hit.heading
        shown = heading if len(heading) <= WIDTH else f"{heading[: WIDTH - 1]}…"
        click.echo(f"{rank:2}  {hit.score:8.4f}  {hit.doc_id}  {shown}")


if __name__ == "__main__":
    main()
