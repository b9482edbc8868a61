"""Lets the LLM think up tasks, from no collection at all or about one."""

from pathlib import Path

from stages.cli import PARAMS, path_option, stage
from stages.lib.core.collection import read_corpus
from stages.lib.core.files import write_json
from stages.lib.errors import UserError
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm.session import ask, ask_nothing
from stages.lib.params import read_params
from stages.lib.synthetic.tasks import distinct, write_tasks
from stages.lib.synthetic.writer import Writer


@stage
@path_option("--documents", help="corpus.jsonl of the collection, if brainstorm.documents says so.")
@path_option("--prompts", help="Folder of prompts.")
@path_option("--store", help="JSONL for the responses.")
@path_option("--out", help="JSONL for the tasks.")
@path_option("--metrics", help="JSON file for the counts.")
@PARAMS
def main(
    documents: Path, prompts: Path, store: Path, out: Path, metrics: Path, params: Path
) -> str:
    """Ask for tasks of each family of brainstorm.families; without any, write none."""
    settings = read_params(params)
    wanted = settings.brainstorm
    writer = Writer(prompts, settings.llm, settings.seed)
    if not (wanted.families and PROVIDERS[settings.llm.provider].asks):
        ask_nothing(store)
        write_tasks(out, [])
        why = "llm.provider is none" if wanted.families else "brainstorm.families is empty"
        write_json(metrics, {"tasks": 0, "why": why})
        return f"brainstorm: no tasks, {why}"
    corpus = read_corpus(documents) if wanted.of_collection else {}
    questions = list(writer.tasks(wanted, corpus))
    asked = ask(questions, len(questions), {}, settings, store, "brainstorm")
    tasks, counts = distinct(asked.answers, wanted.families, wanted.tasks)
    if not tasks:
        raise UserError(
            f"no task of any of {len(wanted.families)} families ({asked.faults_message()}); check "
            "llm.provider and llm.recorded in params.yaml, or use another model"
        )
    write_tasks(out, tasks)
    write_json(metrics, counts | asked.metrics())
    none = [name for name, count in counts["by_family"].items() if not count]
    of = f"{len(wanted.families) - len(none)} families"
    if none:
        of += f", none of {', '.join(none)}"
    return f"brainstorm: {len(tasks):,} tasks of {of}, {asked.summary()}"


if __name__ == "__main__":
    main()
