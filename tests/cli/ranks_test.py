# SPDX-License-Identifier: Apache-2.0
"""One ranker trained, and rows predicted, by several workers: the same bytes as by one; whatever fails, all end."""
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from program import COPPICE, ProgramTest, environment, jsonl, rows

LOOPBACK = {"COPPICE_ADDRESS": "127.0.0.1"}


def many_labels(count=600):
    """Rows of 40 labels that can be learned, enough for a tree of two levels."""
    draw = random.Random(2)
    out = []
    for number in range(count):
        label = draw.randrange(40)
        words = [f"own{label}x{draw.randrange(3)}" for _ in range(3)] + [f"word{draw.randrange(60)}" for _ in range(5)]
        out.append({"id": str(number), "text": " ".join(words), "labels": [f"label {label}"]})
    return out


SMALL_TREE = ["--branching", "4", "--max-leaf", "5"]


class Ranks(ProgramTest):
    def launch(self, code, workers, *arguments, **more):
        """`coppice dist launch` with workers that run the program."""
        return self.expect(code, "dist", "launch", "-n", str(workers), "--", COPPICE, *arguments,
                           variables={**LOOPBACK, **more.pop("variables", {})}, **more)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def test_several_workers_train_the_model_that_one_trains(self):
        examples = self.write("train.jsonl", jsonl(many_labels()))
        kinds = {"default": [], "tree": SMALL_TREE, "tfn": [*SMALL_TREE, "--negatives", "tfn"],
                 "pruned": [*SMALL_TREE, "--max-weights", "20", "--relevance", "induce"], "flat": ["--flat"]}
        for kind, options in kinds.items():
            with self.subTest(kind):
                self.expect(0, "train", examples, "-o", self.path("one.coppice"), "--quiet", *options)
                done = self.launch(0, 3, "train", examples, "-o", self.path("three.coppice"), *options)
                self.assertEqual(self.read("one.coppice"), self.read("three.coppice"))
                self.assertEqual(done.stderr.count("600 rows"), 1, done.stderr)  # one worker speaks for all
        self.assertEqual(self.names_in_folder(), ["one.coppice", "three.coppice", "train.jsonl"])

    def test_the_others_need_neither_the_input_nor_a_disk(self):
        examples = self.write("train.jsonl", jsonl(many_labels()))
        self.expect(0, "train", examples, "-o", self.path("one.coppice"), *SMALL_TREE)
        # Worker 0 alone has a folder that holds the file; the others have an empty one that they may not write to.
        (self.folder / "empty").mkdir(mode=0o500)
        script = (f'[ $RANK = 0 ] || cd empty; exec "{COPPICE}" train train.jsonl -o four.coppice --json '
                  f'{" ".join(SMALL_TREE)}')
        done = self.expect(0, "dist", "launch", "-n", "4", "--", "sh", "-c", script, variables=LOOPBACK)
        self.assertEqual(self.read("one.coppice"), self.read("four.coppice"))
        self.assertEqual(list((self.folder / "empty").iterdir()), [])
        report = json.loads(done.stdout)
        self.assertEqual(len(report["workers"]), 4)
        self.assertGreaterEqual(report["imbalance"], 1)
        for worker in report["workers"]:
            self.assertGreater(worker["chunks"], 0, report)
            self.assertGreater(worker["peak_bytes"], 0, report)

    def test_several_workers_predict_and_judge_what_one_does(self):
        model = self.train("model.coppice", many_labels(), *SMALL_TREE)
        # More than one block of input: of 8 MB each.
        line = jsonl([{"text": "word1 " * 400, "labels": ["label 1"]}])
        test = self.write("test.jsonl", jsonl(many_labels(50)) + line * 8000 + jsonl(many_labels(30)))
        for name in ("predictions.jsonl", "scores.npz"):
            self.expect(0, "predict", model, test, "--output", self.path("one-" + name), "--top-k", "3")
            self.launch(0, 3, "predict", model, test, "--output", self.path("three-" + name), "--top-k", "3")
            self.assertEqual(self.read("one-" + name), self.read("three-" + name))
        one = self.expect(0, "evaluate", model, test, "--json")
        three = self.launch(0, 3, "evaluate", model, test, "--json")
        self.assertEqual(one.stdout, three.stdout)
        self.launch(7, 2, "predict", model, "-", says="standard input")

    def test_a_worker_with_other_options_is_named_at_the_start(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        model = self.train()
        for command, own, words in (
                (f'train {examples} -o out.coppice', "--max-leaf 7", "worker 1 has --max-leaf 7, worker 0 has --max-leaf"),
                (f'predict {model} {examples} --output out.jsonl', "--beam 3", "worker 1 has --beam 3")):
            script = f'[ $RANK = 1 ] && more="{own}"; exec "{COPPICE}" {command} $more'
            with self.subTest(command):
                self.expect(7, "dist", "launch", "-n", "3", "--", "sh", "-c", script, variables=LOOPBACK,
                            says=[words, "ended with 2, and so the others were ended"])
        self.assertEqual(self.names_in_folder(), ["model.coppice", "train.jsonl"])

    def test_another_model_on_a_worker_is_noticed(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        self.train("0.coppice")
        self.train("1.coppice", None, "--seed", "5", "--max-leaf", "2")
        script = f'exec "{COPPICE}" predict $RANK.coppice train.jsonl --output out.jsonl'
        self.expect(7, "dist", "launch", "-n", "2", "--", "sh", "-c", script, variables=LOOPBACK,
                    says="worker 1 has a model of ")

    def test_what_the_first_worker_cannot_do_ends_all_with_its_code(self):
        bad = self.write("bad.jsonl", jsonl(rows()) + "{no json\n")
        script = f'"{COPPICE}" train bad.jsonl -o out.coppice; code=$?; echo "worker $RANK: $code"; exit $code'
        done = self.expect(7, "dist", "launch", "-n", "3", "--", "sh", "-c", script, variables=LOOPBACK,
                           says=["bad.jsonl:241", "ended with 3, and so the others were ended"])
        self.assertIn("worker 0: 3", done.stdout)
        self.assertEqual(self.names_in_folder(), [bad.rsplit("/", 1)[1]])

    def test_a_worker_that_is_killed_ends_the_training(self):
        # The rows come through a pipe that is never closed, so that training cannot be over before.
        os.mkfifo(self.path("rows"))
        script = (f'if [ $RANK = 1 ]; then (sleep 1; kill -9 $$) & fi; '
                  f'exec "{COPPICE}" train rows --format jsonl -o out.coppice')
        begin = time.monotonic()
        pipe = os.open(self.path("rows"), os.O_RDWR)
        try:
            os.write(pipe, jsonl(many_labels(100)).encode())
            self.expect(7, "dist", "launch", "-n", "3", "--grace-seconds", "5", "--", "sh", "-c", script,
                        variables=LOOPBACK, says="worker 1 was ended by signal 9")
        finally:
            os.close(pipe)
        self.assertLess(time.monotonic() - begin, 60)
        self.assertNotIn("out.coppice", self.names_in_folder())

    def test_an_interrupted_training_is_resumed_by_another_number_of_workers(self):
        examples = self.write("train.jsonl", jsonl(many_labels(20000)))
        self.expect(0, "train", examples, "-o", self.path("one.coppice"), *SMALL_TREE)
        command = [COPPICE, "dist", "launch", "-n", "2", "--", COPPICE, "train", examples, "-o", self.path("out.coppice"),
                   *SMALL_TREE]
        process = subprocess.Popen(command, env={**environment(), **LOOPBACK}, stderr=subprocess.PIPE)
        checkpoint = self.folder / "out.coppice.checkpoint"
        while process.poll() is None and not checkpoint.exists():
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        if process.returncode != 0:  # it was quicker otherwise
            self.assertEqual(process.returncode, 130)
        self.launch(0, 3, "train", examples, "-o", self.path("out.coppice"), "--resume", *SMALL_TREE)
        self.assertEqual(self.read("one.coppice"), self.read("out.coppice"))

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_mpirun_trains_the_same_model(self):
        examples = self.write("train.jsonl", jsonl(many_labels()))
        self.expect(0, "train", examples, "-o", self.path("one.coppice"), *SMALL_TREE)
        store = subprocess.Popen([COPPICE, "dist", "store", "--address", "127.0.0.1"], stdout=subprocess.PIPE, text=True,
                                 env=environment())
        try:
            place = store.stdout.readline().strip().split("=", 1)
            done = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "4", "-x", "COPPICE_STORE",
                                   "-x", "COPPICE_ADDRESS", COPPICE, "train", examples, "-o", self.path("four.coppice"),
                                   *SMALL_TREE], capture_output=True, text=True, timeout=60, check=False,
                                  env={**os.environ, **LOOPBACK, place[0]: place[1]})
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.read("one.coppice"), self.read("four.coppice"))
        finally:
            store.kill()
            store.wait()
            store.stdout.close()


if __name__ == "__main__":
    unittest.main()
