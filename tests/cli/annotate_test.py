# SPDX-License-Identifier: Apache-2.0
"""coppice annotate, and training on what it wrote, as their users run them; networks where coppice-net was built."""
import json
import math
import random
import shutil
import struct
import subprocess
import unittest
import wave
from pathlib import Path

from program import COPPICE, ProgramTest, environment, jsonl, npy, rows

HAS_NET = Path(COPPICE).with_name("coppice-net").exists()
QUICK = ["--hidden", "16", "--embedding", "8", "--learning-rate", "1", "--epochs", "20", "--quiet"]


def without_labels(items):
    return [{"id": f"r{i}", "text": item["text"]} for i, item in enumerate(items)]


class Annotation(ProgramTest):
    def setUp(self):
        super().setUp()
        self.human = self.write("human.jsonl", jsonl(rows(120)))
        self.unlabelled = self.write("unlabelled.jsonl", jsonl(without_labels(rows(80, seed=5))))
        self.output = self.path("annotated.jsonl")

    def teacher(self, *more):
        self.expect(0, "train", self.human, "-o", self.path("teacher.coppice"), "--quiet", *more)
        return self.path("teacher.coppice")

    def annotate(self, *more, model=None, code=0, **kept):
        return self.expect(code, "annotate", model or self.teacher(), self.unlabelled, "-o", self.output, *more, **kept)

    def lines(self):
        return [json.loads(line) for line in Path(self.output).read_text().splitlines()]

    def test_soft_labels_are_the_numbers_that_predict_gives(self):
        teacher = self.teacher()
        self.annotate("--top-k", "3", "--share", "1e-9", model=teacher)
        told = self.expect(0, "predict", teacher, self.unlabelled, "--top-k", "3").stdout.splitlines()
        made = self.lines()
        self.assertEqual(len(made), 80)
        for line, answer in zip(made, map(json.loads, told)):
            self.assertEqual(line["id"], answer["id"])
            best = {name: score for name, score in zip(answer["labels"], answer["scores"])
                    if score >= 1e-9 * answer["scores"][0]}
            self.assertEqual(line["labels"], best if set(best.values()) != {1} else list(best))

    def test_what_it_writes_is_trained_on_beside_human_labels(self):
        self.annotate("--labels", "hard", "--top-k", "2", "--floor", "0.3")
        done = self.expect(0, "train", self.human, "--annotated", self.output, "-o", self.path("student.coppice"))
        self.assertIn(f"{len(self.lines())} rows of them annotated", done.stderr)
        joined = self.write("joined.jsonl", Path(self.human).read_bytes() + Path(self.output).read_bytes())
        self.expect(0, "train", joined, "-o", self.path("joined.coppice"), "--quiet")
        self.assertEqual(Path(self.path("student.coppice")).read_bytes(), Path(self.path("joined.coppice")).read_bytes())

    def test_annotated_rows_weigh_what_is_asked_for(self):
        self.annotate("--labels", "hard", "--weight", "0.5", "--weigh-by-confidence", "--floor", "0.2")
        predicted = self.expect(0, "predict", self.path("teacher.coppice"), self.unlabelled, "--top-k", "1").stdout
        scores = [json.loads(line)["scores"][0] for line in predicted.splitlines()]
        weights = [line.get("weight", 1) for line in self.lines()]
        for weight, score in zip(weights, [score for score in scores if score >= 0.2], strict=True):
            self.assertAlmostEqual(weight, 0.5 * score, places=6)
        models = []
        for weight in ("1", "0.125"):
            models.append(self.path(f"student{weight}.coppice"))
            self.expect(0, "train", self.human, "--annotated", self.output, "--annotated-weight", weight, "-o", models[-1],
                        "--quiet")
        self.assertNotEqual(*(Path(model).read_bytes() for model in models))

    def test_human_rows_may_have_another_format(self):
        tsv = self.write("human.tsv", "".join(f"{item['labels'][0]}\t{item['text']}\n" for item in rows(120)))
        self.annotate("--labels", "hard")
        done = self.expect(0, "train", tsv, "--annotated", self.output, "-o", self.path("student.coppice"))
        self.assertIn("200 rows", done.stderr)

    def test_labels_of_the_rows_are_not_looked_at_and_that_is_said(self):
        teacher = self.teacher()
        self.annotate("--quiet", model=teacher)
        plain = Path(self.output).read_bytes()
        self.write("unlabelled.jsonl", jsonl([{**item, "labels": ["no such label"]}
                                              for item in without_labels(rows(80, seed=5))]))
        done = self.annotate(model=teacher)
        self.assertIn("80 labels of the rows not looked at", done.stderr)
        self.assertEqual(Path(self.output).read_bytes(), plain)

    def test_threads_and_runs_give_the_same_bytes(self):
        teacher = self.teacher()
        made = []
        for threads in ("1", "2", "7"):
            self.annotate("--threads", threads, "--quiet", model=teacher)
            made.append(Path(self.output).read_bytes())
        self.assertEqual(made[0], made[1])
        self.assertEqual(made[0], made[2])

    def test_a_floor_leaves_rows_out_and_one_that_leaves_none_is_an_error(self):
        teacher = self.teacher()
        told = self.expect(0, "predict", teacher, self.unlabelled, "--top-k", "1").stdout.splitlines()
        scores = sorted(json.loads(line)["scores"][0] for line in told)
        floor = (scores[19] + scores[20]) / 2
        done = self.annotate("--floor", str(floor), model=teacher)
        self.assertEqual(len(self.lines()), 60)
        self.assertIn("80 rows: 60 labelled", done.stderr)
        self.assertIn("20 left out", done.stderr)
        before = Path(self.output).read_bytes()
        self.annotate("--floor", "2", model=teacher, code=3, says=["no row is labelled", "--floor"])
        self.assertEqual(Path(self.output).read_bytes(), before)

    def test_fields_are_called_as_the_rows_call_them(self):
        names = ["--text-field", "body", "--labels-field", "tags", "--id-field", "key"]
        self.write("unlabelled.jsonl", jsonl([{"key": item["id"], "body": item["text"]}
                                              for item in without_labels(rows(10, seed=5))]))
        self.annotate(*names)
        self.assertEqual(set(self.lines()[0]), {"key", "body", "tags"})
        self.expect(0, "train", self.output, "-o", self.path("student.coppice"), "--quiet", *names)

    def test_a_compressed_teacher_and_one_that_takes_features_will_do(self):
        self.expect(0, "compress", self.teacher(), "-o", self.path("small.coppice"), "--quiet")
        self.annotate(model=self.path("small.coppice"))
        items = [{"features": {str(i % 6): 1, "6": 0.5}, "labels": [f"l{i % 6}"]} for i in range(60)]
        examples = self.write("features.jsonl", jsonl(items))
        self.expect(0, "train", examples, "-o", self.path("features.coppice"), "--quiet")
        self.expect(0, "annotate", self.path("features.coppice"), examples, "-o", self.output, "--labels", "hard")
        self.assertEqual(self.lines(), items)

    def test_labels_that_are_numbers_can_be_hard_only(self):
        words = {item["labels"][0]: i for i, item in enumerate(rows(120))}
        numbered = self.write("numbered.jsonl", jsonl([{**item, "labels": [words[item["labels"][0]]]} for item in rows(120)
                                                       if item["labels"][0] in words]))
        self.expect(0, "train", numbered, "-o", self.path("numbers.coppice"), "--quiet")
        self.annotate(model=self.path("numbers.coppice"), code=2, says=["by number alone", "--labels hard"])
        self.annotate("--labels", "hard", model=self.path("numbers.coppice"))
        self.assertIsInstance(self.lines()[0]["labels"][0], int)
        self.expect(0, "train", numbered, "--annotated", self.output, "-o", self.path("student.coppice"), "--quiet")
        self.expect(3, "train", self.human, "--annotated", self.output, "-o", self.path("student.coppice"), "--quiet",
                    says="annotated.jsonl:1")

    def test_bad_input_is_refused_with_what_is_wrong(self):
        teacher = self.teacher()
        for arguments, says, code in (
                ([teacher, self.unlabelled, "-o", self.unlabelled], "unlabelled.jsonl", 2),
                ([teacher, self.unlabelled, "-o", teacher], "teacher.coppice", 2),
                ([teacher, self.unlabelled, "-o", self.path("out.jsonl.gz")], "without .gz", 2),
                ([teacher, self.path("none.jsonl"), "-o", self.output], "none.jsonl", 4),
                ([self.path("none.coppice"), self.unlabelled, "-o", self.output], "none.coppice", 4),
                ([self.human, self.unlabelled, "-o", self.output], "human.jsonl", 3),
                ([teacher, self.unlabelled, "-o", self.output, "--post-processor", "noop"], "--labels as hard", 2),
                ([teacher, self.unlabelled, "-o", self.output, "--labels", "firm"], "soft", 2),
                ([teacher, self.unlabelled, "-o", self.output, "--weight", "0"], "weight", 2),
                ([teacher, self.write("empty.jsonl", ""), "-o", self.output], "empty", 3)):
            self.expect(code, "annotate", *arguments, says=says)
        self.assertNotIn("annotated.jsonl", self.names_in_folder())
        self.assertEqual(Path(self.unlabelled).read_text(), jsonl(without_labels(rows(80, seed=5))))

    def test_a_teacher_of_features_beside_the_rows_is_refused(self):
        self.write("dense.npy", npy([[i % 3, 1] for i in range(120)]))
        self.teacher("--dense", self.path("dense.npy"))
        self.annotate(model=self.path("teacher.coppice"), code=6, says="features of a file beside the rows")

    def test_an_annotated_file_that_is_cut_or_has_no_labels_is_refused_by_its_name(self):
        self.annotate()
        whole = Path(self.output).read_bytes()
        cut = self.write("cut.jsonl", whole[:-10])
        train = ["train", self.human, "-o", self.path("student.coppice"), "--quiet", "--annotated"]
        self.expect(3, *train, cut, says="cut.jsonl:80")
        self.expect(3, *train, self.unlabelled, says=["unlabelled.jsonl", "no label"])
        self.expect(4, *train, self.path("none.jsonl"), says="none.jsonl")
        self.expect(2, *train[:3], self.output, *train[4:], self.output, says="annotated.jsonl")
        self.assertNotIn("student.coppice", self.names_in_folder())

    def test_shares_that_training_does_not_look_at_are_noted(self):
        self.annotate("--share", "0.001")
        train = ["train", self.human, "--annotated", self.output, "-o", self.path("student.coppice")]
        self.assertIn("count alike", self.expect(0, *train).stderr)
        self.assertNotIn("count alike", self.expect(0, *train, "--relevance", "induce").stderr)


@unittest.skipUnless(HAS_NET, "coppice-net was not built: it needs LibTorch")
class AnnotationByNetworks(ProgramTest):
    def setUp(self):
        super().setUp()
        self.human = self.write("human.jsonl", jsonl(rows(120)))
        self.unlabelled = self.write("unlabelled.jsonl", jsonl(without_labels(rows(80, seed=5))))
        self.output = self.path("annotated.jsonl")

    def teacher(self):
        self.expect(0, "train-net", "--data", self.human, "-o", self.path("network.coppice"), *QUICK)
        return self.path("network.coppice")

    def test_a_network_teaches_and_is_taught(self):
        teacher = self.teacher()
        done = self.expect(0, "annotate", teacher, self.unlabelled, "-o", self.output, "--top-k", "2", "--share", "1e-9")
        self.assertIn("80 rows: 80 labelled", done.stderr)
        told = self.expect(0, "predict-net", teacher, self.unlabelled, "--top-k", "2", "--quiet").stdout.splitlines()
        for line, answer in zip(Path(self.output).read_text().splitlines(), told, strict=True):
            line, answer = json.loads(line), json.loads(answer)
            self.assertEqual(line["id"], answer["id"])
            self.assertEqual(line["labels"], dict(zip(answer["labels"], answer["scores"])))
        student = ["train-net", "--data", self.human, "--annotated", self.output, *QUICK]
        self.expect(0, *student, "-o", self.path("student.coppice"))
        joined = self.write("joined.jsonl", Path(self.human).read_bytes() + Path(self.output).read_bytes())
        self.expect(0, "train-net", "--data", joined, *QUICK, "-o", self.path("joined.coppice"))
        self.assertEqual(Path(self.path("student.coppice")).read_bytes(), Path(self.path("joined.coppice")).read_bytes())
        self.expect(0, *student, "--annotated-weight", "0.25", "-o", self.path("light.coppice"))
        self.assertNotEqual(Path(self.path("student.coppice")).read_bytes(), Path(self.path("light.coppice")).read_bytes())
        said = self.expect(0, *student[:-1], "-o", self.path("student.coppice")).stderr
        self.assertIn("200 rows to train on, 80 of them annotated", said)

    def test_a_ranker_teaches_a_network_and_a_network_a_ranker(self):
        self.expect(0, "train", self.human, "-o", self.path("ranker.coppice"), "--quiet")
        self.expect(0, "annotate", self.path("ranker.coppice"), self.unlabelled, "-o", self.output)
        self.expect(0, "train-net", "--data", self.human, "--annotated", self.output, *QUICK, "-o",
                    self.path("network.coppice"))
        self.expect(0, "annotate", self.path("network.coppice"), self.unlabelled, "-o", self.output, "--labels", "hard")
        self.expect(0, "train", self.human, "--annotated", self.output, "-o", self.path("student.coppice"), "--quiet")

    def test_bad_input_is_refused_here_too(self):
        teacher = self.teacher()
        network = ["annotate", teacher, self.unlabelled]
        self.expect(2, *network, "-o", self.unlabelled, says="unlabelled.jsonl")
        self.expect(3, *network, "-o", self.output, "--floor", "1.5", says=["no row is labelled", "--floor"])
        self.expect(2, *network, "-o", self.output, "--beam", "20", says="--beam")
        cut = self.write("cut.coppice", Path(teacher).read_bytes()[:-100])
        self.expect(3, "annotate", cut, self.unlabelled, "-o", self.output, says="cut.coppice")
        self.assertNotIn("annotated.jsonl", self.names_in_folder())
        cut = self.write("cut.jsonl", '{"text": "mail", "labels": {"mail": 0.')
        self.expect(3, "train-net", "--data", self.human, "--annotated", cut, *QUICK, "-o", self.path("s.coppice"),
                    says="cut.jsonl:1")
        self.expect(3, "train-net", "--data", self.human, "--annotated", self.unlabelled, *QUICK, "-o",
                    self.path("s.coppice"), says=["unlabelled.jsonl", "no label"])

    def test_the_other_program_is_named_where_it_is_not_there(self):
        (self.folder / "alone").mkdir()
        alone = self.path("alone/coppice")
        shutil.copy(COPPICE, alone)
        done = subprocess.run([alone, "annotate", self.teacher(), self.unlabelled], capture_output=True, text=True,
                              env=environment(), check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("coppice-net", done.stderr)

    def record(self, folder, name, hz):
        draw = random.Random(name)
        pitch = hz * draw.uniform(0.9, 1.1)
        samples = [int(8000 * math.sin(2 * math.pi * pitch * i / 8000)) if i > 800 else draw.randint(-9, 9)
                   for i in range(2400)]
        (self.folder / folder).mkdir(exist_ok=True)
        with wave.open(self.path(f"{folder}/{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(struct.pack("<2400h", *samples))

    def test_recordings_without_labels_are_labelled_where_they_lie(self):
        for i in range(6):
            self.record("human", f"low_anna_{i}", 300)
            self.record("human", f"high_anna_{i}", 1500)
            self.record("new", f"{i}low", 300)  # names that say no label
            self.record("new", f"{i}high", 1500)
        train = ["train-net", "--task", "speech", "--data", self.path("human"), "--hidden", "16", "--epochs", "20",
                 "--learning-rate", "0.5", "--minibatch", "4", "--quiet"]
        self.expect(0, *train, "-o", self.path("teacher.coppice"))
        (self.folder / "made").mkdir()
        made = self.path("made/annotated.jsonl")
        self.expect(0, "annotate", self.path("teacher.coppice"), self.path("new"), "-o", made, "--labels", "hard")
        lines = [json.loads(line) for line in Path(made).read_text().splitlines()]
        self.assertEqual(lines[0], {"audio": "../new/0high.wav", "labels": ["high"]})
        self.assertEqual([line["labels"] for line in lines], [["high"], ["low"]] * 6)
        self.expect(0, *train, "--annotated", made, "--annotated-weight", "0.5", "-o", self.path("student.coppice"))
        shown = self.expect(0, "annotate", self.path("student.coppice"), made, "-o", self.path("again.jsonl"))
        self.assertIn("12 labels of the rows not looked at", shown.stderr)
        (self.folder / "new" / "0low.wav").unlink()
        self.expect(4, *train, "--annotated", made, "-o", self.path("student.coppice"), says="0low.wav")


if __name__ == "__main__":
    unittest.main()
