"""The measures' names, and the one that systems are compared by."""

NAMES = {
    "ndcg_cut_10": "nDCG@10",
    "recip_rank": "MRR@10",
    "recall_100": "Recall@100",
    "map": "MAP",
    "P_10": "P@10",
    "success_10": "Hit@10",
}
"""What the measures are called in print, by their trec_eval names."""


HEADLINE = "ndcg_cut_10"
"""The measure that systems are compared by."""
