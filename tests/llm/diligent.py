"""What a diligent model would answer, from the words of the prompt alone."""

import json
import re
from typing import Any


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """What a diligent model would say."""
    schema = body.get("response_format", {}).get("json_schema", {}).get("name")
    system, last = body["messages"][0]["content"], body["messages"][-1]["content"]
    if schema == "dataset_rules" or '{"rules"' in system:
        return {
            "rules": [
                f"Rule {number} about the queries." + " It is long." * 7 for number in range(5)
            ]
        }
    if schema == "relevance_judgements" or '{"judgements"' in system:
        query, *documents = map(json.loads, last.splitlines())
        asked = set(query["query"].split())
        return {
            "judgements": [
                {
                    "doc_id": each["doc_id"],
                    "relevance": min(3, len(asked & set(each["text"].split()))),
                }
                for each in documents
            ]
        }
    if schema == "brainstormed_tasks" or '{"tasks"' in system:
        kind = " ".join(system.split("of one kind: ")[1].split()[:4])
        number = int(re.findall(r"Think up (\d+)", last)[0])
        return {"tasks": [f"Task {each} of {kind}." for each in range(number)]}
    if schema == "task_examples" or '{"examples"' in system:
        return {"examples": [example(system, json.loads(last))]}
    if schema in ("passage_answer", "answer_verdicts"):
        return about_passages(schema, [json.loads(line) for line in last.splitlines()])
    if schema == "query_answers" or '{"answers"' in system:
        document, *queries = map(json.loads, last.splitlines())
        return {
            "answers": [
                {"type": each["type"], "text": f"{document['text']}: {each['query']}"[:200]}
                for each in queries
            ]
        }
    document = json.loads(last.splitlines()[0])  # a neighbour may follow
    language = re.search(r"^- language: (.+)$", system, re.MULTILINE)
    tongue = f"[{language[1]}] " if language else ""
    types = re.findall(r"^- (\w+): ", system.split("of these types")[1].split("\n\n")[0], re.M)
    about = " ".join(document["text"].split()[:12])
    return {"queries": [{"type": kind, "text": f"{tongue}{kind} about {about}"} for kind in types]}


def example(system: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Texts that say which field of which example they are, in the language of the traits."""
    fields = re.findall(r"^- (\w+): ", system.split("these texts:")[1].split("\n\n")[0], re.M)
    language = re.search(r"^- language: (.+)$", system, re.M)
    said = f"{asked['task']} {asked['example']} in {language[1] if language else 'any language'}"
    scores = {"closer_score": 4.5, "farther_score": "2"}
    return {name: scores.get(name, f"{name} of {said}") for name in fields}


def about_passages(schema: str, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """An answer that repeats the first passage; grades that favour the place shown first."""
    if schema == "passage_answer":
        first = next(line for line in lines if "title" in line)
        return {"statements": [{"text": first["text"], "doc_ids": [first["doc_id"]]}]}
    references = [line["reference"] for line in lines if "reference" in line]
    return {
        "verdicts": [
            {
                "answer": line["answer"],
                "correctness": 2 * (line["text"] in references) + (line["answer"] == 1),
                "groundedness": 3,
            }
            for line in lines
            if "answer" in line
        ]
    }
