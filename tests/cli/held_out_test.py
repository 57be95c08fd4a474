# SPDX-License-Identifier: Apache-2.0
"""What train --validate measures is in the model; dense features given in training are asked for afterwards."""
import json
import os

from program import ProgramTest, jsonl, npy, rows


class HeldOut(ProgramTest):
    def train_with(self, *flags, code=0):
        examples = self.write("train.jsonl", jsonl(rows()))
        return self.expect(code, "train", examples, "-o", self.path("model"), *flags)

    def test_validation_is_in_the_model_and_inspect_shows_it(self):
        held_out = self.write("held_out.jsonl", jsonl(rows(60, seed=2)))
        self.train_with("--validate", held_out)
        metrics = json.loads(self.expect(0, "inspect", self.path("model"), "--json").stdout)["metrics"]
        judged = json.loads(self.expect(0, "evaluate", self.path("model"), held_out, "--json").stdout)
        self.assertEqual(metrics["rows"], 60)
        for name in ("P@1", "P@3", "P@5", "nDCG@1", "nDCG@3", "nDCG@5", "PSP@1", "PSP@3", "PSP@5"):
            self.assertAlmostEqual(metrics[name], judged[name], places=3, msg=name)
        self.assertIn("nDCG@3", self.expect(0, "inspect", self.path("model")).stdout)

    def test_without_validation_there_are_no_figures(self):
        self.train_with()
        self.assertEqual(json.loads(self.expect(0, "inspect", self.path("model"), "--json").stdout)["metrics"], {})

    def test_rows_to_validate_on_that_are_missing_are_told_before_training(self):
        told = self.train_with("--validate", self.path("missing.jsonl"), code=4)
        self.assertIn("missing.jsonl", told.stderr)
        self.assertFalse((self.folder / "model").exists())

    def test_rows_that_nothing_can_be_validated_on_are_told_before_training(self):
        one = npy([[1.0]])
        for name, content, flags, says in (
                ("bad.jsonl", jsonl(rows(3)) + '{"text": 5}\n', [], "bad.jsonl:4:"),
                ("bare.jsonl", '{"text": "mail"}\n', [], "no label in 1 row"),
                ("blank.jsonl", "\n", [], "no rows: 1 blank line"),
                ("rows.svm", "0 1:1\n", [], "rows.svm: the rows have features but no text"),
                ("X.npy", one, [], "features but no text")):
            told = self.train_with("--validate", self.write(name, content), *flags, code=3)
            self.assertIn(says, told.stderr)
            self.assertNotIn("training level", told.stderr)
            self.assertEqual(self.names_in_folder(), sorted(["train.jsonl", name]))
            os.remove(self.path(name))
        held_out = self.write("held_out.jsonl", jsonl(rows(3)))
        dense = self.write("dense.npy", npy([[1.0, 2.0] for _ in rows()]))
        for width, count, code, says in ((1, 3, 2, "trained with 2"), (2, 2, 3, "the file has 2 rows"),
                                         (2, 4, 3, "the file has 4 rows")):
            judged = self.write("judged.npy", npy([[1.0] * width for _ in range(count)]))
            told = self.train_with("--dense", dense, "--validate", held_out, "--validate-dense", judged, code=code)
            self.assertIn(says, told.stderr)
            self.assertNotIn("training level", told.stderr)

    def test_dense_features_of_one_side_only_are_refused_before_anything_is_read(self):
        train = ["train", self.write("bad.jsonl", "no row\n"), "-o", self.path("model")]
        held_out, dense = self.write("held_out.jsonl", jsonl(rows(3))), self.write("dense.npy", npy([[1.0]]))
        self.expect(2, *train, "--dense", dense, "--validate", held_out, says="--validate-dense is not")
        self.expect(2, *train, "--validate", held_out, "--validate-dense", dense, says="--dense is not")

    def test_dense_features_that_are_forgotten_are_an_error(self):
        dense = self.write("dense.npy", npy([[1.0, float(len(row["labels"]))] for row in rows()]))
        self.train_with("--dense", dense)
        self.assertEqual(json.loads(self.expect(0, "inspect", self.path("model"), "--json").stdout)["n_dense"], 2)
        query = self.write("query.jsonl", jsonl(rows(1)))
        one = self.write("one.npy", npy([[1.0, 2.0]]))
        for command in ("predict", "evaluate"):
            told = self.expect(2, command, self.path("model"), query)
            self.assertIn("the model was trained with 2", told.stderr)
            self.expect(0, command, self.path("model"), query, "--dense", one)
        self.expect(2, "explain", self.path("model"), "inbox spam smtp")
        self.assertIn("mail", self.expect(0, "explain", self.path("model"), "inbox spam smtp", "--dense", one).stdout)

    def test_dense_features_that_the_model_does_not_know_are_an_error(self):
        self.train_with()
        query = self.write("query.jsonl", jsonl(rows(1)))
        told = self.expect(2, "predict", self.path("model"), query, "--dense", self.write("one.npy", npy([[1.0]])))
        self.assertIn("trained with none", told.stderr)
