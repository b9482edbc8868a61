rank-profile semantic_$label inherits bm25 {
  inputs {
$inputs  }
  function cosine() {
    expression: cosine_similarity(query(q), attribute($field), x)
  }
  first-phase {
    expression: cosine
  }
}
