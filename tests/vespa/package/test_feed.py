"""What is fed comes back as it was: ids and vectors."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages.lib.core.collection import Document
from stages.lib.errors import UserError
from stages.lib.vespa.package.feed import doc_id_of, document_row, floats, hexadecimal


def test_character_that_vespa_refuses_is_named() -> None:
    with pytest.raises(UserError, match=r"document 'x': has the character U\+000B"):
        document_row("embedsmith", Document("x", "", "a\vb"))


@given(st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
def test_any_doc_id_comes_back_from_vespas_id(doc_id: str) -> None:
    row = document_row("embedsmith", Document(doc_id, "", "text"))
    assert doc_id_of(json.loads(json.dumps(row))["update"]) == doc_id


@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=8))
def test_vectors_come_back_from_their_hexadecimal_form(values: list[float]) -> None:
    vector = np.array([values], dtype=np.float32)
    np.testing.assert_array_equal(floats(hexadecimal(vector, "float")[0], "float"), vector[0])
    rounded = floats(hexadecimal(vector, "bfloat16")[0], "bfloat16")
    np.testing.assert_allclose(rounded, vector[0], rtol=2**-8, atol=1e-37)
    assert hexadecimal(rounded[None], "bfloat16") == hexadecimal(vector, "bfloat16")
