# SPDX-License-Identifier: Apache-2.0
"""Options that contradict each other or would be ignored: said, not passed over. Limits, terminals, inputs at risk."""
import json
import os
import pty
import subprocess

from program import COPPICE, WORDS, ProgramTest, environment, jsonl, rows

USAGE, IO, MEMORY = 2, 4, 5


class OptionsTest(ProgramTest):
    def examples(self):
        return self.write("train.jsonl", jsonl(rows()))

    def train_with(self, code, *flags, says=()):
        return self.expect(code, "train", self.examples(), "-o", self.path("model.coppice"), *flags, says=says)

    def test_a_memory_limit_takes_sizes_as_people_write_them(self):
        for limit in ("20", "20G", "1.5GB", "20000M"):
            self.train_with(0, "--memory-limit", limit)
        self.train_with(MEMORY, "--memory-limit", "1M", says=["the limit is 1.0 MB", "hint"])
        self.train_with(USAGE, "--memory-limit", "1X", says=["option memory_limit is '1X'", "20G"])
        self.assertEqual(json.loads(self.expect(0, "train", "x", "--print-config").stdout)["memory_limit"], "0")

    def test_a_config_file_that_cannot_be_used_is_refused_with_its_name(self):
        for text, says in (('{"beam": 1e999}', "too large"), ('{"beam": 1' + "0" * 400 + "}", "too large"),
                           ('{"beam": 18446744073709551616}', "option beam is"), ('{"beam": 1', "no JSON"),
                           ("", "no JSON"), ("\x00", "no JSON"),
                           ('{"beam": 1, "threads": 1, "beam": 2}', "the option beam is there twice"), ("[1]", "no JSON object"), ('{"beam": null}', "beam"),
                           ('{"beam": "\\ud800"}', "no JSON"), ('{"beam": ' + "[" * 100000 + "]" * 100000 + "}", "lists")):
            config = self.write("config.json", text)
            self.expect(USAGE, "predict", "m.coppice", "--config", config, says=["config.json", says])
        self.expect(IO, "predict", "m.coppice", "--config", str(self.folder), says="cannot read the config file")

    def test_a_name_that_is_no_utf8_does_not_stop_json_output(self):
        name = "caf\udce9.coppice"  # the byte E9 alone
        shown = self.expect(0, "train", "x", "--validate", name, "--print-config").stdout
        self.assertEqual(json.loads(shown)["validate"], "caf\ufffd.coppice")

    def test_label_features_that_no_embedding_uses_are_refused(self):
        for flag in ("--label-vectors", "--label-features"):
            for embedding in ([], ["--label-embedding", "pii"]):
                self.train_with(USAGE, flag, self.path("none.vec"), *embedding, says="does not use it")
            self.train_with(USAGE, flag, "v", "--label-embedding", "features", "--tree", "t.json", says="the tree")
        self.train_with(USAGE, "--label-vectors", "v", "--label-features", "f", says="expected one of them")

    def test_how_many_labels_have_a_word_vector_is_said(self):
        vectors = self.write("words.vec", "2 3\nmail 1 0 0.5\nshell 0 1 0.25\n")
        self.train_with(0, "--label-vectors", vectors, "--label-embedding", "pifa_concat",
                        says="note: 2 of 6 labels got a vector")

    def test_word_vectors_from_standard_input_are_said_to_be_from_there(self):
        flags = ["train", self.examples(), "-o", self.path("m"), "--label-vectors", "-", "--label-embedding", "pifa_concat"]
        vectors = "2 3\nmail 1 0 0.5\nshell 0 1 0.25\n"
        self.expect(0, *flags, stdin=vectors, says="2 of 6 labels got a vector from standard input")
        self.expect(3, *flags, stdin="", says="word vectors: the file is empty")
        self.expect(3, *flags, "--word-vector-format", "binary", stdin=vectors, says="this is text, expected the binary")

    def test_word_vectors_that_no_label_finds_are_refused(self):
        def refused(content, says):
            vectors = self.write("words.vec", content)
            self.train_with(3, "--label-vectors", vectors, "--label-embedding", "pifa_concat", says=says)
        refused("2 3\nMAILBOX 1 0 0.5\nSHELLS 0 1 0.25\n", "no label gets one")
        refused("2 2\nmail 1 0 0.5\nshell 0 1 0.25\n", "the header promises 2 numbers for each word")
        refused("2 4\nmail 1 0 0.5\nshell 0 1 0.25\n", ["words.vec:2:13: ", "the header promises 4 numbers"])
        refused("2 3\nmail 1 0 0.5\nshell\n", ["words.vec:3:6: ", "a word without numbers"])

    def test_negatives_that_are_not_used_are_refused(self):
        self.train_with(USAGE, "--negatives-matrix", self.path("n.npz"), says="--negatives tfn+usn")

    def test_a_label_matrix_beside_rows_that_hold_their_labels_is_refused(self):
        self.train_with(USAGE, "--labels-path", self.write("Y.npz", ""), says=["labels_path", "jsonl"])

    def test_a_number_of_labels_that_is_not_that_of_their_names_is_refused(self):
        for n_labels in ("100", "2"):
            self.train_with(USAGE, "--n-labels", n_labels, says=[f"n_labels is {n_labels}", "names"])
            names = self.write("names.txt", "".join(name + "\n" for name in sorted(WORDS)))
            self.train_with(USAGE, "--n-labels", n_labels, "--label-names", names, says="there are 6")
            self.assertFalse((self.folder / "model.coppice").exists())
        self.train_with(0, "--n-labels", "6")

    def test_lists_longer_than_the_tree_is_deep_are_noted_or_refused(self):
        self.train_with(0, "--level-threshold", "0.1,0.1,0.1,0.1,0.1",
                        says="level_threshold has values for 5 levels, the tree has 1")
        self.expect(USAGE, "predict", self.path("model.coppice"), "-", "--beam-per-level", "5,5,5",
                    stdin='{"text": "a"}\n', says="3 beams for a model of 1 level")

    def test_an_ensemble_of_one_is_refused(self):
        model = self.train()
        self.expect(USAGE, "predict", model, "-", "--ensemble-weights", "1,2", says="--with-models")
        self.expect(USAGE, "predict", model, "-", "--ensemble", "rank_average", says="--with-models")
        self.expect(USAGE, "predict", model, "-", "--allow", "mail", "--deny", "audio", says="one of them")

    def test_given_labels_are_scored_by_one_model(self):
        model = self.train()
        self.expect(USAGE, "predict", model, "-", "--score-labels", "mail", "--with-models", model,
                    stdin='{"text": "a"}\n', says="--score-labels asks one model alone")

    def test_an_output_that_would_not_be_compressed_is_refused(self):
        model = self.train()
        for packed in (".gz", ".zst"):
            self.expect(USAGE, "predict", model, "-", "--output", self.path("o.jsonl" + packed), stdin='{"text": "a"}\n',
                        says=["predictions are not compressed", f"without {packed}", "| gzip"])
        self.assertNotIn("o.jsonl.gz", self.names_in_folder())

    def test_switches_are_set_by_variables_of_1_and_0_too(self):
        model = self.train()
        for on, notes in (("1", ""), ("true", ""), ("0", "note: "), ("false", "note: ")):
            done = self.expect(0, "predict", model, "-", "--label-names", "x", stdin='{"text": "a"}\n',
                               variables={"COPPICE_QUIET": on})
            self.assertEqual(done.stderr[:6], notes)
        self.expect(USAGE, "predict", model, "-", variables={"COPPICE_QUIET": "2"}, stdin='{"text": "a"}\n',
                    says="option quiet is 2, expected true (1) or false (0)")

    def test_an_empty_list_of_labels_is_refused(self):
        model = self.train()
        for flag in ("--allow", "--deny", "--score-labels"):
            self.expect(USAGE, "predict", model, "-", flag, "", stdin='{"text": "a"}\n',
                        says=[f"{flag}: the list is empty", "out to do without it"])
        self.expect(USAGE, "predict", model, "-", variables={"COPPICE_ALLOW": ""}, stdin='{"text": "a"}\n',
                    says="--allow: the list is empty")

    def test_an_empty_value_takes_nothing_of_what_follows(self):
        model = self.train()
        self.expect(USAGE, "predict", model, "-", "--allow=", "--quiet", stdin='{"text": "a"}\n',
                    says="--allow: the list is empty")
        self.train_with(USAGE, "--validate=", "--quiet", says="--validate: the path is empty")
        self.train_with(USAGE, "--quiet=", says="--quiet got an empty value, expected true or false")
        self.expect(USAGE, "train", self.examples(), "--output=", "--quiet", says="--output got an empty value")
        self.expect(USAGE, "train", self.examples(), "--config=", "--quiet", says="the path is empty")
        self.assertNotIn("--quiet", self.names_in_folder())

    def test_flags_in_no_table_are_set_by_variables_too(self):
        self.expect(0, "train", self.examples(), variables={"COPPICE_OUTPUT": self.path("a.coppice")})
        done = self.expect(0, "train", self.examples(), "-o", self.path("b.coppice"),
                           variables={"COPPICE_OUTPUT": self.path("c.coppice"), "COPPICE_WORKERS": "many"})
        self.assertNotIn("no option is set by", done.stderr)
        self.assertLessEqual({"a.coppice", "b.coppice"}, set(self.names_in_folder()))
        self.assertNotIn("c.coppice", self.names_in_folder())
        config = self.write("config.json", '{"beam": "wide"}')
        self.expect(USAGE, "predict", "m.coppice", variables={"COPPICE_CONFIG": config}, says="config.json")
        self.expect(0, "inspect", self.path("a.coppice"), variables={"COPPICE_OUTPT": "x"}, says="did you mean COPPICE_OUTPUT")
        self.assertNotIn("Env:", self.expect(0, "train", "--help").stdout)

    def test_an_output_that_is_an_input_is_refused_and_the_input_stays(self):
        examples = self.examples()
        before = (self.folder / "train.jsonl").read_bytes()
        os.symlink("train.jsonl", self.path("link.jsonl"))
        for output in (examples, self.path("link.jsonl"), os.path.join(self.folder, ".", "train.jsonl")):
            self.expect(USAGE, "train", examples, "-o", output, says="the output is the same file as the input")
        with open(examples, "rb") as stdin:
            self.expect(USAGE, "train", "-", "-o", examples, stdin=stdin, says="input stdin")
        names = self.write("names.txt", "".join(f"{i}\n" for i in range(9)))
        self.expect(USAGE, "train", examples, "--label-names", names, "-o", names, says="names.txt")
        self.assertTrue((self.folder / "train.jsonl").read_bytes() == before)

    def test_predictions_replace_neither_model_nor_rows(self):
        model = self.train()
        before = (self.folder / "model.coppice").read_bytes()
        queries = self.write("queries.jsonl", '{"text": "mail"}\n')
        names = self.write("names.txt", "mail\n")
        for output in (model, queries, names):
            self.expect(USAGE, "predict", model, queries, "--allow", "@" + names, "--output", output,
                        says="the output is the same file as the input")
        self.assertTrue((self.folder / "model.coppice").read_bytes() == before)

    def test_an_import_replaces_none_of_its_files(self):
        (self.folder / "pecos").mkdir()
        self.write("pecos/param.json", "{}")
        self.expect(USAGE, "import-pecos", self.path("pecos"), "-o", self.path("pecos/param.json"), says="same file")
        self.assertEqual((self.folder / "pecos" / "param.json").read_text(), "{}")

    def on_a_terminal(self, **variables):
        """What training writes to standard error when that is a terminal."""
        try:
            ours, theirs = pty.openpty()
        except OSError as error:
            self.skipTest(f"no terminal to be had here: {error}")
        process = subprocess.Popen([COPPICE, "train", self.examples(), "-o", self.path("model.coppice")],
                                   stderr=theirs, env={**environment(), "TERM": "xterm", **variables})
        os.close(theirs)
        written = b""
        try:
            while part := os.read(ours, 4096):
                written += part
        except OSError:  # how a terminal ends whose other side is closed
            pass
        os.close(ours)
        self.assertEqual(process.wait(), 0, written)
        return written

    def test_no_color_and_a_dumb_terminal_get_plain_lines(self):
        self.assertIn(b"\x1b", self.on_a_terminal(NO_COLOR=""))
        self.assertNotIn(b"\x1b", self.on_a_terminal(NO_COLOR="1"))
        self.assertNotIn(b"\x1b", self.on_a_terminal(TERM="dumb"))
