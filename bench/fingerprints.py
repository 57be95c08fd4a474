#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a fingerprint's bits buy: unseen features taken for known ones, and P@1, 3, 5, on large label trees.

bench/fingerprints.py --data FOLDER [SET ...]

A set is a folder of FOLDER with trn.txt, tst.txt and labels.txt, as in from_text.py. A compressed model knows its
features without their names: one that was never seen is told by a fingerprint of 0, 4, 8 or 16 bits, or taken for
another. Our default model is trained once and compressed with each, everything else the same (8-bit weights, nothing
dropped). Rates are measured: the different n-grams of the test rows that the model as trained does not know are put to
each compressed one. Writes results/fingerprints.json and results/fingerprints.md.
"""
import argparse
import os
import tempfile

import measure
from compress import KS, Coppice, three
from report import table

BITS = (0, 4, 8, 16)


def measure_set(data, place, arguments):
    ours = Coppice(data, arguments)
    whole, test = f"{place}/whole.coppice", f"{data}/tst.txt"
    training = ours.train(f"{data}/trn.txt", whole)
    result = {"training": training, "whole": ours.judge(whole, test), "bits": {}}
    paths = {bits: f"{place}/{bits}.coppice" for bits in BITS}
    for bits, path in paths.items():
        ours.compress(whole, path, f"--fingerprint-bits={bits}")
        sections = measure.run_json([ours.program, "inspect", path, "--json"])["sections"]
        result["bits"][str(bits)] = {**ours.judge(path, test), "sections": sections}
    asked = measure.run_json([measure.program(arguments.build, "coppice_bench_false_accepts"), f"--whole={whole}",
                              f"--packed={','.join(paths.values())}", f"--rows={test}"])
    result["features"] = measure.run_json([ours.program, "inspect", whole, "--json"])["n_features"]
    for answers in asked["packed"]:
        result["bits"][str(answers["fingerprint_bits"])]["asked"] = answers
    return result


def percent(share, digits):
    return f"{100 * share:.{digits}f} %"


def lines_of(name, r):
    whole = r["whole"]
    yield [name, "as trained", f"{whole['bytes'] / 1e6:.2f}", "", "", "", "", "", "",
           three(whole["metrics"][k] for k in KS), ""]
    for bits, b in r["bits"].items():
        asked = b["asked"]
        yield [name, f"{bits} bits", f"{b['bytes'] / 1e6:.2f}", f"{asked['key_bytes'] / 1e6:.2f}",
               f"{8 * asked['key_bytes'] / asked['features']:.2f}", percent(asked["accepted"] / asked["unseen"], 4),
               percent(2 ** -int(bits), 4), percent(asked["rows_with_false"] / asked["rows"], 2),
               f"{asked['false_of_row']:.3f} / {asked['known_of_row']:.1f}", three(b["metrics"][k] for k in KS),
               three(whole["metrics"][k] - b["metrics"][k] for k in KS)]


def about(name, r):
    asked = next(iter(r["bits"].values()))["asked"]
    share = asked["rows_with_unseen"] / asked["rows"]
    return (f"- {name}: {asked['rows']:,} test rows, {percent(share, 1)} of them with an n-gram that was never seen, "
            f"{asked['unseen']:,} different ones in all; {asked['features']:,} features, of {r['features']:,}, have a "
            "weight and are kept.")


def text_of(result):
    m = result["machine"]
    header = ["set", "fingerprint", "file MB", "keys MB", "bits a key", "unseen n-grams accepted", "2^-bits",
              "rows with one or more", "in a row, accepted / known", "P@1/3/5", "loss"]
    rows = [line for name, r in result["sets"].items() for line in lines_of(name, r)]
    notes = "\n".join(about(name, r) for name, r in result["sets"].items())
    return f"""# Fingerprints of features

Made by `bench/fingerprints.py`; do not edit. {m['date']}, Coppice {m['coppice']}. One model a set, trained with our
defaults and compressed four times, with fingerprints of 0, 4, 8 and 16 bits and all else alike. Keys: the perfect hash
and the fingerprints. Accepted: n-grams of the test rows, each counted once, that are no features of the model as
trained but are taken for one; and how many of them a row has in the mean, beside the features that it rightly has.
Loss: points against the model as trained, so that of the 8-bit weights is in it.

{notes}

{table(header, rows)}"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="*", default=["cve-product", "cve-version"])
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--scratch", help="where models go while they are measured; default: the system's")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "the sets as text")
    result = {"kind": "fingerprints", "machine": measure.machine(), "sets": {}}
    for name in arguments.sets:
        with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
            result["sets"][name] = measure_set(os.path.join(arguments.data, name), place, arguments)
        measure.save(result, os.path.join(arguments.out, "fingerprints.json"))
        with open(os.path.join(arguments.out, "fingerprints.md"), "w", encoding="utf-8") as file:
            file.write(text_of(result))
        measure.say(f"{name}: done")


if __name__ == "__main__":
    main()
