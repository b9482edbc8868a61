"""The tables of sources and of other tools' formats."""

from typing import get_args

from stages.lib.params import Prepare
from stages.lib.sources.catalogue import SOURCES
from stages.lib.sources.queries.written import FORMATS


def test_params_accept_the_sources_of_the_table() -> None:
    assert list(get_args(Prepare.model_fields["source"].annotation)) == list(SOURCES)


def test_params_accept_the_formats_of_the_table() -> None:
    assert list(get_args(Prepare.model_fields["queries_from"].annotation)) == ["", *FORMATS]
