# SPDX-License-Identifier: Apache-2.0
"""PECOS' tf-idf vectorizer on lines of text, with the figures of coppice_bench_text under the same names.

pecos_text.py --input FILE [--labelled] [--threads 2] [--repeats 3]
"""
import argparse
import json
import time

from pecos_xmr import Stopwatch, memory_bytes, reset_peak_memory

CONFIG = {"ngram_range": [1, 2]}  # everything else as PECOS has it


def read_lines(path, labelled):
    with open(path, encoding="utf-8", newline="\n") as lines:
        texts = [line.rstrip("\n") for line in lines]
    return [text.split("\t", 1)[-1] for text in texts] if labelled else texts


def with_rate(runs, tokens):
    spent = sorted(runs, key=lambda run: run["cpu_seconds"])[len(runs) // 2]
    return {**spent, "tokens_per_second": tokens / spent["wall_seconds"],
            "tokens_per_cpu_second": tokens / spent["cpu_seconds"]}


def single_texts(vectorizer, texts):
    times = []
    for repeat in range(2):  # the first warms up
        for text in texts:
            start = time.perf_counter()
            vectorizer.predict([text], threads=1)
            if repeat == 1:
                times.append((time.perf_counter() - start) * 1e6)
    times.sort()
    return {"p50": times[len(times) // 2], "p99": times[int(len(times) * 0.99)]}


def main():
    from pecos.utils.featurization.text.vectorizers import Tfidf
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", required=True)
    parser.add_argument("--labelled", action="store_true", help="the text of a line begins behind its first tab")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--single-texts", type=int, default=2000)
    arguments = parser.parse_args()
    texts = read_lines(arguments.input, arguments.labelled)
    tokens = sum(len([word for word in text.split(" ") if word]) for text in texts)
    loaded = memory_bytes("VmRSS")
    reset_peak_memory()
    fits, transforms = [], []
    for _ in range(arguments.repeats):
        watch = Stopwatch()
        vectorizer = Tfidf.train(texts, config={**CONFIG, "threads": arguments.threads})
        fits.append(watch.spent())
        watch = Stopwatch()
        features = vectorizer.predict(texts, threads=arguments.threads)
        transforms.append(watch.spent())
    print(json.dumps({"texts": len(texts), "bytes": sum(len(text.encode()) for text in texts), "tokens": tokens,
                      "threads": arguments.threads, "features": features.shape[1], "nonzeros": int(features.nnz),
                      "fit": with_rate(fits, tokens), "transform": with_rate(transforms, tokens),
                      "single_us": single_texts(vectorizer, texts[:arguments.single_texts]), "loaded_bytes": loaded,
                      "peak_bytes": memory_bytes("VmHWM")}))


if __name__ == "__main__":
    main()
