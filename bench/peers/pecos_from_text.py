# SPDX-License-Identifier: Apache-2.0
"""PECOS with its defaults from text files to predictions: tf-idf of word uni- and bigrams, PIFA, XR-Linear.

pecos_from_text.py --data FOLDER --mode raw|words --out FOLDER

--data holds trn.txt and tst.txt, a row "id,id<TAB>text" each, and labels.txt with a name a line. raw gives PECOS the
text as it is; words is what its users do beforehand: NFKC, lower case, what is no letter, mark or digit becomes a
blank. Leaves Y.trn.npz, Y.tst.npz and predictions.npz in --out, with --keep the folders vectorizer and model too;
prints what was spent on training.
"""
import argparse
import json
import os
import unicodedata

import numpy as np
import scipy.sparse as sparse

from pecos_xmr import Stopwatch, both, memory_bytes


class WordCharacters(dict):
    """A table for str.translate that is filled as characters turn up."""

    def __missing__(self, code):
        character = chr(code)
        keep = character.isalnum() or character == "_" or unicodedata.category(character)[0] == "M"
        self[code] = character if keep else " "
        return self[code]


TABLE = WordCharacters()


def words(text):
    return " ".join(unicodedata.normalize("NFKC", text).casefold().translate(TABLE).split())


def read_rows(path, mode):
    labels, texts = [], []
    with open(path, encoding="utf-8", newline="\n") as lines:
        for line in lines:
            ids, text = line.rstrip("\n").split("\t", 1)
            labels.append([int(i) for i in ids.split(",")] if ids else [])
            texts.append(words(text) if mode == "words" else text)
    return labels, texts


def label_matrix(rows, n_labels):
    offsets = np.cumsum([0] + [len(row) for row in rows])
    columns = np.fromiter((label for row in rows for label in row), np.int32, offsets[-1])
    matrix = sparse.csr_matrix((np.ones(len(columns), np.float32), columns, offsets), shape=(len(rows), n_labels))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


def train(texts, labels, arguments):
    """(vectorizer, model, seconds of the parts)."""
    from pecos.utils.featurization.text.vectorizers import Vectorizer
    from pecos.xmc import Indexer, LabelEmbeddingFactory
    from pecos.xmc.xlinear.model import XLinearModel
    config = {"type": "tfidf", "kwargs": {"ngram_range": [1, 2], "threads": arguments.threads}}
    watch = Stopwatch()
    vectorizer = Vectorizer.train(texts, config=config)
    features = vectorizer.predict(texts, threads=arguments.threads)
    vectorized, watch = watch.spent(), Stopwatch()
    embedding = LabelEmbeddingFactory.create(labels, features, method="pifa", threads=arguments.threads)
    clusters = Indexer.gen(embedding, indexer_type="hierarchicalkmeans", seed=arguments.seed, threads=arguments.threads)
    model = XLinearModel.train(features, labels.tocsc(), C=clusters, threads=arguments.threads,
                               negative_sampling_scheme=arguments.negatives)
    return vectorizer, model, {"vectorize": vectorized, "model": watch.spent()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--mode", choices=("raw", "words"), required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--beam", type=int, default=10)
    parser.add_argument("--negatives", default="tfn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    with open(os.path.join(arguments.data, "labels.txt"), encoding="utf-8", newline="\n") as names:
        n_labels = sum(1 for _ in names)
    watch = Stopwatch()
    rows, texts = read_rows(os.path.join(arguments.data, "trn.txt"), arguments.mode)
    labels = label_matrix(rows, n_labels)
    reading = watch.spent()
    vectorizer, model, parts = train(texts, labels, arguments)
    peak = memory_bytes("VmHWM")
    if arguments.keep:
        vectorizer.save(os.path.join(arguments.out, "vectorizer"))
        model.save(os.path.join(arguments.out, "model"))
    test_rows, test_texts = read_rows(os.path.join(arguments.data, "tst.txt"), arguments.mode)
    scores = model.predict(vectorizer.predict(test_texts, threads=arguments.threads), only_topk=10,
                           beam_size=arguments.beam, threads=arguments.threads)
    scores.sort_indices()
    for name, matrix in (("Y.trn", labels), ("Y.tst", label_matrix(test_rows, n_labels)), ("predictions", scores)):
        sparse.save_npz(os.path.join(arguments.out, name + ".npz"), matrix, compressed=False)
    parts["reading"] = reading
    parts["total"] = both(reading, both(parts["vectorize"], parts["model"]))
    print(json.dumps({**parts, "rows": len(texts), "labels": n_labels, "peak_bytes": peak}))


if __name__ == "__main__":
    main()
