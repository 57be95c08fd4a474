# SPDX-License-Identifier: Apache-2.0
"""Outputs that cannot be written: exit code 4, the system's words, and nothing half-written."""
import os
import resource
import stat
import subprocess
from pathlib import Path

from program import COPPICE, ProgramTest, environment, jsonl, rows

IO = 4


def small_files():
    """No file may grow beyond 4 KiB: what a full disk is to the program. Without more ado a signal ends it there."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))


class Outputs(ProgramTest):
    def test_a_full_disk_under_the_model_leaves_nothing(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        self.expect(IO, "train", examples, "-o", self.path("model.coppice"), preexec_fn=small_files,
                    says=["model.coppice: ", "File too large"])
        self.assertEqual(self.names_in_folder(), ["train.jsonl"])

    def test_a_full_disk_under_a_checkpoint_leaves_nothing(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        deep = ("--branching", "2", "--max-leaf", "2", "--matcher-beam", "1")  # several levels, one by one
        self.expect(IO, "train", examples, "-o", self.path("model.coppice"), *deep, preexec_fn=small_files,
                    says=["model.coppice.checkpoint: ", "File too large"])
        self.assertEqual(self.names_in_folder(), ["train.jsonl"])

    def test_a_full_disk_under_predictions_leaves_nothing(self):
        model = self.train()
        queries = self.write("queries.jsonl", jsonl(rows()))
        before = self.names_in_folder()
        self.expect(IO, "predict", model, queries, "--output", self.path("out.jsonl"), preexec_fn=small_files,
                    says=["out.jsonl: ", "File too large"])
        self.assertEqual(self.names_in_folder(), before)

    def test_a_full_disk_under_standard_output_is_an_error(self):
        model = self.train()
        with open("/dev/full", "wb") as full:
            for command in (["predict", model, "-"], ["inspect", model]):
                done = subprocess.run([COPPICE, *command], input=b'{"text": "mail"}\n', stdout=full, env=environment(),
                                      stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, IO, done.stderr)
                self.assertIn(b"No space left", done.stderr)

    def test_a_reader_that_goes_away_ends_the_program_quietly(self):
        model = self.train()
        queries = self.write("queries.jsonl", jsonl(rows(20_000, seed=4)))
        process = subprocess.Popen([COPPICE, "predict", model, queries], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, env=environment())
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.stderr.close()
        process.wait()
        self.assertNotIn(b"terminate", said)
        self.assertIn(process.returncode, (0, IO, -13), said)

    def test_help_that_cannot_be_written_is_an_error(self):
        for words in (["--help"], ["--version"], ["train", "--help"]):
            with open("/dev/full", "wb") as full:
                self.expect(IO, *words, stdout=full, stderr=subprocess.PIPE, says="No space left on device")
            self.assertTrue(self.expect(0, *words).stdout.startswith(("Coppice", "coppice", "Train")))

    def test_a_model_goes_through_a_named_pipe_and_leaves_it_one(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        process = subprocess.Popen([COPPICE, "train", examples, "-o", pipe], env=environment(), stderr=subprocess.PIPE)
        with open(pipe, "rb") as reader:
            model = reader.read()
        self.assertEqual(process.wait(), 0, process.stderr.read())
        process.stderr.close()
        self.assertTrue(stat.S_ISFIFO(os.stat(pipe).st_mode))
        self.assertEqual(self.names_in_folder(), ["pipe", "train.jsonl"])
        self.assertTrue(model == Path(self.train()).read_bytes())

    def test_a_link_in_the_place_of_the_model_stays_a_link(self):
        (self.folder / "models").mkdir()
        os.symlink("models/today.coppice", self.path("current.coppice"))
        model = self.train("current.coppice")
        self.assertTrue(os.path.islink(model))
        self.expect(0, "inspect", self.path("models/today.coppice"), "--audit")

    def test_no_such_folder(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        self.expect(IO, "train", examples, "-o", self.path("nowhere/model.coppice"), says="No such file or directory")

    def test_no_permission(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        os.chmod(self.folder, 0o555)
        self.addCleanup(os.chmod, self.folder, 0o755)
        self.expect(IO, "train", examples, "-o", self.path("model.coppice"), says="Permission denied",
                    **self.as_nobody())

    def test_the_old_model_stays_until_the_new_one_is_whole(self):
        model = self.train()
        before = Path(model).read_bytes()
        self.expect(3, "train", self.write("bad.jsonl", "no json\n"), "-o", model, "--format", "jsonl")
        self.assertTrue(before == Path(model).read_bytes())
