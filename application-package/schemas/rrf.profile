rank-profile rrf_$label inherits hybrid_$label {
  # Reciprocal rank fusion: ranks alone count, so that no scale has to be chosen.
  global-phase {
    rerank-count: $rerank
    expression: reciprocal_rank_fusion(cosine, lexical)
  }
}
