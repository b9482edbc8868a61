"""The table of providers, and who reads it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_args

import pytest

from stages.lib.core.collection import Document
from stages.lib.llm.messages import Request
from stages.lib.llm.providers.extractive import Extractive
from stages.lib.llm.providers.table import PROVIDERS
from stages.lib.llm_params import Llm
from stages.lib.params import Params
from tests.imports import ROOT
from tests.llm.conftest import Project


def test_params_accept_the_providers_of_the_table() -> None:
    assert list(get_args(Llm.model_fields["provider"].annotation)) == list(PROVIDERS)


@pytest.mark.parametrize(
    ("provider", "writer"),
    [
        ("openai", "gpt-4.1-mini"),
        ("recorded", "the recorded provider"),
        ("extractive", "the extractive provider"),
        ("none", "another tool (inpars)"),
    ],
)
def test_the_card_names_who_wrote_the_queries(
    with_params: Callable[[dict[str, Any]], Params], provider: str, writer: str
) -> None:
    changes = {"llm.provider": provider, "prepare.queries_from": "inpars"}
    assert PROVIDERS[provider].label(with_params(changes)) == writer


def test_extracts_ask_by_the_heading_not_by_the_way_to_it() -> None:
    document = Document("d", "Guide > Install > On Linux", "Take the disk and put it in there.")
    provider = Extractive({"d": document}, ["question"], 13)
    request = Request("synthetic_queries", "d", "", "", {}, "", None, 1)
    response = asyncio.run(provider.complete(request))
    assert response is not None
    assert json.loads(response.text) == {"queries": [{"type": "question", "text": "On Linux"}]}


def test_the_table_loads_no_client() -> None:
    code = "import sys, stages.lib.llm.session; print({'openai', 'torch'} & set(sys.modules))"
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"


def test_stages_say_in_one_line_what_they_did(llm_project: Project) -> None:
    llm_project.changes["llm.provider"] = "extractive"
    lines = llm_project.must("rules", "generate", "expand").splitlines()
    starts = [
        "rules: 1 rules of 1 draws, 0 refused, 0 given up, ",
        "generate: 14 queries for 7 of 7 documents, 0 refused, 0 given up, ",
        "expand: 0 positives added to 0 queries, nothing asked, ",
    ]
    assert len(lines) == len(starts)
    for line, start in zip(lines, starts, strict=True):
        assert line.startswith(start)
        assert line.endswith(" s")
