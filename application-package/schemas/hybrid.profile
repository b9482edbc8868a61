rank-profile hybrid_$label inherits semantic_$label {
  # Both scores scaled to 0..1 over the hits that are re-ranked, then weighted.
  function lexical() {
    expression: bm25(contents)
  }
  match-features {
    cosine
    lexical
  }
  global-phase {
    rerank-count: $rerank
    expression: $dense_weight * normalize_linear(cosine) + $lexical_weight * normalize_linear(lexical)
  }
}
