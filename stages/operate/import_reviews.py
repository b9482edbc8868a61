"""Takes what people decided about examples in Argilla."""

import getpass
import re
from pathlib import Path

import click

from stages.cli import path_option, stage
from stages.lib.core.files import read_text
from stages.lib.errors import UserError
from stages.lib.page.log import Log, drop_torn_line
from stages.lib.people.reviews import read_decisions
from stages.lib.synthetic.reviews import read_reviews
from stages.lib.synthetic.rows import read_families

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@stage
@path_option("--examples", help="Folder with a JSONL of rows a family.")
@path_option("--reviews", help="Folder of what people decide.")
@click.option("--who", default="", help="Who decided; default: the user's name.")
@click.argument("records", type=click.Path(path_type=Path))
def main(examples: Path, reviews: Path, who: str, records: Path) -> str:
    """Read RECORDS, a records.json of Argilla, into a file of --reviews; known decisions stay."""
    who = who or getpass.getuser()
    if not NAME.fullmatch(who):
        raise UserError(f"--who {who!r}: expected letters, digits, - and _, such as ann")
    ids = [row["id"] for some in read_families(examples).values() for row in some]
    known = read_decisions(reviews)
    try:
        given = list(read_reviews(read_text(records), [*ids, *known]))
    except UserError as error:
        raise UserError(f"{records}: {error}") from error
    path = reviews / f"{who}.jsonl"
    drop_torn_line(path)
    log = Log(path, who)
    new = 0
    for decision in given:
        before = known.get(decision.query_id)
        if before is None or (before.decision, before.text) != (decision.decision, decision.text):
            log.append(decision.row)
            new += 1
    return f"import-reviews: {len(given):,} decisions, {new:,} of them new, in {path}"


if __name__ == "__main__":
    main()
