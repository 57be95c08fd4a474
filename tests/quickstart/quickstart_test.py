# SPDX-License-Identifier: Apache-2.0
"""scripts/package_index.py and scripts/show_predictions.py, on a package index of our own."""
import json
import os
import subprocess
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

COPPICE = os.environ["COPPICE"]
SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"

KINDS = {"window": "libx11-6", "mail": "libssl3", "sound": "libasound2", "image": "libpng16-16"}


def index():
    """Some packages of each kind, and those that are special in one way."""
    stanzas = []
    for kind, library in KINDS.items():
        for number in range(40):
            stanzas.append(f"Package: {kind}-tool{number}\nVersion: 1\nDepends: libc6 (>= 2.36), {library} | other\n"
                           f"Description: {kind} tool number {number}\n About {kind}s.\n .\n And more.\n")
    stanzas.append("Package: window-tool0\nVersion: 0\nDepends: old\nDescription: an older version\n")
    stanzas.append("Package: lonely\nDepends: nobody-else-needs-this\nDescription: its one label is too rare\n")
    stanzas.append("Package: free\nDescription: depends on nothing\n")
    return "\n".join(stanzas)


def held_out(name):
    return zlib.crc32(name.encode()) % 10 == 0


class QuickstartTest(unittest.TestCase):
    def setUp(self):
        held = tempfile.TemporaryDirectory(prefix="coppice_quickstart_")
        self.addCleanup(held.cleanup)
        self.folder = Path(held.name)

    def read_index(self, text):
        """Runs package_index.py where apt-cache answers with this."""
        (self.folder / "available").write_text(text)
        program = self.folder / "apt-cache"
        program.write_text(f"#!/bin/sh\ncat '{self.folder / 'available'}'\n")
        program.chmod(0o755)
        environment = dict(os.environ, PATH=f"{self.folder}:{os.environ['PATH']}")
        return subprocess.run([sys.executable, SCRIPTS / "package_index.py", self.folder / "data"], env=environment,
                              capture_output=True, text=True)

    def rows(self, name):
        with open(self.folder / "data" / name, encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def test_the_index_becomes_examples(self):
        done = self.read_index(index())
        self.assertEqual(done.returncode, 0, done.stderr)
        learned, kept_back = self.rows("packages.jsonl"), self.rows("held_out.jsonl")
        self.assertTrue(learned and kept_back)
        names = [row["id"] for row in learned + kept_back]
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(set(names), {f"{kind}-tool{n}" for kind in KINDS for n in range(40)})
        self.assertTrue(all(held_out(row["id"]) for row in kept_back))
        self.assertFalse(any(held_out(row["id"]) for row in learned))
        row = next(row for row in learned + kept_back if row["id"] == "window-tool0")
        self.assertEqual(row["text"], "window-tool0: window tool number 0 About windows. And more.")
        self.assertEqual(row["labels"], ["libc6", "libx11-6"])

    def test_an_empty_index_is_told(self):
        done = self.read_index("")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the package index is empty", done.stderr)

    def test_predictions_stand_beside_the_truth(self):
        self.read_index(index())
        data, model = self.folder / "data", self.folder / "model.coppice"
        for arguments in (["train", data / "packages.jsonl", "-o", model],
                          ["evaluate", model, data / "held_out.jsonl"]):
            done = subprocess.run([COPPICE, *arguments], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        done = subprocess.run([sys.executable, SCRIPTS / "show_predictions.py", COPPICE, model,
                               data / "held_out.jsonl"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout.count("truth:"), 5)
        self.assertEqual(done.stdout.count("libc6*"), 5, done.stdout)


if __name__ == "__main__":
    unittest.main()
