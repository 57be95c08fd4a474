#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The driver finds a planted bug, says which input it was, and runs the same inputs each time; PLANTED is the program."""
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

PLANTED = os.environ["PLANTED"]


class Driver(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = Path(self.scratch.name)
        self.crash = self.folder / "crash"

    def run_on(self, *seeds, runs=0, seed=1):
        corpus = self.folder / "corpus"
        corpus.mkdir(exist_ok=True)
        for number, bytes_ in enumerate(seeds):
            (corpus / str(number)).write_bytes(bytes_)
        return subprocess.run([PLANTED, f"-runs={runs}", f"-seed={seed}", "-seconds=20", f"-crash={self.crash}", corpus],
                              capture_output=True, text=True)

    def test_harmless_inputs_pass(self):
        done = self.run_on(b"77", b"7x77")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 inputs of the corpus, 0 mutations", done.stdout)
        self.assertFalse(self.crash.exists())

    def test_a_crash_on_a_seed_is_an_error_that_names_the_input(self):
        done = self.run_on(b"x", b"a777b")
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.crash), done.stderr)
        self.assertIn("5 bytes", done.stderr)
        self.assertEqual(self.crash.read_bytes(), b"a777b")

    def test_mutations_find_the_bug_and_the_file_shows_it_again(self):
        done = self.run_on(b"7 77 7", b"17", runs=100_000)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(b"777", self.crash.read_bytes())
        again = subprocess.run([PLANTED, "-runs=0", f"-crash={self.folder}/again", self.crash], capture_output=True)
        self.assertEqual(again.returncode, 1)

    def test_the_same_seed_gives_the_same_inputs(self):
        found = []
        for seed in (1, 1):
            self.assertEqual(self.run_on(b"7 77 7", b"17", runs=100_000, seed=seed).returncode, 1)
            found.append(self.crash.read_bytes())
        self.assertEqual(found[0], found[1])

    def test_an_unknown_argument_is_an_error(self):
        self.assertEqual(subprocess.run([PLANTED, "-nonsense=1"], capture_output=True).returncode, 2)


if __name__ == "__main__":
    unittest.main()
