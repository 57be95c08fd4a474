#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The model file is the same, byte for byte, for 1, 2 and 7 threads.

bench/same_bytes.py --mats FOLDER [SET ...]      Sets as in compare.py. Writes results/same_bytes.json.
"""
import argparse
import hashlib
import os
import sys
import tempfile

import measure

SETTINGS = {"tfn": {}, "man": {"negatives": "tfn+man"}}
THREADS = (1, 2, 7)


def digest(mats, threads, settings, arguments):
    with tempfile.TemporaryDirectory(prefix="coppice_bench_") as place:
        model = os.path.join(place, "model.coppice")
        measure.run([measure.program(arguments.build, "coppice_bench_xmr"), "--stage=train", f"--mats={mats}",
                     f"--model={model}", f"--threads={threads}", *measure.flags(settings)])
        with open(model, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--mats", help="folder of the matrices (COPPICE_BENCH_MATS)")
    arguments = parser.parse_args()
    arguments.mats = measure.folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
    result = {"kind": "same_bytes", "machine": measure.machine(), "sets": {}}
    for name in arguments.sets:
        for setting, flags in SETTINGS.items():
            digests = {str(n): digest(os.path.join(arguments.mats, name), n, flags, arguments) for n in THREADS}
            result["sets"].setdefault(name, {})[setting] = digests
            same = len(set(digests.values())) == 1
            measure.say(f"{name}, {setting}: {'the same bytes' if same else 'DIFFERENT bytes'} for {THREADS} threads")
            measure.save(result, os.path.join(arguments.out, "same_bytes.json"))
    if any(len(set(d.values())) > 1 for settings in result["sets"].values() for d in settings.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
