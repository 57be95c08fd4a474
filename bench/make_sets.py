#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The matrices that the benches work on, from the sets as text.

bench/make_sets.py --data FOLDER --mats FOLDER [SET ...]

For each set FOLDER/SET/{trn,tst,labels}.txt: {X,Y}.{trn,tst}.npz in --mats, features by PECOS' tf-idf in the peer's
environment, and SET-split, the training rows cut nine to one. Also synthetic-small and synthetic-medium. What is
there already is left alone.
"""
import argparse
import os

import measure

PEER = os.path.join(measure.ROOT, "bench", "peers", "pecos_matrices.py")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="*", help="default: every folder of --data, and two synthetic ones")
    parser.add_argument("--data", help="folder of the sets as text (COPPICE_BENCH_DATA)")
    parser.add_argument("--mats", help="folder for the matrices (COPPICE_BENCH_MATS)")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "text sets")
    arguments.mats = measure.folder(arguments.mats, "COPPICE_BENCH_MATS", "matrices")
    synthetic = {"synthetic-small": "small", "synthetic-medium": "medium"}
    for name in arguments.sets or [*sorted(os.listdir(arguments.data)), *synthetic]:
        mats, data = os.path.join(arguments.mats, name), os.path.join(arguments.data, name)
        if name in synthetic:
            program = measure.program(arguments.build, "coppice_bench_generate")
            command = [program, f"--size={synthetic[name]}", f"--out={mats}"]
        elif os.path.exists(os.path.join(data, "trn.txt")):
            command = [arguments.peer_python, PEER, "--data", data, "--out", mats]
        else:
            continue
        if not os.path.exists(os.path.join(mats, "X.trn.npz")):
            measure.say(f"{name}: made in {measure.run(command)[1]['wall_seconds']:.0f} s")


if __name__ == "__main__":
    main()
