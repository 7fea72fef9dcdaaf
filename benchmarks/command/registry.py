"""The commands by name, and the tables that others bring."""

from __future__ import annotations

from benchmarks.command.scored import Scored
from diswot_registry import Registry

GROUPS = {
    "Ask the scores": {
        "correlation": "every score against a ground truth, with intervals and differences to params",
        "score": "every score of one network of yours, and where it stands among released ones of its size",
        "chosen": "the student that each score chooses among all networks, and how good it is",
        "proxy_facts": "how far each score is from params, how stable it is, how many cells it takes",
        "teacher_ablation": "scores that compare with a teacher, with one untrained teacher after the other",
    },
    "Published beside measured": {
        "all_tables": "the tables of the paper, and proxy_facts, on one page that says what reproduces",
        "init_ablation": "M_s, M_r and DisWOT under four initialisations",
        "metric_ablation": "FitNet, M_s, RKD, M_r and their sum in all variants",
        "s0_table": "the paper's 'Correlation comparison' on 64 ResNets",
        "rank_table": "the paper's rank table, and what it should have been",
        "search_table": "the paper's Table 8; what a search by each score finds, by budget",
        "best_student": "is the best network alone not the best one distilled?",
        "distiller_table": "KD against DisWOT, DisWOT+ and the other distillers on the same students",
        "vkdnw_table": "the scores of VKDNW's Table 1 under three settings",
    },
    "Search and train": {
        "search": "search a student by a score or an accuracy",
        "distill": "train a student from a teacher",
        "pipeline": "teacher, search, distillation, comparison: one report",
        "harvest": "lengthen the distillation ground truth",
        "data_card": "the card of a harvested table, computed from its rows",
    },
    "Find a better score": {
        "candidates": "every product, ratio and sum of ranks of up to three scores, on the search half of the networks",
        "confirm": "what is left of a score on the half of the networks on which nothing was chosen",
        "fitted_table": "what labels buy: forests on GRAF's features and on scores, by the number of labels",
    },
    "Pages": {
        "findings": "what was found, as one page of Markdown",
        "leaderboard": "all released scores on all ground truths, beside closed forms and printed numbers",
        "site": "a site of static files from what is released: leaderboard, proxies, truths, distillers",
    },
    "Scores that are there, and what they cost": {
        "scores": "the scores there are: export, import, merge, diff, verify, release",
        "sweep": "score a whole space in a fixed order; the released tables grow",
        "speed": "what passes and scores cost, in units of one plain forward and backward pass",
        "engine_cost": "what workers and engines cost, measured here and reckoned further",
    },
}
"""What one wants -> module below `benchmarks` -> what one gets. The README has the same groups."""

COMMANDS = {name: summary for group in GROUPS.values() for name, summary in group.items()}

TABLES: Registry[Scored] = Registry("table", Scored, "diswot_bench.tables")
"""Tables of others: `TABLES.add(Scored(...))` in a plugin makes one a command and a part of all_tables."""
