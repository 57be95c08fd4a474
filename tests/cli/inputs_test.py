# SPDX-License-Identifier: Apache-2.0
"""The files a command reads: what is wrong with them is told before anything is read, standard input serves one."""
import os
import threading
from pathlib import Path

from program import ProgramTest, jsonl, npy, rows

USAGE, DATA, IO = 2, 3, 4


class InputsTest(ProgramTest):
    def examples_never_read(self):
        """Examples whose first line is bad: an error about anything else comes before they are read."""
        return self.write("bad.jsonl", "no row\n")

    def refuse_early(self, code, *flags, says=()):
        self.expect(code, "train", self.examples_never_read(), "-o", self.path("model.coppice"), *flags, says=says)
        self.expect(code, "train", self.examples_never_read(), "--plan", *flags, says=says)

    def test_negatives_of_ones_own_without_their_matrix_are_refused_early(self):
        for negatives in ("usn", "tfn+usn", "tfn,usn"):
            self.refuse_early(USAGE, "--negatives", negatives, says=["negatives_matrix is not given",
                                                                     "--negatives-matrix FILE"])

    def test_an_embedding_of_label_features_without_them_is_refused_early(self):
        for embedding in ("features", "pifa_concat", "pifa_convex"):
            self.refuse_early(USAGE, "--label-embedding", embedding, says=["label features, but none are given",
                                                                           "--label-features FILE"])
        tree = self.write("tree.json", '{"labels": ["mail"]}')
        self.expect(0, "train", self.write("ok.jsonl", jsonl(rows())), "-o", self.path("m"), "--tree", tree,
                    "--label-embedding", "features", says="--label-embedding has no effect: the tree is given")

    def test_a_level_narrower_than_the_one_above_is_refused_early(self):
        self.refuse_early(USAGE, "--level-widths", "2,4,3", says="level_widths has 3 nodes below a level of 4")

    def test_a_file_that_cannot_be_read_is_refused_early(self):
        for flags in (["--tree"], ["--label-embedding", "features", "--label-vectors"],
                      ["--label-embedding", "features", "--label-features"], ["--dense"], ["--labels-path"],
                      ["--negatives", "usn", "--negatives-matrix"], ["--stop-words-file"], ["--label-names"]):
            self.refuse_early(IO, *flags, self.path("none"), says=["none: ", "No such file"])
            self.refuse_early(IO, *flags, str(self.folder), says="this is a directory")
        self.refuse_early(IO, "--tree", f"{self.examples_never_read()},{self.path('C1.npz')}", says="C1.npz: ")
        self.expect(IO, "evaluate", self.train(), self.examples_never_read(), "--dense", self.path("none.npy"),
                    says="none.npy: ")

    def test_a_pipe_is_left_for_the_reader_to_open(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        examples = self.write("train.jsonl", jsonl(rows()))
        names = sorted({label for row in rows() for label in row["labels"]})
        text = "".join(name + "\n" for name in names)
        writer = threading.Thread(target=lambda: Path(pipe).write_text(text), daemon=True)  # waits for a reader
        writer.start()
        self.expect(0, "train", examples, "-o", self.path("m"), "--label-names", pipe)
        writer.join()

    def test_standard_input_serves_one_reader(self):
        model = self.train()
        for command in (["train", "-", "-o", self.path("m"), "--label-names", "-"],
                        ["train", "-", "-o", self.path("m"), "--label-embedding", "features", "--label-vectors", "-"],
                        ["predict", model, "--allow", "@-"], ["predict", model, "-", "--deny", "@-"],
                        ["predict", model, "-", "--score-labels", "mail,@-"],
                        ["evaluate", model, "--label-names", "-"]):
            self.expect(USAGE, *command, stdin="mail\n", says="standard input can be read once only: both input and")
        answer = self.expect(0, "predict", model, self.write("q.jsonl", '{"text": "shell"}\n'), "--allow", "@-",
                             stdin="mail\n")
        self.assertIn('["mail"]', answer.stdout)

    def test_what_cannot_be_streamed_is_not_taken_from_standard_input(self):
        model, examples = self.train(), self.path("train.jsonl")
        train = ["train", examples, "-o", self.path("m")]
        for command, flag, held in (([*train], "--dense", "a matrix"), ([*train], "--labels-path", "a matrix"),
                                    ([*train, "--negatives", "usn"], "--negatives-matrix", "a matrix"),
                                    ([*train, "--label-embedding", "features"], "--label-features", "a matrix"),
                                    ([*train], "--tree", "a tree"), ([*train], "--stop-words-file", "stop words"),
                                    ([*train], "--validate", "what to validate on"),
                                    ([*train, "--validate", examples], "--validate-dense", "a matrix"),
                                    (["predict", model, examples], "--dense", "a matrix"),
                                    (["predict", model, examples], "--with-models", "a model"),
                                    (["evaluate", model, examples], "--dense", "a matrix"),
                                    (["explain", model, "mail"], "--dense", "a matrix")):
            self.expect(USAGE, *command, flag, "-", says=[f"{flag}: {held}", "cannot be read from standard input"])
        self.expect(USAGE, "predict", "-", examples, says="model: a model cannot be read from standard input")
        self.expect(USAGE, "predict", model, examples, "--with-models", model, "--allow", "@-",
                    says="--allow: a list of labels for several models cannot be read from standard input")

    def test_a_chain_of_clusters_for_other_labels_is_named(self):
        first, last = self.write("C0.npy", npy([[1], [1]])), self.write("C1.npy", npy([[1, 0], [1, 0], [0, 1]]))
        self.expect(DATA, "train", self.write("train.jsonl", jsonl(rows())), "-o", self.path("m"), "--tree",
                    f"{first},{last}", says=["C1.npy: the tree has 3 labels, the examples 6", "--label-names"])

    def test_dense_features_that_are_no_matrix_get_a_hint_of_use(self):
        dense = self.write("dense", "no matrix\n")
        done = self.expect(DATA, "train", self.write("train.jsonl", jsonl(rows())), "-o", self.path("m"), "--dense",
                           dense, says=["dense: the format is not known, expected a matrix", "numpy.save"])
        self.assertNotIn("option format", done.stderr)
