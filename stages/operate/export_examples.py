"""Writes the examples as a dataset of Argilla, with what people decided so far."""

from pathlib import Path

import click

from stages.cli import path_option, stage
from stages.lib.core.files import building, write_json
from stages.lib.people.reviews import read_decisions
from stages.lib.synthetic.argilla_server import Place, bring
from stages.lib.synthetic.reviews import DATASET, as_answers, as_dataset, as_records, as_settings
from stages.lib.synthetic.rows import read_families


@stage
@path_option("--examples", help="Folder with a JSONL of rows a family.")
@path_option("--reviews", help="Folder of what people decided.")
@path_option("--out", help="Folder that `Dataset.from_disk` of Argilla reads.")
@click.option("--server", default="", help="Address of a live Argilla, to bring it there besides.")
@click.option("--dataset", default=DATASET, help="The dataset's name there.")
@click.option("--workspace", default="", help="The workspace there; default: the only one.")
def main(
    examples: Path, reviews: Path, out: Path, server: str, dataset: str, workspace: str
) -> str:
    """Write a record an example, to be kept, edited or dropped."""
    decisions = read_decisions(reviews)
    records = as_records(read_families(examples), decisions)
    with building(out) as folder:
        write_json(folder / ".argilla" / "settings.json", as_settings())
        write_json(folder / ".argilla" / "dataset.json", as_dataset())
        write_json(folder / "records.json", records)
    decided = sum(record["id"] in decisions for record in records)
    line = f"export-examples: {len(records):,} records in {out}, {decided:,} of them decided"
    if not server:
        return line
    place = Place(server.rstrip("/"), workspace, dataset)
    settings = out / ".argilla" / "settings.json"
    brought = bring(place, settings, records, as_answers(decisions))
    return (
        f"{line}; in {place}: {brought.new:,} new, {brought.answered:,} answered from here, "
        f"{brought.there:,} there before and left, {brought.other:,} of them with other texts"
    )


if __name__ == "__main__":
    main()
