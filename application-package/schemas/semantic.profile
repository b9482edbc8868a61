rank-profile semantic_$label inherits bm25 {
  inputs {
    query(q) tensor<float>(x[$dimension])
  }
  function cosine() {
    expression: cosine_similarity(query(q), attribute($field), x)
  }
  first-phase {
    expression: cosine
  }
}
