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
    document = json.loads(last.splitlines()[0])  # a neighbour may follow
    language = re.search(r"^- language: (.+)$", system, re.MULTILINE)
    tongue = f"[{language[1]}] " if language else ""
    types = re.findall(r"^- (\w+): ", system.split("of these types")[1].split("\n\n")[0], re.M)
    about = " ".join(document["text"].split()[:12])
    return {"queries": [{"type": kind, "text": f"{tongue}{kind} about {about}"} for kind in types]}
