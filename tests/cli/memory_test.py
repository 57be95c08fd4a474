# SPDX-License-Identifier: Apache-2.0
"""Memory of the program: inputs stream through it, and `train --plan` says beforehand what training will take."""
import json
import os
import random
import subprocess
import unittest

from program import COPPICE, ProgramTest, environment, jsonl, rows

MB = 1 << 20
# The sanitizers' own memory hides the program's.
SANITIZED = b"__asan_init" in open(COPPICE, "rb").read() or b"__tsan_init" in open(COPPICE, "rb").read()


@unittest.skipIf(SANITIZED, "memory is measured without sanitizers")
class MemoryTest(ProgramTest):
    def peak_bytes(self, *arguments):
        """Of a run that must succeed."""
        with open(self.path("said"), "wb") as said:
            process = subprocess.Popen([COPPICE, *arguments], stdout=subprocess.DEVNULL, stderr=said,
                                       env=environment(), cwd=self.folder)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0, (self.folder / "said").read_text()[-2000:])
        return usage.ru_maxrss * 1024

    def write_rows(self, name, count, words_per_row):
        """Rows of few different words; a row may be long."""
        few = rows(200)
        with open(self.path(name), "w", encoding="utf-8") as file:
            for n in range(count):
                row = few[n % len(few)]
                words = row["text"].split()
                text = " ".join(words * (words_per_row // len(words)))
                file.write(json.dumps({"text": text, "labels": row["labels"]}) + "\n")
        return self.path(name)

    def test_training_does_not_hold_the_text(self):
        short = self.write_rows("short.jsonl", 2000, 6)
        long = self.write_rows("long.jsonl", 2000, 6000)
        size = os.path.getsize(long)
        self.assertGreater(size, 50 * MB)
        more = (self.peak_bytes("train", long, "-o", self.path("long.coppice")) -
                self.peak_bytes("train", short, "-o", self.path("short.coppice")))
        self.assertLess(more, size / 2)

    def test_prediction_does_not_hold_its_queries(self):
        model = self.train()
        few = self.write_rows("few.jsonl", 4000, 60)
        many = self.write_rows("many.jsonl", 160_000, 60)
        size = os.path.getsize(many)
        self.assertGreater(size, 50 * MB)
        for command in ("predict", "evaluate"):
            more = self.peak_bytes(command, model, many) - self.peak_bytes(command, model, few)
            self.assertLess(more, size / 2, command)

    def test_threads_that_cannot_be_started_are_told(self):
        limited = 'ulimit -s 8192 && ulimit -v 1000000 && exec "$0" "$@"'  # 300 stacks of 8 MB are more than 1 GB
        model = self.train()
        done = subprocess.run(["sh", "-c", limited, COPPICE, "predict", model, "-", "--threads", "300"],
                              input=b'{"text": "mail"}\n', env=environment(), capture_output=True, check=False, timeout=60)
        said = done.stderr.decode()
        self.assertEqual(done.returncode, 5, said)
        self.assertRegex(said, "only [0-9]+ of 300 threads could be started: ")
        self.assertIn("--threads 1", said)

    def test_a_plan_is_not_below_what_training_takes(self):
        draw = random.Random(1)
        items = []
        for _ in range(20_000):
            labels = [int(2000 * draw.random() ** 2) for _ in range(2)]
            words = [f"w{(label * 7 + draw.randrange(12)) % 6000}" for label in labels for _ in range(15)]
            words += [f"z{int(20_000 * draw.random() ** 3)}" for _ in range(10)]
            items.append({"text": " ".join(words), "labels": [f"label{label}" for label in labels]})
        examples = self.write("train.jsonl", jsonl(items))
        planned = json.loads(self.expect(0, "train", examples, "--plan", "--json").stdout)
        came_to = json.loads(self.expect(0, "train", examples, "-o", self.path("model.coppice"), "--json").stdout)
        self.assertGreaterEqual(planned["peak_bytes"], came_to["peak_bytes"])
        # A quarter above at most, and what a plan leaves for the differences between runs, which is much of so little.
        self.assertLess(planned["peak_bytes"], 1.25 * came_to["peak_bytes"] + 16 * MB)
        size = os.path.getsize(self.path("model.coppice"))
        self.assertLess(abs(planned["model_bytes"] - size), 0.25 * size)


if __name__ == "__main__":
    unittest.main()
