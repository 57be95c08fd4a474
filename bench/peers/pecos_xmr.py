# SPDX-License-Identifier: Apache-2.0
"""PECOS' XR-Linear on the matrices that coppice_bench_xmr reads, with the same figures under the same names.

pecos_xmr.py train   --mats FOLDER --model FOLDER [--seed N] [--branching 16] [--max-leaf 100] [--negatives tfn] ...
pecos_xmr.py predict --mats FOLDER --model FOLDER --layout mmap|hash --predictions FILE.npz
pecos_xmr.py library                                          prints where the shared library of the package lies

Runs under a Python that has the package libpecos (bench/README.md).
"""
import argparse
import json
import os
import resource
import shutil
import time

import numpy as np
import scipy.sparse as sparse


class Stopwatch:
    def __init__(self):
        self.wall, self.cpu = time.perf_counter(), self.cpu_seconds()

    @staticmethod
    def cpu_seconds():
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime

    def spent(self):
        return {"wall_seconds": time.perf_counter() - self.wall, "cpu_seconds": self.cpu_seconds() - self.cpu}


def both(a, b):
    return {key: a[key] + b[key] for key in a}


def memory_bytes(key):
    with open("/proc/self/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key + ":"))


def reset_peak_memory():
    with open("/proc/self/clear_refs", "w", encoding="utf-8") as file:
        file.write("5")


def folder_bytes(folder):
    return sum(os.path.getsize(os.path.join(where, name)) for where, _, names in os.walk(folder) for name in names)


def read(arguments, name):
    return sparse.load_npz(os.path.join(arguments.mats, name + ".npz")).tocsr().astype(np.float32)


def train(arguments):
    from pecos.xmc import Indexer, LabelEmbeddingFactory
    from pecos.xmc.xlinear.model import XLinearModel
    features, labels = read(arguments, "X.trn"), read(arguments, "Y.trn")
    columns = labels.tocsc()
    loaded = memory_bytes("VmRSS")
    reset_peak_memory()
    watch = Stopwatch()
    embedding = LabelEmbeddingFactory.create(labels, features, method="pifa", threads=arguments.threads)
    embedded, watch = watch.spent(), Stopwatch()
    clusters = Indexer.gen(embedding, indexer_type="hierarchicalkmeans", nr_splits=arguments.branching,
                           max_leaf_size=arguments.max_leaf, seed=arguments.seed, threads=arguments.threads)
    clustered = watch.spent()
    del embedding
    watch = Stopwatch()
    model = XLinearModel.train(features, columns, C=clusters, threshold=arguments.threshold, threads=arguments.threads,
                               negative_sampling_scheme=arguments.negatives, solver_type="L2R_L2LOSS_SVC_DUAL",
                               Cp=arguments.c_positive, Cn=1.0, eps=arguments.epsilon)
    ranked, peak = watch.spent(), memory_bytes("VmHWM")
    save(model, arguments.model)
    return {"rows": features.shape[0], "features": features.shape[1], "labels": labels.shape[1],
            "threads": arguments.threads, "loaded_bytes": loaded, "peak_bytes": peak, "embedding": embedded,
            "clustering": clustered, "index": both(embedded, clustered), "ranker": ranked,
            "total": both(both(embedded, clustered), ranked),
            "weights": int(sum(level.W.nnz for level in model.model.model_chain)),
            "model_bytes": folder_bytes(arguments.model), "mapped_bytes": folder_bytes(arguments.model + ".mmap")}


def save(model, folder):
    """As saved, and compiled for mapping."""
    from pecos.xmc.xlinear.model import XLinearModel
    for path in (folder, folder + ".mmap"):
        shutil.rmtree(path, ignore_errors=True)
    model.save(folder)
    XLinearModel.compile_mmap_model(folder, folder + ".mmap")


def load(arguments):
    from pecos.xmc.xlinear.model import XLinearModel
    if arguments.layout == "mmap":
        return XLinearModel.load(arguments.model + ".mmap", is_predict_only=True)
    return XLinearModel.load(arguments.model, is_predict_only=True, weight_matrix_type="HASH_CHUNKED")


def best_batch(model, features, arguments, threads):
    best, scores = None, None
    for _ in range(arguments.repeats):
        watch = Stopwatch()
        scores = model.predict(features, beam_size=arguments.beam, only_topk=arguments.top_k, threads=threads)
        spent = watch.spent()
        if best is None or spent["wall_seconds"] < best["wall_seconds"]:
            best = spent
    scale = 1e6 / features.shape[0]
    return {"us": best["wall_seconds"] * scale, "cpu_us": best["cpu_seconds"] * scale}, scores


def single_queries(model, features, arguments):
    """What a caller from Python waits: the row is cut out beforehand."""
    rows = [features[i] for i in range(min(arguments.single_queries, features.shape[0]))]
    times = []
    for repeat in range(2):
        for row in rows:
            start = time.perf_counter()
            model.predict(row, beam_size=arguments.beam, only_topk=arguments.top_k, threads=1)
            if repeat == 1:
                times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return {"queries": len(rows), "us": {"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}}


def predict(arguments):
    import pecos.xmc.xlinear.model  # here, so that no stopwatch runs while the package is imported
    features = read(arguments, "X.tst")
    before = memory_bytes("VmRSS")
    watch = Stopwatch()
    model = load(arguments)
    loaded = watch.spent()
    batch, scores = best_batch(model, features, arguments, arguments.threads)
    one_thread, _ = best_batch(model, features, arguments, 1)
    if arguments.predictions:
        scores.sort_indices()
        sparse.save_npz(arguments.predictions, scores, compressed=False)
    return {"load": {"first_ms": loaded["wall_seconds"] * 1e3}, "batch": batch, "batch_one_thread": one_thread,
            "single_from_python": single_queries(model, features, arguments) if arguments.single_queries else None,
            "memory_before_bytes": before, "peak_bytes": memory_bytes("VmHWM")}


def library(_):
    import pecos.core
    folder = os.path.dirname(pecos.core.__file__)
    name = next(name for name in sorted(os.listdir(folder)) if name.startswith("libpecos_float32"))
    from importlib.metadata import version
    return {"library": os.path.join(folder, name), "libpecos": version("libpecos"), "numpy": np.__version__,
            "scipy": version("scipy")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", choices=("train", "predict", "library"))
    parser.add_argument("--mats")
    parser.add_argument("--model")
    parser.add_argument("--layout", choices=("mmap", "hash"), default="mmap")
    parser.add_argument("--predictions")
    parser.add_argument("--negatives", default="tfn", help="tfn or tfn+man")
    for name, kind, value in (("seed", int, 0), ("branching", int, 16), ("max-leaf", int, 100), ("threads", int, 2),
                              ("threshold", float, 0.1), ("c-positive", float, 1.0), ("epsilon", float, 0.1),
                              ("beam", int, 10), ("top-k", int, 10), ("repeats", int, 3),
                              ("single-queries", int, 2000)):
        parser.add_argument("--" + name, type=kind, default=value)
    arguments = parser.parse_args()
    print(json.dumps({"train": train, "predict": predict, "library": library}[arguments.stage](arguments)))


if __name__ == "__main__":
    main()
