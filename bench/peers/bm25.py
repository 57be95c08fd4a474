#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rank_bm25 on passages of JSON lines, and texts stemmed for others.

bm25.py rank PASSAGES QUESTIONS TOP_K space|words|stems   prints one JSON object: ids for each question, microseconds
bm25.py stem PASSAGES QUESTIONS PASSAGES_OUT QUESTIONS_OUT   writes the same with stems in place of words

space: what white space parts, in lower case; words: runs of letters and numbers; stems: what Snowball's English stemmer
makes of these."""
import json
import re
import sys
import time

import rank_bm25
import snowballstemmer

STEMMER = snowballstemmer.stemmer("english")


def words(text):
    return re.findall(r"\w+", text.lower())


def stems(text):
    return STEMMER.stemWords(words(text))


TOKENS = {"space": lambda text: text.lower().split(), "words": words, "stems": stems}


def read(passages_path, questions_path):
    with open(passages_path, encoding="utf-8") as lines:
        passages = [json.loads(line) for line in lines]
    with open(questions_path, encoding="utf-8") as lines:
        return passages, [line.rstrip("\n") for line in lines]


def rank(passages_path, questions_path, top_k, kind):
    tokens = TOKENS[kind]
    passages, questions = read(passages_path, questions_path)
    index = rank_bm25.BM25Okapi([tokens(passage["text"]) for passage in passages])
    found, microseconds = [], []
    for question in questions:
        start = time.perf_counter()
        scores = index.get_scores(tokens(question))
        best = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:int(top_k)]
        microseconds.append(1e6 * (time.perf_counter() - start))
        found.append([passages[i]["id"] for i in best if scores[i] > 0])
    print(json.dumps({"found": found, "us": microseconds}))


def stem(passages_path, questions_path, passages_out, questions_out):
    passages, questions = read(passages_path, questions_path)
    with open(passages_out, "w", encoding="utf-8") as file:
        for passage in passages:
            file.write(json.dumps({**passage, "text": " ".join(stems(passage["text"]))}) + "\n")
    with open(questions_out, "w", encoding="utf-8") as file:
        file.writelines(" ".join(stems(question)) + "\n" for question in questions)


if __name__ == "__main__":
    {"rank": rank, "stem": stem}[sys.argv[1]](*sys.argv[2:])
