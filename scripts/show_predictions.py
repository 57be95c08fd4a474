#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Five predictions beside the truth: show_predictions.py PROGRAM MODEL HELD_OUT.jsonl

Takes five rows evenly from the file, predicts their labels from the text alone, and prints both for people to judge.
"""
import json
import subprocess
import sys

ROWS, TOP = 5, 5


def main(program, model, held_out):
    with open(held_out, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    step = max(1, len(rows) // ROWS)
    rows = rows[step // 2 :: step][:ROWS]
    queries = "".join(json.dumps({"text": row["text"]}) + "\n" for row in rows)
    answer = subprocess.run([program, "predict", model, "-", "--quiet", "--top-k", str(TOP)], input=queries, text=True,
                            stdout=subprocess.PIPE, check=True).stdout
    for row, line in zip(rows, answer.splitlines(), strict=True):
        predicted = json.loads(line)
        print(f"\n  {row['text'][:100]}")
        print("    truth:     " + ", ".join(row["labels"][:10]) + (", ..." if len(row["labels"]) > 10 else ""))
        names = zip(predicted["labels"], predicted["scores"])
        print("    predicted: " + ", ".join(f"{name}{'*' if name in row['labels'] else ''} {score:.2f}"
                                            for name, score in names))


if __name__ == "__main__":
    main(*sys.argv[1:4])
