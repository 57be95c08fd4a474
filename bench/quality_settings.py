# SPDX-License-Identifier: Apache-2.0
"""The settings that bench/quality.py tries: name -> (flags of training, flags of prediction).

Every setting departs from PECOS_LIKE in what it names; "our defaults" are what `coppice train` takes today.
"""

# The settings that PECOS takes by default, said in full: the fixed point that everything is compared with.
PECOS_LIKE = {"branching": 16, "max_leaf": 100, "root_branching": 0, "threshold": 0.1, "c_positive": 1, "c_negative": 1,
              "epsilon": 0.1, "bias": 1, "loss": "squared_hinge", "negatives": "tfn"}
BASE = "as PECOS"
DEFAULTS = "our defaults"

ONE_AT_A_TIME = {
    "negatives": ["tfn+man"],
    "max_leaf": [25, 50, 200, 400, 800],
    "c_positive": [0.5, 2, 3, 5],
    "c_negative": [0.5, 2],
    "threshold": [0.02, 0.05, 0.15, 0.2],
    "branching": [4, 8, 32, 64, 128],
    "epsilon": [0.5, 0.2, 0.05, 0.01],
    "loss": ["hinge", "logistic"],
    "bias": [0.3, 3],
}

SEARCH = {
    "beam 5": {"beam": 5},
    "beam 20": {"beam": 20},
    "beam 50": {"beam": 50},
    "sigmoid": {"post_processor": "sigmoid"},
    "l1_hinge": {"post_processor": "l1_hinge"},
    "l2_hinge": {"post_processor": "l2_hinge"},
    "l4_hinge": {"post_processor": "l4_hinge"},
}

COMBINED = [
    {"negatives": "tfn+man", "matcher_beam": 20},
    {"negatives": "tfn+man", "matcher_beam": 5},
    {"negatives": "tfn+man", "max_leaf": 200},
    {"negatives": "tfn+man", "max_leaf": 400},
    {"negatives": "tfn+man", "c_positive": 2},
    {"negatives": "tfn+man", "c_positive": 3},
    {"negatives": "tfn+man", "c_positive": 3, "max_leaf": 400},
    {"negatives": "tfn+man", "epsilon": 0.3},
    {"negatives": ["tfn", "tfn", "tfn+man"]},
    {"negatives": "tfn+man", "threshold": 0.05},
    {"max_leaf": 400, "c_positive": 2},
    {"max_leaf": 400, "c_positive": 3},
    {"max_leaf": 400, "c_positive": 3, "threshold": 0.05},
    {"branching": 64, "max_leaf": 400},
    {"branching": 64, "max_leaf": 400, "c_positive": 3},
    {"branching": 128, "max_leaf": 200},
    {"branching": 256, "max_leaf": 100},
    {"branching": 32, "negatives": "tfn+man", "c_positive": 2},
    {"branching": 64, "negatives": "tfn+man"},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 3},
    {"branching": 64, "negatives": ["tfn", "tfn+man"], "c_positive": 2},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "max_leaf": 50},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "max_leaf": 200},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "max_leaf": 400},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "threshold": 0.05},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "threshold": 0.15},
    {"branching": 64, "negatives": "tfn+man", "c_positive": 2, "matcher_beam": 20},
    {"branching": 128, "negatives": "tfn+man", "c_positive": 2},
]


def described(flags):
    """{"negatives": "tfn+man", "max_leaf": 400} -> "negatives tfn+man, max_leaf 400"."""
    def text(value):
        return "+".join(str(x) for x in value) if isinstance(value, list) else str(value)
    return ", ".join(f"{name} {text(value)}" for name, value in flags.items())


def grid(which, defaults):
    """A list of (name, training flags, {search name: prediction flags}). `defaults`: flags of our defaults."""
    search = SEARCH if which == "full" else {}
    points = [(BASE, {}, search), (DEFAULTS, defaults, search)]
    singles = [{name: value} for name, values in ONE_AT_A_TIME.items() for value in values]
    if which == "quick":
        singles = [{"negatives": "tfn+man"}, {"max_leaf": 400}, {"c_positive": 3}, {"threshold": 0.05}]
    combined = COMBINED if which == "full" else []
    for flags in [*singles, *combined]:
        search = {"beam 20": {"beam": 20}} if flags.get("negatives") == "tfn+man" and which == "full" else {}
        points.append((described(flags), flags, search))
    return [(name, {**PECOS_LIKE, **flags}, search) for name, flags, search in points]
