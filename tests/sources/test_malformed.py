"""Generated inputs that are broken: none is a traceback, none takes long or all memory."""

import resource

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sources.malformed import INPUTS, check

MEGABYTES = 1000
"""Of memory that no input may take."""


@pytest.mark.parametrize("name", INPUTS)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(data=st.data())
def test_whatever_comes_is_text_or_one_line(name: str, data: st.DataObject) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    check(name, data.draw(INPUTS[name][0]))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEGABYTES * 1000
