"""Lets the LLM write examples of the tasks."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.files import building, leave_unused, write_json, write_jsonl
from stages.lib.errors import UserError
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import ask, ask_nothing
from stages.lib.params import read_params
from stages.lib.people.reviews import read_decisions
from stages.lib.synthetic.reviews import reviewed
from stages.lib.synthetic.rows import counts, rows, shown
from stages.lib.synthetic.tasks import read_tasks
from stages.lib.synthetic.writer import Writer


@stage
@path_option("--tasks", help="JSONL of tasks.")
@path_option("--reviews", help="Folder of what people decided about examples.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="Folder for a JSONL of rows a family.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    tasks: Path,
    reviews: Path,
    prompts: Path,
    store: Path,
    out: Path,
    metrics: Path,
    params: Path,
) -> str:
    """Ask for examples.per_task examples of each task; without tasks, write none."""
    settings = read_params(params)
    given = read_tasks(tasks)
    if not (given and PROVIDERS[settings.llm.provider].asks):
        ask_nothing(store)
        leave_unused(out, "No tasks: brainstorm.families is empty, or llm.provider is none.")
        write_json(metrics, {"rows": 0})
        return "examples: no tasks, nothing asked"
    wanted = settings.examples
    questions = Writer(prompts, settings.llm, settings.seed).examples(given, wanted)
    total = len(given) * wanted.per_task
    asked = ask(questions, total, {}, settings, store, "examples")
    written, repeated = rows(given, asked.answers)
    if not written:
        raise UserError(
            f"no example of any of {len(given)} tasks ({asked.faults_message()}); check "
            "llm.provider and llm.recorded in params.yaml, or use another model"
        )
    by_family, decided = reviewed(written, read_decisions(reviews))
    if not by_family:
        raise UserError(f"{reviews}: every example is dropped there, so that none is left")
    with building(out) as folder:
        for name, some in by_family.items():
            write_jsonl(folder / f"{name}.jsonl", some)
    number = sum(map(len, by_family.values()))
    write_json(
        metrics,
        {
            "rows": number,
            "by_family": counts(by_family, repeated),
            "by_people": decided,
            "shown": shown(by_family, settings.seed),
            **asked.metrics(),
        },
    )
    return (
        f"examples: {number:,} rows of {len(asked.answers):,} of {len(given):,} tasks, "
        f"{sum(repeated.values()):,} repeated, {asked.summary()}"
    )


if __name__ == "__main__":
    main()
