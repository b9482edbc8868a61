rank-profile probe_$label {
  # Ranks for nobody: each hit carries the query's vector, as the embedder gave it.
  inputs {
$inputs  }
  first-phase {
    expression: 0
  }
  match-features {
    query(q)
  }
}
