# SPDX-License-Identifier: Apache-2.0
"""Texts as matrices: pecos_matrices.py --data FOLDER --out FOLDER [--mode words|raw] [--threads 2]

PECOS' tf-idf of word uni- and bigrams, fitted on the training texts. Writes {X,Y}.{trn,tst}.npz to --out, and to
--out + "-split" the same of the training rows alone, a random tenth of them (seed 0) as test rows.
"""
import argparse
import os

import numpy as np
import scipy.sparse as sparse

from pecos_from_text import label_matrix, read_rows


def save(folder, matrices):
    """Whole or not at all: the folder gets its name last."""
    partial = folder + ".partial"
    os.makedirs(partial, exist_ok=True)
    for name, matrix in matrices.items():
        matrix = matrix.tocsr().astype(np.float32)
        matrix.sort_indices()
        sparse.save_npz(os.path.join(partial, name + ".npz"), matrix, compressed=False)
    os.rename(partial, folder)


def main():
    from pecos.utils.featurization.text.vectorizers import Vectorizer
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--mode", choices=("words", "raw"), default="words")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with open(os.path.join(arguments.data, "labels.txt"), encoding="utf-8", newline="\n") as names:
        n_labels = sum(1 for _ in names)
    rows = {part: read_rows(os.path.join(arguments.data, part + ".txt"), arguments.mode) for part in ("trn", "tst")}
    config = {"type": "tfidf", "kwargs": {"ngram_range": [1, 2], "threads": arguments.threads}}
    vectorizer = Vectorizer.train(rows["trn"][1], config=config)
    matrices = {}
    for part, (labels, texts) in rows.items():
        matrices["X." + part] = vectorizer.predict(texts, threads=arguments.threads).tocsr()
        matrices["Y." + part] = label_matrix(labels, n_labels)
    order = np.random.RandomState(0).permutation(len(rows["trn"][0]))
    tenth = len(order) // 10
    held, kept = np.sort(order[:tenth]), np.sort(order[tenth:])
    save(arguments.out, matrices)
    save(arguments.out + "-split", {f"{m}.{part}": matrices[f"{m}.trn"][which] for m in ("X", "Y")
                                    for part, which in (("trn", kept), ("tst", held))})


if __name__ == "__main__":
    main()
