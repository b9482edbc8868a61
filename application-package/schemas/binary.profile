rank-profile semantic_$label {
  # Found by the signs' Hamming distance, then ordered by the query's own numbers against the signs.
  inputs {
$inputs  }
  # The share of equal signs less that of different ones.
  function agreement() {
    expression: 1 - 2 * sum(hamming(query(q_bits), attribute($field)), x) / $dimension
  }
  function cosine() {
    expression: sum(query(q) * (2 * unpack_bits(attribute($field), float) - 1), x) / sqrt($dimension)
  }
  # Below any cosine, so that what is re-ranked stands above the rest.
  first-phase {
    expression: agreement - 4
  }
  second-phase {
    rerank-count: $targets
    expression: cosine
  }
  # For the hybrid profiles, which inherit them.
  rank-properties {
    bm25(contents).k1: $k1
    bm25(contents).b: $b
  }
}
