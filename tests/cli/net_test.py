# SPDX-License-Identifier: Apache-2.0
"""coppice train-net, evaluate-net, predict-net, as their users run them; and `coppice` where coppice-net is not there."""
import json
import math
import os
import random
import shutil
import signal
import struct
import subprocess
import time
import unittest
import wave
from pathlib import Path

from program import COPPICE, ProgramTest, environment, jsonl, rows

HAS_NET = Path(COPPICE).with_name("coppice-net").exists()
QUICK = ["--hidden", "16", "--embedding", "8", "--learning-rate", "1", "--quiet"]


class WithoutNetworks(ProgramTest):
    def test_the_other_program_is_named_where_it_is_not_there(self):
        alone = self.path("coppice")
        shutil.copy(COPPICE, alone)
        done = subprocess.run([alone, "train-net", "--help"], capture_output=True, text=True, env=environment(),
                              check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("coppice-net", done.stderr)
        self.assertIn("libtorch-dev", done.stderr)

    def test_the_commands_stand_in_the_help(self):
        self.assertIn("train-net", self.expect(0, "--help").stdout)


@unittest.skipUnless(HAS_NET, "coppice-net was not built: it needs LibTorch")
class Networks(ProgramTest):
    def recordings(self, count=5):
        """Two words, a high and a low tone, by three speakers."""
        draw = random.Random(3)
        folder = self.folder / "recordings"
        folder.mkdir()
        for word, hz in (("low", 300), ("high", 1500)):
            for speaker in ("anna", "ben", "carl"):
                for number in range(count):
                    pitch = hz * draw.uniform(0.9, 1.1)
                    # Silence first: a band is compared with itself in the same recording.
                    samples = [int(8000 * math.sin(2 * math.pi * pitch * i / 8000)) if i > 800 else draw.randint(-9, 9)
                               for i in range(2400)]
                    with wave.open(str(folder / f"{word}_{speaker}_{number}.wav"), "wb") as file:
                        file.setparams((1, 2, 8000, 0, "NONE", ""))
                        file.writeframes(struct.pack("<2400h", *samples))
        return str(folder)

    def train_texts(self, name="tags.coppice", *more):
        examples = self.write("train.jsonl", jsonl(rows()))
        done = self.expect(0, "train-net", "--data", examples, "-o", self.path(name), *QUICK, "--epochs", "30", *more)
        return self.path(name), done

    def test_texts_are_learned_and_answered(self):
        held_out = self.write("held_out.jsonl", jsonl(rows(60, seed=2)))
        model, done = self.train_texts("tags.coppice", "--validate", held_out)
        self.assertRegex(done.stdout, r"^error rate [0-9.]+ % \(\d+ of 60 rows\)\n$")
        self.assertLess(float(done.stdout.split()[2]), 10)
        answer = json.loads(self.expect(0, "predict-net", model, "-", "--top-k", "2", "--quiet",
                                        stdin='{"id": "q", "text": "smtp inbox folders"}\n').stdout)
        self.assertEqual(answer["id"], "q")
        self.assertEqual(answer["labels"][0], "mail")
        self.assertEqual(len(answer["scores"]), 2)
        figures = json.loads(self.expect(0, "evaluate-net", model, held_out, "--json", "--quiet").stdout)
        self.assertGreater(figures["all"]["P@1"] if "all" in figures else figures["P@1"], 90)

    def test_recordings_are_learned_and_answered(self):
        folder = self.recordings()
        for more in ([], ["--architecture", "lstm"]):
            done = self.expect(0, "train-net", "--task", "speech", "--data", folder, "--hold-out", "carl", "-o",
                               self.path("words.coppice"), "--hidden", "16", "--epochs", "20", "--learning-rate", "0.5",
                               "--minibatch", "5", "--quiet", *more)
            self.assertRegex(done.stdout, r"\([01] of 10 rows\)")
        answer = json.loads(self.expect(0, "predict-net", self.path("words.coppice"), f"{folder}/high_carl_1.wav",
                                        "--quiet").stdout)
        self.assertEqual((answer["id"], answer["labels"][0]), ("high_carl_1.wav", "high"))
        done = self.expect(0, "evaluate-net", self.path("words.coppice"), folder, "--speakers", "anna", "--quiet")
        self.assertIn("of 10 rows)", done.stdout)
        (self.folder / "new").mkdir()
        shutil.copy(f"{folder}/low_ben_0.wav", self.path("new/nobody.wav"))  # a name that says no label
        answer = json.loads(self.expect(0, "predict-net", self.path("words.coppice"), self.path("new"), "--quiet").stdout)
        self.assertEqual((answer["id"], answer["labels"][0]), ("nobody.wav", "low"))
        lines = self.write("list.jsonl", jsonl([{"audio": "recordings/low_ben_0.wav", "labels": ["low"]}]))
        done = self.expect(0, "evaluate-net", self.path("words.coppice"), lines, "--quiet")
        self.assertIn("error rate 0.00 % (0 of 1 rows)", done.stdout)
        one = f"{folder}/low_ben_0.wav"
        self.expect(3, "evaluate-net", self.path("words.coppice"), one, "--quiet", says="no row has a label")
        (self.folder / "of_carl").mkdir()
        shutil.copy(f"{folder}/low_carl_0.wav", self.path("of_carl"))
        done = self.expect(0, "evaluate-net", self.path("words.coppice"), self.path("of_carl"), "--speakers", "carl", "--quiet")
        self.assertIn("of 1 rows)", done.stdout)
        others = {"RANK": "1", "WORLD_SIZE": "2"}
        for command in ("predict-net", "evaluate-net"):
            self.expect(6, command, self.path("words.coppice"), folder, says="is for one worker", variables=others)

    def test_recordings_that_a_model_labelled_of_held_out_speakers_are_left_out(self):
        folder = self.recordings()
        annotated = self.write("annotated.jsonl", jsonl([{"audio": f"recordings/low_{speaker}_0.wav", "labels": ["low"]}
                                                         for speaker in ("ben", "carl", "carl")]))
        done = self.expect(0, "train-net", "--task", "speech", "--data", folder, "--hold-out", "carl", "--annotated",
                           annotated, "-o", self.path("words.coppice"), "--epochs", "1")
        self.assertIn("21 rows to train on, 1 of them annotated, 10 held out", done.stderr)

    def test_a_worker_that_is_killed_goes_on_alone_too(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        train = ["train-net", "--data", examples, *QUICK, "--block", "4"]
        script = ('if [ $COPPICE_JOB_START = 0 ]; then "$0" "$@" --epochs 2; kill -9 $$; fi; exec "$0" "$@" --epochs 4')
        self.expect(0, "dist", "launch", "-n", "1", "--restarts", "1", "--", "sh", "-c", script, COPPICE, *train,
                    "--checkpoint", self.path("kept"), "-o", self.path("model.coppice"))
        self.expect(0, *train, "--epochs", "4", "-o", self.path("whole.coppice"))
        self.assertEqual(Path(self.path("model.coppice")).read_bytes(), Path(self.path("whole.coppice")).read_bytes())

    def test_processes_and_threads_give_the_same_file(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        train = ["train-net", "--data", examples, *QUICK, "--epochs", "3", "--group-size", "2", "--block", "4"]
        self.expect(0, "dist", "launch", "-n", "4", "--", COPPICE, *train, "--address", "127.0.0.1", "-o",
                    self.path("processes.coppice"))
        self.expect(0, *train, "--workers", "4", "-o", self.path("threads.coppice"))
        self.assertEqual(Path(self.path("processes.coppice")).read_bytes(),
                         Path(self.path("threads.coppice")).read_bytes())

    def test_a_training_that_was_stopped_goes_on_with_the_same_bits(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        for name, start in (("threads", []), ("processes", ["dist", "launch", "-n", "2", "--", COPPICE])):
            workers = ["--address", "127.0.0.1"] if start else ["--workers", "2"]
            train = [*start, "train-net", "--data", examples, *QUICK, *workers, "--block", "4", "--checkpoint",
                     self.path(name), "--checkpoint-blocks", "2", "--momentum", "0.5"]
            # Minibatches are those of whole blocks here: 2 workers, 4 each.
            self.expect(0, *train, "--epochs", "4", "-o", self.path("whole.coppice"))
            shutil.rmtree(self.path(name))
            self.expect(0, *train, "--epochs", "2", "-o", self.path("half.coppice"))
            done = self.expect(0, *train, "--epochs", "4", "--resume", "-o", self.path("resumed.coppice"))
            self.assertEqual(Path(self.path("resumed.coppice")).read_bytes(),
                             Path(self.path("whole.coppice")).read_bytes(), done.stderr)
            self.expect(7 if start else 2, *train, "--epochs", "4", "--resume", "--minibatch", "8", "-o",
                        self.path("other.coppice"), says="this training has 'minibatch 8'")
        self.expect(2, "train-net", "--data", examples, "--resume", "-o", self.path("model.coppice"),
                    says="--checkpoint FOLDER")

    def test_a_training_that_is_told_to_stop_leaves_a_checkpoint(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        train = ["train-net", "--data", examples, *QUICK, "--block", "4", "--checkpoint", self.path("state"),
                 "--checkpoint-blocks", "100000", "-o", self.path("model.coppice")]
        with subprocess.Popen([COPPICE, *train, "--epochs", "100000"], stderr=subprocess.PIPE, text=True,
                              env=environment()) as process:
            while not os.path.isdir(self.path("state")) and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            said = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 130, said)
        self.assertIn("stopped", said)
        names = os.listdir(self.path("state"))
        self.assertEqual(len(names), 1)
        self.expect(2, *train, "--epochs", "1", says="--resume goes on from them")
        step = int(names[0].split("-")[-1].split(".")[0])  # of 7.5 in an epoch
        self.expect(0, *train, "--epochs", str(step / 7.5 + 1), "--resume")
        self.expect(2, *train, "--epochs", str(step / 15), "--resume", says="beyond the end of this training")

    def train_and_lose(self, worker):
        """Of three workers one ends itself as soon as the folder of checkpoints has something in it."""
        self.write("train.jsonl", jsonl(rows()))
        options = " ".join(word for word in QUICK if word != "--quiet")
        script = (f'if [ "$RANK" = {worker} ]; then (until ls state | grep -q .; do sleep 0.01; done; kill -9 $$) & fi; '
                  f'exec "{COPPICE}" train-net --data train.jsonl {options} --epochs 200 --block 4 '
                  f'--checkpoint state --checkpoint-blocks 2 --address 127.0.0.1 -o model.coppice --json')
        os.mkdir(self.path("state"))
        done = self.expect(0, "dist", "launch", "-n", "3", "--min-workers", "2", "--", "sh", "-c", script)
        report = json.loads(done.stdout)
        self.assertEqual(report["survival"]["lost"], 1, done.stderr)
        self.assertIn("1 lost, 0 joined, 2 workers", done.stderr)
        self.assertIn("model.coppice: ", done.stderr)
        return report

    def test_a_worker_that_is_killed_is_done_without(self):
        self.assertEqual(self.train_and_lose(worker=1)["worker"], 0)
        answer = self.expect(0, "predict-net", self.path("model.coppice"), "-", "--top-k", "1", "--quiet",
                             stdin='{"text": "smtp inbox folders"}\n').stdout
        self.assertEqual(json.loads(answer)["labels"], ["mail"])

    def test_when_the_first_worker_is_killed_another_one_speaks_and_writes(self):
        self.assertIn(self.train_and_lose(worker=0)["worker"], (1, 2))
        self.expect(0, "inspect", self.path("model.coppice"))

    def test_without_the_store_the_living_finish_their_training(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        os.mkdir(self.path("state"))
        workers = []
        with subprocess.Popen([COPPICE, "dist", "store", "--address", "127.0.0.1"], stdout=subprocess.PIPE, text=True,
                              env=environment()) as store:
            place = store.stdout.readline().strip().split("=", 1)
            for rank in range(2):
                variables = {**environment(), place[0]: place[1], "RANK": str(rank), "WORLD_SIZE": "2"}
                workers.append(subprocess.Popen(
                    [COPPICE, "train-net", "--data", examples, "--embedding", "8", "--hidden", "8", "--minibatch", "16",
                     "--epochs", "400", "--block", "4", "--checkpoint", self.path("state"), "--checkpoint-blocks", "2",
                     "--address", "127.0.0.1", "-o", self.path("model.coppice")],
                    stderr=subprocess.PIPE, text=True, env=variables))
            while not os.listdir(self.path("state")) and workers[0].poll() is None:
                time.sleep(0.01)
            store.kill()
        said = [worker.communicate(timeout=60)[1] for worker in workers]
        self.assertEqual([worker.returncode for worker in workers], [0, 0], said)
        self.assertIn("the store is gone: when a worker is lost from now on, the training ends", said[0])
        self.assertIn("but the training is done: the first worker concludes it", said[0])
        self.expect(0, "inspect", self.path("model.coppice"))

    def test_options_without_effect_are_said(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        train = ["train-net", "--data", examples, "-o", self.path("model.coppice"), "--epochs", "1"]
        for options, without in (
                (["--workers", "2", "--strategy", "sync", "--tau", "3"], "--tau"),
                (["--workers", "2", "--strategy", "gtc", "--tau", "3", "--density", "0.5"], "--density"),
                (["--workers", "2", "--strategy", "gtc", "--block-overlap", "2"], "--block-overlap"),
                (["--workers", "2", "--phi", "9"], "--phi"),
                (["--workers", "2", "--strategy", "bmuf", "--checkpoint-blocks", "3"], "--checkpoint-blocks"),
                (["--context", "3"], "--context"), (["--bands", "20"], "--bands"),
                (["--strategy", "gtc"], "--strategy")):
            self.assertIn(without + " has no effect: ", self.expect(0, *train, *options).stderr)
        used = ["--workers", "4", "--strategy", "gtc+bmuf", "--group-size", "2", "--density", "0.1", "--block-momentum", "0.1"]
        self.assertNotIn("no effect", self.expect(0, *train, *used).stderr)

    def test_strategies_are_compared(self):
        examples, held_out = self.write("train.jsonl", jsonl(rows())), self.write("held_out.jsonl", jsonl(rows(60, 2)))
        study = ["dist", "study", "--data", examples, "--validate", held_out, "--workers", "2,4", "--strategies",
                 "bmuf,gtc+bmuf", "--seeds", "2", "--learning-rates", "1", "--epochs", "2", "--block", "5", "--quiet"]
        done = self.expect(0, *study, "--svg", self.path("study.svg"))
        self.assertRegex(done.stdout, r"(?m)^ +4 gtc\+bmuf +4 ")
        self.assertIn("<svg", Path(self.path("study.svg")).read_text())
        report = json.loads(self.expect(0, *study, "--json").stdout)
        self.assertEqual([row["workers"] for row in report["table"]], [1, 2, 2, 4, 4])
        more = [*study[:-1], "--learning-rate", "3", "--tau", "0.1", "--density", "0.1"]
        said = self.expect(0, *more).stderr
        self.assertIn("--learning-rate has no effect: --learning-rates are tried", said)
        self.assertIn("--density has no effect: --tau says what is sent", said)
        self.expect(2, *study, "--compute-ms", "", says="compute_ms is empty")
        self.expect(2, *study[:6], "--workers", "2,1000", says="too few to compare 1000 workers")
        less = [word for word in study if word not in ("--validate", held_out, "--quiet")]
        self.assertIn("24 rows drawn at random, held out", self.expect(0, *less, "--minibatch", "16").stderr)
        overlapped = self.expect(0, *study, "--block-overlap", "2", "--json").stdout
        self.assertGreater(json.loads(overlapped)["table"][1]["modelled"]["speed_up"], 0)

    def test_workers_with_other_rows_are_refused_by_name(self):
        for rank in range(2):
            self.write(f"{rank}.jsonl", jsonl(rows(seed=rank)))
        script = f'exec "{COPPICE}" train-net --data $RANK.jsonl -o model.coppice --address 127.0.0.1 --quiet'
        done = self.expect(7, "dist", "launch", "-n", "2", "--", "sh", "-c", script)
        self.assertIn("worker 1 has", done.stderr)
        self.assertNotIn("model.coppice", self.names_in_folder())

    def test_bad_input_is_refused_with_what_is_wrong(self):
        text = self.write("train.jsonl", jsonl(rows()))
        unlabelled = self.write("unlabelled.jsonl", jsonl([{"text": "smtp inbox", "labels": []}]))
        model = ["-o", self.path("model.coppice")]
        for arguments, says, code in (
                (["--data", self.path("none.jsonl")], "none.jsonl", 4),
                ([], "--data", 2),
                (["--data", text, "--task", "speech"], "neither 'audio'", 3),
                (["--data", text, "--task", "features"], "the rows are texts", 2),
                (["--data", text, "--hold-out", "anna"], "--hold-out is for speech", 2),
                (["--data", text, "--strategy", "gtc", "--tau", "much"], "tau is 'much'", 2),
                (["--data", text, "--workers", "3", "--group-size", "2"], "do not fill groups", 2),
                (["--data", text, "--module", text], "no TorchScript module", 3),
                (["--data", text, "--validate", unlabelled], "no row that the network is to be measured on", 3),
                (["--data", text, "--learning-rate", "1e6", "--loss", "squared", "--skips-not-finite"],
                 "minibatches had gradients that are no finite numbers", 3),
                (["--data", text, "--learning-rate", "1e6", "--loss", "squared"], "no finite number", 3),
                (["--data", text, "--strategi", "gtc"], "did you mean '--strategy'", 2)):
            self.expect(code, "train-net", *arguments, *model, "--quiet", says=says)
        self.assertEqual(self.names_in_folder(), ["train.jsonl", "unlabelled.jsonl"])

    def test_recordings_that_cannot_be_used_are_named(self):
        folder = Path(self.recordings(1))
        train = ["train-net", "--task", "speech", "--data", str(folder), "-o", self.path("model.coppice"), "--quiet"]
        self.expect(2, *train, "--hold-out", "dora", says="'dora'")
        (folder / "bad_anna_9.wav").write_text("no sound at all")
        self.expect(3, *train, says=["bad_anna_9.wav", "no recording"])
        (folder / "bad_anna_9.wav").rename(folder / "nine.wav")
        self.expect(3, *train, says=["nine.wav", "no label"])

    def test_the_two_kinds_of_models_are_told_apart(self):
        network, _ = self.train_texts()
        self.expect(6, "predict", network, "-", stdin='{"text": "mail"}\n', says="predict-net")
        shown = self.expect(0, "inspect", network, "--verify").stdout
        for line in ("task +text", "layers.hidden +\\[16\\]", "network_parameters ", "verified: every checksum holds"):
            self.assertRegex(shown, line)
        self.assertEqual(json.loads(self.expect(0, "inspect", network, "--json").stdout)["network"]["task"], "text")
        self.expect(6, "inspect", network, "--tree", "svg", says="no tree")
        linear = self.train()
        self.expect(6, "predict-net", linear, "-", stdin='{"text": "mail"}\n', says="no network")
        data = bytearray(Path(network).read_bytes())
        data[len(data) // 2] ^= 1
        damaged = self.write("damaged.coppice", bytes(data))
        self.expect(3, "inspect", damaged, "--verify", says="damaged.coppice")
        self.expect(3, "predict-net", damaged, "-", stdin='{"text": "mail"}\n', says="damaged.coppice")


if __name__ == "__main__":
    unittest.main()
