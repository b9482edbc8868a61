"""A student before training, by hand."""

import numpy as np

from stages.lib.core.collection import Split
from stages.lib.judged.student import early_student
from stages.lib.search.engine import Known

TEXTS = {"how to pay": (1.0, 0.0), "invoice due": (0.96, 0.28)}


def test_an_early_student_finds_what_is_asked_of_a_document() -> None:
    # to the base, "receipts" is nearest; but people ask of "terms" what is sought
    vectors = np.array([[0.8, 0.6], [0.6, 0.8], [-1, 0], [0, -1], [-0.8, -0.6]], np.float32)
    queries = {text: np.array(vector, np.float32) for text, vector in TEXTS.items()}
    base = Known(["receipts", "terms", "x", "y", "z"], vectors, queries)
    asked = Split({"q": "how to pay"}, {"q": {"terms": 1}})
    student = early_student(base, asked, ["invoice due"])
    (before,), (after,) = base.scores(["invoice due"]), student.scores(["invoice due"])
    assert base.doc_ids[int(before.argmax())] == "receipts"
    assert student.doc_ids[int(after.argmax())] == "terms"
    assert np.allclose(np.linalg.norm(student.vectors, axis=1), 1, atol=1e-6)
    assert np.array_equal(base.vectors, vectors), "the base is left as it is"
