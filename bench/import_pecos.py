#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model that PECOS trained and saved, imported: the same scores for the same texts?

bench/import_pecos.py --data FOLDER --peer-python PYTHON [SET ...]

Sets as in from_text.py. PECOS learns a tf-idf vectorizer and an XR-Linear model from trn.txt, saves both and ranks
tst.txt; `coppice import-pecos` reads both folders, `coppice predict` ranks the same file. Writes results/import.json
and results/import.md. Goal: scores within 1e-5. Runs under a Python that has NumPy and SciPy (the peer's will do).
"""
import argparse
import os
import tempfile

import numpy as np
import scipy.sparse as sparse

import measure
from report import table

PEER = os.path.join(measure.ROOT, "bench", "peers", "pecos_from_text.py")
GOAL = 1e-5
BEAM = 200  # so wide that ties of inner nodes (hinge scores saturate at 1) do not choose the answers


def differences(ours, theirs):
    """Scores of the answers that both give, and how many answers only one of them gives."""
    a, b = (np.ones_like(m.data) for m in (ours, theirs))
    both = sparse.csr_matrix((a, ours.indices, ours.indptr), ours.shape).multiply(
        sparse.csr_matrix((b, theirs.indices, theirs.indptr), theirs.shape))
    gap = abs(ours.multiply(both) - theirs.multiply(both))
    # An answer of one side only must be a tie at the end of the list: no better than the other's last one.
    last = np.array([row.data.min() if row.nnz else 0 for row in theirs])
    alone = (ours - ours.multiply(both)).tocoo()
    ties = float(np.abs(alone.data - last[alone.row])[alone.data != 0].max(initial=0))
    return {"rows": ours.shape[0], "answers": int(theirs.nnz), "shared": int(both.nnz),
            "largest_gap": float(gap.max()) if gap.nnz else 0.0, "largest_gap_of_other_answers": ties}


def one_set(data, arguments):
    with tempfile.TemporaryDirectory(prefix="coppice_bench_", dir=arguments.scratch) as place:
        training = measure.run_json([arguments.peer_python, PEER, "--data", data, "--mode=raw", "--out", place, "--keep",
                                     "--beam", str(BEAM), "--threads", str(arguments.threads)])
        program, model = measure.program(arguments.build, "coppice"), f"{place}/model.coppice"
        _, importing = measure.run([program, "import-pecos", f"{place}/model", "-o", model, "--quiet",
                                    f"--vectorizer={place}/vectorizer", f"--label-names={data}/labels.txt"])
        measure.run([program, "predict", model, f"{data}/tst.txt", f"--output={place}/ours.npz", "--quiet",
                     f"--threads={arguments.threads}", "--top-k=10", f"--beam={BEAM}"])
        ours, theirs = (sparse.load_npz(f"{place}/{name}.npz").tocsr() for name in ("ours", "predictions"))
        return {"labels": training["labels"], "importing": importing, **differences(ours, theirs)}


def text_of(result):
    head = ["set", "labels", "rows", "answers", "shared", "largest difference of a score", "of answers not shared",
            "import, s"]
    rows = [[name, f"{r['labels']:,}", f"{r['rows']:,}", f"{r['answers']:,}", f"{r['shared']:,}",
             f"{r['largest_gap']:.1e}" + ("" if r["largest_gap"] <= GOAL else " **missed**"),
             f"{r['largest_gap_of_other_answers']:.1e}", f"{r['importing']['wall_seconds']:.2f}"]
            for name, r in sorted(result["sets"].items())]
    m = result["machine"]
    return f"""# PECOS models, imported

Made by `bench/import_pecos.py`; do not edit. Ten answers a row of raw text, beam {BEAM}; goal: scores within {GOAL:.0e}. An answer that
only one side gives is a tie for the last place. {m['date']}, {m['cpu']}, Coppice {m['coppice']}.

{table(head, rows)}
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser)
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--data", help="folder of the sets (COPPICE_BENCH_DATA)")
    parser.add_argument("--scratch", help="folder for models")
    arguments = parser.parse_args()
    arguments.data = measure.folder(arguments.data, "COPPICE_BENCH_DATA", "data sets")
    result = {"kind": "import", "machine": measure.machine(), "sets": {}}
    for name in arguments.sets:
        result["sets"][name] = one_set(os.path.join(arguments.data, name), arguments)
        measure.say(f"{name}: {result['sets'][name]}")
    measure.save(result, os.path.join(arguments.out, "import.json"))
    with open(os.path.join(arguments.out, "import.md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
