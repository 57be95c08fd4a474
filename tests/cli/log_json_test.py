# SPDX-License-Identifier: Apache-2.0
"""--log-json: every line of standard error is one JSON object, whatever the program has to say."""
import json
import os

from program import ProgramTest, jsonl, rows

USAGE, DATA, IO, MEMORY = 2, 3, 4, 5


class LogJsonTest(ProgramTest):
    def said(self, code, *command, **more):
        """The objects on standard error."""
        stderr = self.expect(code, *command, **more).stderr
        objects = []
        for line in stderr.splitlines():
            try:
                objects.append(json.loads(line))
            except ValueError:
                self.fail(f"no JSON: {line}\nof\n{stderr}")
            self.assertIsInstance(objects[-1], dict, line)
        return objects

    def values(self, objects, key):
        return [one[key] for one in objects if key in one]

    def examples(self):
        """Rows, one of them bad."""
        return self.write("train.jsonl", jsonl(rows()) + "no row\n")

    def train(self, *flags, **more):
        return self.said(0, "train", self.examples(), "-o", self.path("model.coppice"), "--log-json",
                         "--skip-bad-lines", *flags, **more)

    def test_progress_notes_and_remarks_of_training(self):
        objects = self.train("--one-based", "--hash-signed", variables={"COPPICE_TOPK": "3"})
        notes = "\n".join(self.values(objects, "note"))
        for part in ("no option is set by the variable COPPICE_TOPK", "--one-based has no effect",
                     "--hash-signed has no effect", "1 bad line", "train.jsonl:241:1: "):
            self.assertIn(part, notes)
        messages = self.values(objects, "message")
        self.assertEqual(len(messages), 2, messages)
        self.assertIn("240 rows, ", messages[0])
        self.assertIn("model.coppice: ", messages[1])
        ended = [one for one in objects if "seconds" in one]
        self.assertTrue(ended)
        for one in ended:
            self.assertEqual(sorted(one), ["done", "seconds", "stage"])
        for one in objects:
            self.assertTrue({"stage", "note", "message"} & set(one), one)

    def test_notes_of_training_alone(self):
        tree = self.write("tree.json", json.dumps({"labels": ["mail", "audio", "image", "shell"]}))
        notes = self.values(self.train("--tree", tree), "note")
        self.assertIn(f"2 of 6 labels are not in {tree}: gathered in a branch of their own", notes)
        self.write("train.jsonl", jsonl(rows() + [{"text": "rare", "labels": ["rare"]}]))
        objects = self.said(0, "train", self.path("train.jsonl"), "-o", self.path("m"), "--min-label-count", "2",
                            "--log-json")
        self.assertIn("1 rare label left out", self.values(objects, "note"))

    def test_all_other_commands_that_know_it(self):
        self.train()
        model, bad = self.path("model.coppice"), self.examples()
        for command in (["predict", model, bad, "--label-names", bad], ["evaluate", model, bad, "--at", "9"]):
            objects = self.said(0, *command, "--log-json", "--skip-bad-lines", "--top-k", "2", "--one-based")
            notes = "\n".join(self.values(objects, "note"))
            self.assertEqual(len(objects), len(self.values(objects, "note")))
            for part in ("1 bad line", "--one-based has no effect"):
                self.assertIn(part, notes)
        errors = self.values(self.said(IO, "import-pecos", self.path("none"), "-o", self.path("m"), "--log-json"), "error")
        self.assertEqual(len(errors), 1, errors)
        self.assertEqual((errors[0]["what"], errors[0]["where"]), ("there is no such folder", self.path("none")))
        self.assertIn("XLinearModel.save", errors[0]["hint"])

    def test_errors_have_their_parts(self):
        errors = self.values(self.said(DATA, "train", self.examples(), "-o", self.path("m"), "--log-json"), "error")
        self.assertEqual(len(errors), 1, errors)
        self.assertEqual((errors[0]["code"], errors[0]["exit_code"]), ("data", DATA))
        self.assertEqual(errors[0]["where"], self.path("train.jsonl") + ":241:1")
        self.assertIn("expected", errors[0]["what"])
        error = self.said(DATA, "train", self.write("b.jsonl", '{"body": "a"}\n'), "-o", self.path("m"),
                          "--log-json", "--quiet")
        self.assertEqual(error[0]["error"]["hint"], "--text-field names the field that holds the text")

    def test_errors_of_the_command_line_and_of_variables(self):
        for command, what in ((["predict", "m", "--log-json", "--topk", "3"], "unknown flag '--topk'"),
                              (["predict", "--topk", "3", "m", "--log-json"], "unknown flag '--topk'"),
                              (["predict", "--log-json"], "model is required"),
                              (["predict", "m", "--log-json", "--beam", "x"], "expected"),
                              (["train", "t", "-o", "m", "--log-json", "--tokens", "x"], "expected")):
            errors = self.values(self.said(USAGE, *command), "error")
            self.assertEqual(len(errors), 1, errors)
            self.assertEqual(errors[0]["exit_code"], USAGE)
            self.assertIn(what, errors[0]["what"])
        command = ["predict", self.path("none"), self.examples()]
        for value in ("1", "true"):
            self.assertIn("error", self.said(IO, *command, variables={"COPPICE_LOG_JSON": value})[0])
        config = self.write("config.json", '{"log_json": true}')
        self.assertIn("error", self.said(IO, *command, "--config", config)[0])
        told = self.expect(IO, *command, "--no-log-json", variables={"COPPICE_LOG_JSON": "1"}).stderr
        self.assertTrue(told.startswith("coppice: "), told)

    def test_a_path_that_is_no_utf8_is_told_all_the_same(self):
        path = os.fsdecode(b"caf\xe9.jsonl")
        error = self.said(IO, "train", path, "-o", self.path("m"), "--log-json")[0]["error"]
        self.assertEqual(error["where"], "caf\ufffd.jsonl")

    def test_quiet_leaves_errors_alone(self):
        self.assertEqual(self.train("--quiet", "--one-based"), [])
