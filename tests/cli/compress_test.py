# SPDX-License-Identifier: Apache-2.0
"""coppice compress: nearly the same answers from a smaller file, and what it says on the way."""
import json
import os

from program import ProgramTest, jsonl, rows


class Compress(ProgramTest):
    def setUp(self):
        super().setUp()
        self.model = self.train()
        self.held_out = self.write("held_out.jsonl", jsonl(rows(60, seed=2)))
        self.small = self.path("small.coppice")

    def judged(self, model):
        return json.loads(self.expect(0, "evaluate", model, self.held_out, "--json").stdout)

    def test_the_smaller_model_answers_and_verifies(self):
        done = self.expect(0, "compress", self.model, "-o", self.small)
        self.assertIn("times smaller than", done.stderr)
        self.assertLess(os.path.getsize(self.small), os.path.getsize(self.model))
        self.assertGreater(self.judged(self.small)["P@1"], 95)
        self.assertIn("verified", self.expect(0, "inspect", self.small, "--audit").stdout)
        answer = self.expect(0, "predict", self.small, "-", "--top-k", "1", stdin='{"text": "inbox spam smtp"}\n')
        self.assertEqual(json.loads(answer.stdout)["labels"], ["mail"])
        again = self.path("again.coppice")
        self.expect(0, "compress", self.small, "-o", again, "--value-bits", "4", "--quiet")
        self.assertLessEqual(os.path.getsize(again), os.path.getsize(self.small))
        self.assertIn("verified", self.expect(0, "inspect", again, "--audit").stdout)

    def test_a_search_shows_what_it_tried_and_keeps_to_the_budget(self):
        curve = self.path("curve.svg")
        train = self.write("again.jsonl", jsonl(rows()))
        done = self.expect(0, "compress", self.model, "-o", self.small, "--validate", self.held_out, "--refit", train,
                           "--max-loss", "2", "--curve", curve)
        self.assertEqual(done.stdout.count("<- chosen"), 1)
        with open(curve, encoding="utf-8") as file:
            self.assertIn("<svg", file.read())
        self.assertGreaterEqual(self.judged(self.small)["P@1"], self.judged(self.model)["P@1"] - 2)
        report = json.loads(self.expect(0, "compress", self.model, "-o", self.small, "--validate", self.held_out,
                                        "--json").stdout)
        chosen = [candidate for candidate in report["candidates"] if candidate["chosen"]]
        self.assertEqual(len(chosen), 1)
        self.assertEqual(chosen[0]["file_bytes"], os.path.getsize(self.small))
        kept = json.loads(self.expect(0, "inspect", self.small, "--json").stdout)["metrics"]["compression"]
        self.assertEqual(kept["weights"], chosen[0]["weights"])

    def test_a_budget_that_allows_everything_ends_with_the_smallest_model(self):
        done = self.expect(0, "compress", self.model, "-o", self.small, "--validate", self.held_out, "--max-loss", "100",
                           "--json")
        report = json.loads(done.stdout)
        chosen = [candidate for candidate in report["candidates"] if candidate["chosen"]]
        self.assertEqual(chosen[0]["file_bytes"], os.path.getsize(self.small))
        self.assertLess(chosen[0]["weights"], report["whole"]["weights"] / 2)

    def test_so_many_weights_are_kept_as_asked_for(self):
        self.expect(0, "compress", self.model, "-o", self.small, "--keep-weights", "20")
        levels = json.loads(self.expect(0, "inspect", self.small, "--json").stdout)["levels"]
        kept = sum(level["n_weights"] for level in levels)
        self.assertLessEqual(kept, 20)
        self.assertGreater(kept, 10)

    def test_the_file_is_as_small_as_asked_for(self):
        self.expect(0, "compress", self.model, "-o", self.small)
        whole = os.path.getsize(self.small)
        self.expect(0, "compress", self.model, "-o", self.small, "--max-bytes", f"{(whole - 500) / 1000}k")
        self.assertLessEqual(os.path.getsize(self.small), whole - 500)
        self.assertIn("verified", self.expect(0, "inspect", self.small, "--audit").stdout)

    def test_words_are_kept_for_explain_where_asked_for(self):
        self.expect(0, "compress", self.model, "-o", self.small)
        self.assertIn("feature ", self.expect(0, "explain", self.small, "inbox spam smtp").stdout)
        worded = self.path("worded.coppice")
        self.expect(0, "compress", self.model, "-o", worded, "--keep-strings")
        self.assertIn("inbox", self.expect(0, "explain", worded, "inbox spam smtp").stdout)
        self.assertIn("verified", self.expect(0, "inspect", worded, "--audit").stdout)
        self.assertGreater(os.path.getsize(worded), os.path.getsize(self.small))
        self.expect(2, "compress", self.small, "-o", self.path("no.coppice"), "--keep-strings",
                    says="no words of its features")

    def test_each_way_of_packing_answers_and_verifies(self):
        for options in (["--scales", "model"], ["--scales", "rows", "--value-bits", "4"],
                        ["--scales", "groups", "--value-bits", "4"], ["--value-bits", "16"], ["--max-weights", "5"]):
            self.expect(0, "compress", self.model, "-o", self.small, *options)
            self.assertIn("verified", self.expect(0, "inspect", self.small, "--audit").stdout)
            self.assertGreater(self.judged(self.small)["P@1"], 90, options)

    def test_fewer_bits_of_fingerprints_make_a_smaller_file(self):
        sizes = []
        for bits in (0, 4, 8, 16):
            self.expect(0, "compress", self.model, "-o", self.small, "--fingerprint-bits", str(bits))
            sizes.append(os.path.getsize(self.small))
        self.assertEqual(sizes, sorted(sizes))
        self.assertLess(sizes[0], sizes[-1])

    def test_labels_keep_no_more_weights_than_asked_for(self):
        self.expect(0, "compress", self.model, "-o", self.small, "--max-weights", "3")
        level = json.loads(self.expect(0, "inspect", self.small, "--json").stdout)["levels"][-1]
        self.assertEqual(level["n_weights"], 3 * level["n_nodes"])

    def test_an_option_without_effect_on_this_model_is_noted(self):
        self.expect(0, "compress", self.model, "-o", self.small)
        for model, options, note in ((self.small, ["--fingerprint-bits", "4"], "compressed already"),
                                     (self.small, ["--perfect-hash", "levels"], "compressed already"),
                                     (self.model, ["--tagger-value-bits", "4"], "no slot tagger"),
                                     (self.model, ["--validate", self.held_out, "--max-loss", "5", "--value-bits", "4"],
                                      "--validate seeks them")):
            noted = self.expect(0, "compress", model, "-o", self.path("other.coppice"), *options).stderr
            self.assertIn(options[-2], noted)
            self.assertIn(note, noted)

    def test_the_curve_is_shown_where_the_model_goes_to_standard_output_too(self):
        self.expect(0, "compress", self.model, "-o", "-", "--validate", self.held_out, "--max-loss", "5",
                    says="<- chosen")

    def test_what_cannot_be_is_said(self):
        for arguments, code, words in (
                (["--fingerprint-bits", "5"], 2, "expected 0, 4, 8 or 16"),
                (["--value-bits", "9"], 2, "expected 2 to 8 or 16"),
                (["--value-bits", "17"], 2, "value_bits"),
                (["--max-bytes", "1k"], 8, "the file would have"),
                (["--max-bytes", "4M", "--keep-weights", "9"], 2, "expected one of them"),
                (["--validate", self.path("nowhere.jsonl")], 4, "nowhere.jsonl"),
                (["--validate", "-"], 2, "standard input"),
                (["--validate", self.held_out, "--try-value-bits", "2", "--max-loss", "0", "--max-disagreement", "0",
                  "--threshold", "9"], 3, "no smaller model keeps to the budget")):
            with self.subTest(arguments):
                refused = self.expect(code, "compress", self.model, "-o", self.small, *arguments)
                self.assertIn(words, refused.stderr)
                self.assertFalse(os.path.exists(self.small))
        self.assertIn("input", self.expect(2, "compress", self.model, "-o", self.model).stderr)
        noted = self.expect(0, "compress", self.model, "-o", self.small, "--max-loss", "1").stderr
        self.assertIn("--validate names no rows", noted)


if __name__ == "__main__":
    import unittest
    unittest.main()
