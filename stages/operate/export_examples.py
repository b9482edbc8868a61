"""Writes the examples as a dataset of Argilla, with what people decided so far."""

from pathlib import Path

from stages.cli import path_option, stage
from stages.lib.core.files import building, write_json
from stages.lib.people.reviews import read_decisions
from stages.lib.synthetic.reviews import as_dataset, as_records, as_settings
from stages.lib.synthetic.rows import read_families


@stage
@path_option("--examples", help="Folder with a JSONL of rows a family.")
@path_option("--reviews", help="Folder of what people decided.")
@path_option("--out", help="Folder that `Dataset.from_disk` of Argilla reads.")
def main(examples: Path, reviews: Path, out: Path) -> str:
    """Write a record an example, to be kept, edited or dropped."""
    records = as_records(read_families(examples), read_decisions(reviews))
    with building(out) as folder:
        write_json(folder / ".argilla" / "settings.json", as_settings())
        write_json(folder / ".argilla" / "dataset.json", as_dataset())
        write_json(folder / "records.json", records)
    decided = sum(bool(record["responses"]) for record in records)
    return f"export-examples: {len(records):,} records in {out}, {decided:,} of them decided"


if __name__ == "__main__":
    main()
