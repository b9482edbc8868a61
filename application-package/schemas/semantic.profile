rank-profile semantic_$label {
  inputs {
$inputs  }
  function cosine() {
    expression: cosine_similarity(query(q), attribute($field), x)
  }
  first-phase {
    expression: cosine
  }
  # For the hybrid profiles, which inherit them.
  rank-properties {
    bm25(contents).k1: $k1
    bm25(contents).b: $b
  }
}
