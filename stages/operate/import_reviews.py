"""Takes what people decided about examples in Argilla."""

import getpass
import re
from pathlib import Path

import click
from pydantic_core import to_json

from stages.cli import path_option, stage
from stages.lib.core.files import read_jsonl, read_text
from stages.lib.errors import UserError
from stages.lib.page.log import Log, drop_torn_line
from stages.lib.people.reviews import Decision, as_decision, read_decisions
from stages.lib.synthetic.argilla_server import Place, take
from stages.lib.synthetic.reviews import DATASET, read_reviews
from stages.lib.synthetic.rows import read_families

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")


@stage
@path_option("--examples", help="Folder with a JSONL of rows a family.")
@path_option("--reviews", help="Folder of what people decide.")
@click.option("--who", default="", help="Who decided; default: the user's name.")
@click.option("--server", default="", help="Address of a live Argilla, in the place of RECORDS.")
@click.option("--dataset", default=DATASET, help="The dataset's name there.")
@click.option("--workspace", default="", help="The workspace there; default: the only one.")
@click.argument("records", type=click.Path(path_type=Path), required=False)
def main(
    examples: Path,
    reviews: Path,
    who: str,
    server: str,
    dataset: str,
    workspace: str,
    records: Path | None,
) -> str:
    """Read RECORDS, a records.json of Argilla, into a file of --reviews; known decisions stay."""
    who = who or getpass.getuser()
    if not NAME.fullmatch(who):
        raise UserError(f"--who {who!r}: expected letters, digits, - and _, such as ann")
    ids = {row["id"] for some in read_families(examples).values() for row in some}
    known = read_decisions(reviews)
    strangers = 0
    if server and records is None:
        place = Place(server.rstrip("/"), workspace, dataset)
        taken = take(place)
        # people go on in a dataset while the examples are written anew
        ours = [record for record in taken if record["id"] in ids or record["id"] in known]
        strangers, source = len(taken) - len(ours), str(place)
        if taken and not ours:
            raise UserError(f"{place}: none of its answers is about an example; are these its?")
        given = to_json(ours).decode()
    elif records is not None and not server:
        given, source = read_text(records), str(records)
    else:
        raise UserError("give either RECORDS=records.json or SERVER=https://...")
    try:
        decisions = list(read_reviews(given, [*ids, *known]))
    except UserError as error:
        raise UserError(f"{source}: {error}") from error
    path = reviews / f"{who}.jsonl"
    drop_torn_line(path)
    # what was taken before and has been decided otherwise since then is not taken again
    lines = read_jsonl(path) if path.exists() else ()
    taken_before = {row["query_id"]: as_decision(row) for _, row in lines}
    log = Log(path, who)
    new = 0
    for decision in decisions:
        before = (found.get(decision.query_id) for found in (known, taken_before))
        if not any(each and said(each) == said(decision) for each in before):
            log.append(decision.row)
            new += 1
    line = f"import-reviews: {len(decisions):,} decisions, {new:,} of them new, in {path}"
    return f"{line}; {strangers:,} are about examples that are gone" if strangers else line


def said(decision: Decision) -> tuple[str, str]:
    """What somebody decided, whoever it was."""
    return decision.decision, decision.text


if __name__ == "__main__":
    main()
