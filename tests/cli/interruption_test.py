# SPDX-License-Identifier: Apache-2.0
"""Training that is stopped, politely or not, leaves the model that was there before, or none: never half of one."""
import os
import signal
import subprocess

from program import COPPICE, SIGNAL_LIMIT_SECONDS, ProgramTest, environment, jsonl, rows

CANCELLED = 130


class Interruption(ProgramTest):
    def start(self, *more):
        """A training long enough to be interrupted: rows with many labels, over and over."""
        items = rows(30_000)
        for i, item in enumerate(items):
            item["labels"].append(f"label{i % 3000}")
            item["text"] += f" word{i % 3000} word{i % 997}"
        self.write("big.jsonl", jsonl(items))
        return self.go(*more)

    def go(self, *more):
        return subprocess.Popen([COPPICE, "train", self.path("big.jsonl"), "-o", self.path("model.coppice"),
                                 "--threads", "2", *more], cwd=self.folder, env=environment(),
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def finish(self, *more):
        """Trains to the end; the exit code."""
        process = self.go(*more)
        process.communicate(timeout=SIGNAL_LIMIT_SECONDS)
        return process.returncode

    def send(self, process, which, after_seconds):
        """Sends the signal unless training is over by then; whether it was sent in time."""
        try:
            process.wait(after_seconds)
            process.communicate()
            return False
        except subprocess.TimeoutExpired:
            process.send_signal(which)
            _, self.said = process.communicate(timeout=SIGNAL_LIMIT_SECONDS)
            return True

    def leftovers(self):
        allowed = {"big.jsonl", "model.coppice", "model.coppice.checkpoint"}
        return [name for name in self.names_in_folder() if name not in allowed]

    def test_ctrl_c_stops_with_130_and_keeps_the_old_model(self):
        self.write("model.coppice", "the model of yesterday")
        process = self.start()
        if not self.send(process, signal.SIGINT, 0.5):
            self.skipTest("training was faster than the interruption")
        self.assertEqual(process.returncode, CANCELLED, self.said)
        self.assertEqual((self.folder / "model.coppice").read_text(), "the model of yesterday")
        self.assertEqual(self.leftovers(), [])

    def test_sigterm_stops_the_same_way(self):
        process = self.start()
        if not self.send(process, signal.SIGTERM, 0.4):
            self.skipTest("training was faster than the interruption")
        self.assertEqual(process.returncode, CANCELLED, self.said)
        self.assertFalse(os.path.exists(self.path("model.coppice")))

    def test_killed_at_any_moment_the_model_is_whole_or_absent(self):
        process = self.start()
        for delay in (0.05, 0.2, 0.5, 0.9):
            if not self.send(process, signal.SIGKILL, delay):
                break
            if os.path.exists(self.path("model.coppice")):
                self.expect(0, "inspect", self.path("model.coppice"), "--verify")
            process = self.go()
        process.kill()
        process.communicate()

    def test_a_stopped_training_resumes_to_the_same_bytes(self):
        process = self.start()
        self.send(process, signal.SIGINT, 1.0)
        self.assertEqual(self.finish("--resume"), 0)
        resumed = (self.folder / "model.coppice").read_bytes()
        self.assertEqual(self.leftovers(), [])
        os.remove(self.path("model.coppice"))
        self.assertEqual(self.finish(), 0)
        self.assertTrue(resumed == (self.folder / "model.coppice").read_bytes())
