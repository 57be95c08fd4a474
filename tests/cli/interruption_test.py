# SPDX-License-Identifier: Apache-2.0
"""Work that is stopped, politely or not, leaves the output that was there before, or none: never half of one."""
import os
import signal
import subprocess
import time

from program import COPPICE, SIGNAL_LIMIT_SECONDS, ProgramTest, environment, jsonl, rows

CANCELLED = 130
SOON_SECONDS = 30


class Interruption(ProgramTest):
    def start(self, *arguments, **more):
        process = subprocess.Popen([COPPICE, *arguments], cwd=self.folder, env=environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **more)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        if process.poll() is None:
            process.kill()
            process.communicate()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream:
                stream.close()

    def start_training(self, *more):
        """A training of several levels, long enough to be interrupted: rows with many labels, over and over."""
        items = rows(30_000)
        for i, item in enumerate(items):
            item["labels"].append(f"label{i % 3000}")
            item["text"] += f" word{i % 3000} word{i % 997}"
        self.write("big.jsonl", jsonl(items))
        return self.go(*more)

    def go(self, *more):
        return self.start("train", self.path("big.jsonl"), "-o", self.path("model.coppice"), "--threads", "2", *more)

    def finish(self, *more):
        """Trains to the end; what was said."""
        process = self.go(*more)
        _, said = process.communicate(timeout=SIGNAL_LIMIT_SECONDS)
        self.assertEqual(process.returncode, 0, said)
        return said

    def wait_until(self, process, what, holds):
        """Waits, without a guess at how long, until something holds; the process must live to see it."""
        limit = time.monotonic() + SIGNAL_LIMIT_SECONDS
        while not holds():
            self.assertIsNone(process.poll(), f"the program ended before {what}")
            self.assertLess(time.monotonic(), limit, what)
            time.sleep(0.002)

    def wait_for_handler(self, process):
        def caught():
            with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
                mask = next(int(line.split()[1], 16) for line in status if line.startswith("SigCgt:"))
            return mask >> (signal.SIGINT - 1) & 1 == 1
        self.wait_until(process, "it caught signals", caught)

    def wait_for_checkpoint(self, process):
        """The file itself: whether one can be made is tried before training, with a name of its own."""
        self.wait_until(process, "a level was finished", lambda: os.path.exists(self.path("model.coppice.checkpoint")))

    def expect_cancelled(self, process, which, limit_seconds=SIGNAL_LIMIT_SECONDS):
        process.send_signal(which)
        try:
            process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            self.fail("the signal was not heeded")
        self.assertEqual(process.returncode, CANCELLED, process.stderr.read())

    def leftovers(self, *allowed):
        return [name for name in self.names_in_folder() if name not in allowed]

    def test_ctrl_c_stops_training_with_130_and_keeps_the_old_model(self):
        self.write("model.coppice", "the model of yesterday")
        process = self.start_training()
        self.wait_for_handler(process)
        self.expect_cancelled(process, signal.SIGINT)
        self.assertEqual((self.folder / "model.coppice").read_text(), "the model of yesterday")
        self.assertEqual(self.leftovers("big.jsonl", "model.coppice", "model.coppice.checkpoint"), [])

    def test_sigterm_stops_the_same_way(self):
        process = self.start_training()
        self.wait_for_handler(process)
        self.expect_cancelled(process, signal.SIGTERM)
        self.assertFalse(os.path.exists(self.path("model.coppice")))

    def size_of(self, name):
        """The bytes of a file, 0 where there is none."""
        try:
            return os.stat(self.path(name)).st_size
        except FileNotFoundError:
            return 0

    def left_by_kill(self, old, holds):
        """What lies in the place of the model `old` (None: of none) after a training that was killed, without mercy,
        as soon as something held, or came to its end."""
        model = self.folder / "model.coppice"
        model.unlink(missing_ok=True)
        if old is not None:
            model.write_bytes(old)
        process = self.go()
        limit = time.monotonic() + SIGNAL_LIMIT_SECONDS
        while process.poll() is None and not holds() and time.monotonic() < limit:
            pass  # no sleep: some moments are short
        process.kill()
        process.communicate()
        for name in self.leftovers("big.jsonl", "model.coppice"):
            os.remove(self.path(name))
        return model.read_bytes() if model.exists() else None

    def test_killed_at_any_moment_the_model_is_the_old_one_or_the_whole_new_one(self):
        items = rows(2000)
        for i, item in enumerate(items):  # many features: a model that takes some time to write
            item["text"] += "".join(f" word{i}x{j}" for j in range(60))
        self.write("big.jsonl", jsonl(items))
        begin = time.monotonic()
        self.finish()
        seconds = time.monotonic() - begin
        self.expect(0, "inspect", self.path("model.coppice"), "--audit")
        new = (self.folder / "model.coppice").read_bytes()
        for old in (None, b"the model of yesterday"):
            def being_written():
                names = os.listdir(self.folder)
                return any(self.size_of(name) for name in names if name.startswith("model.coppice.tmp."))

            def replaced():
                return self.size_of("model.coppice") != len(old or b"")

            for share in (0.1, 0.6):
                limit = time.monotonic() + share * seconds
                left = self.left_by_kill(old, lambda: time.monotonic() > limit)
                self.assertTrue(left in (old, new), f"killed after {share} of the time: {len(left or b'')} bytes")
            left = self.left_by_kill(old, being_written)
            self.assertTrue(left in (old, new), f"killed while it was written: {len(left or b'')} bytes")
            for _ in range(3):
                left = self.left_by_kill(old, replaced)
                self.assertTrue(left == new, f"killed when it was there: {len(left or b'')} bytes")

    def test_a_stopped_training_resumes_to_the_same_bytes(self):
        process = self.start_training()
        self.wait_for_checkpoint(process)
        self.expect_cancelled(process, signal.SIGINT)
        self.assertEqual(self.leftovers("big.jsonl", "model.coppice.checkpoint"), [])
        said = self.finish("--resume")
        self.assertNotIn(b"training level 1 of", said, "the finished level was trained again")
        resumed = (self.folder / "model.coppice").read_bytes()
        self.assertEqual(self.leftovers("big.jsonl", "model.coppice"), [])
        os.remove(self.path("model.coppice"))
        self.assertIn(b"training level 1 of", self.finish())
        self.assertTrue(resumed == (self.folder / "model.coppice").read_bytes())

    def test_a_checkpoint_that_is_empty_is_named_as_one_to_be_removed(self):
        self.write("model.coppice.checkpoint", "")
        examples = self.write("train.jsonl", jsonl(rows()))
        self.expect(3, "train", examples, "-o", self.path("model.coppice"), "--resume",
                    says=["model.coppice.checkpoint: the checkpoint is damaged", "remove it"])

    def test_what_cannot_be_a_checkpoint_is_told_before_training(self):
        examples, checkpoint = self.write("train.jsonl", jsonl(rows())), self.path("model.coppice.checkpoint")
        self.write("model.coppice.checkpoint", "letters to a friend")
        self.expect(2, "train", examples, "-o", self.path("model.coppice"), says=["this is no checkpoint", checkpoint])
        self.assertEqual((self.folder / "model.coppice.checkpoint").read_text(), "letters to a friend")
        os.remove(checkpoint)
        os.mkdir(checkpoint)
        said = self.expect(4, "train", examples, "-o", self.path("model.coppice"), says=[checkpoint]).stderr
        self.assertNotIn("training level", said)

    def test_a_validation_that_fails_after_training_leaves_the_model_and_says_so(self):
        held_out = self.write("held_out.jsonl", jsonl(rows(3)))
        process = self.start_training("--validate", held_out)
        self.wait_for_checkpoint(process)
        self.write("held_out.jsonl", '{"text": 5}\n')  # it was looked at before, and is no longer what it was
        _, said = process.communicate(timeout=SIGNAL_LIMIT_SECONDS)
        self.assertEqual(process.returncode, 3, said)
        for part in ("held_out.jsonl:1:", "could not be validated", "is written, without metrics, to "):
            self.assertIn(part, said.decode())
        self.assertIn(self.path("model.coppice"), said.decode())
        self.assertEqual(self.leftovers("big.jsonl", "held_out.jsonl", "model.coppice"), [])
        self.expect(0, "inspect", self.path("model.coppice"), "--audit")

    def test_training_that_waits_for_standard_input_stops_at_the_first_signal(self):
        process = self.start("train", "-", "-o", self.path("model.coppice"), stdin=subprocess.PIPE)
        process.stdin.write(jsonl(rows(3000)).encode())  # more than a pipe holds: some was read when this returns
        process.stdin.flush()
        self.expect_cancelled(process, signal.SIGINT, SOON_SECONDS)
        self.assertEqual(self.names_in_folder(), [])

    def test_prediction_and_evaluation_stop_at_the_first_signal(self):
        model = self.train()
        for which in (signal.SIGINT, signal.SIGTERM):
            process = self.start("predict", model, "-", "--format", "jsonl", "--output", self.path("out.jsonl"),
                                 stdin=subprocess.PIPE)
            process.stdin.write(b'{"text": "mail"}\n')
            process.stdin.flush()
            self.wait_for_handler(process)
            self.wait_until(process, "it wrote", lambda: "out.jsonl.tmp." in " ".join(self.names_in_folder()))
            self.expect_cancelled(process, which, SOON_SECONDS)
            process = self.start("evaluate", model, "-", stdin=subprocess.PIPE)
            self.wait_for_handler(process)
            self.expect_cancelled(process, which, SOON_SECONDS)
        self.assertEqual(self.leftovers("model.coppice", "train.jsonl"), [])

    def test_an_import_stops_at_the_first_signal(self):
        (self.folder / "pecos").mkdir()
        os.mkfifo(self.path("pecos/param.json"))  # nobody writes: the import waits for it
        process = self.start("import-pecos", self.path("pecos"), "-o", self.path("model.coppice"))
        self.wait_for_handler(process)
        self.expect_cancelled(process, signal.SIGINT, SOON_SECONDS)
        self.assertEqual(self.names_in_folder(), ["pecos"])
