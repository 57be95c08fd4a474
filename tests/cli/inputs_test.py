# SPDX-License-Identifier: Apache-2.0
"""The files a command reads: what is wrong with them is told before anything is read, standard input serves one."""
import os
import threading
from pathlib import Path

from program import ProgramTest, csc_npz, jsonl, npy, rows

USAGE, DATA, IO, UNSUPPORTED = 2, 3, 4, 6


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
                      ["--negatives", "usn", "--negatives-matrix"], ["--stop-words-file"], ["--label-names"],
                      ["--domains"]):
            self.refuse_early(IO, *flags, self.path("none"), says=["none: ", "No such file"])
            self.refuse_early(IO, *flags, str(self.folder), says="this is a directory")
        self.refuse_early(IO, "--tree", f"{self.examples_never_read()},{self.path('C1.npz')}", says="C1.npz: ")
        self.expect(IO, "evaluate", self.train(), self.examples_never_read(), "--dense", self.path("none.npy"),
                    says="none.npy: ")

    def test_a_file_that_may_not_be_read_is_named(self):
        model, rows_path = self.train(), self.path("train.jsonl")
        secret = self.write("secret", jsonl(rows()))
        for path, mode in ((self.folder, 0o777), (model, 0o644), (rows_path, 0o644), (secret, 0)):
            os.chmod(path, mode)
        nobody, before = self.as_nobody(), self.names_in_folder()
        train = ["train", "-o", self.path("m")]
        for command in ([*train, secret], ["train", secret, "--plan"], [*train, rows_path, "--label-names", secret],
                        [*train, rows_path, "--dense", secret], [*train, rows_path, "--tree", secret],
                        [*train, rows_path, "--validate", secret], ["predict", model, secret],
                        ["predict", secret, rows_path], ["predict", model, rows_path, "--deny", "@" + secret],
                        ["evaluate", model, secret], ["inspect", secret], ["explain", secret, "mail"]):
            self.expect(IO, *command, says=[f"coppice: {secret}: ", "Permission denied"], **nobody)
        self.assertEqual(self.names_in_folder(), before)
        os.chmod(secret, 0o644)
        self.expect(0, "predict", model, secret, **nobody)

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
                                    ([*train], "--tree", "a tree"), ([*train], "--domains", "a list of domains"),
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

    def test_what_cannot_be_streamed_is_not_taken_from_a_pipe(self):
        pipe = self.path("pipe")
        os.mkfifo(pipe)  # nobody writes: to open it would be to wait for ever
        model, ok = self.train(), self.path("train.jsonl")
        for stream in (pipe, "/dev/null"):
            says = f"cannot be read from a pipe or a device ({stream})"
            for flags, flag, held in (([], "--dense", "a matrix"), ([], "--labels-path", "a matrix"),
                                      (["--negatives", "usn"], "--negatives-matrix", "a matrix"),
                                      (["--label-embedding", "features"], "--label-features", "a matrix"),
                                      ([], "--tree", "a tree"), ([], "--domains", "a list of domains")):
                self.refuse_early(USAGE, *flags, flag, stream, says=[f"{flag}: {held}", says])
            train = ["train", self.examples_never_read(), "-o", self.path("m")]
            for flags, flag, held in (([], "--validate", "what to validate on"),
                                      (["--validate", ok], "--validate-labels", "a matrix"),
                                      (["--validate", ok], "--validate-dense", "a matrix"),
                                      (["--validate", ok], "--label-names", "a list of label names that --validate")):
                self.expect(USAGE, *train, *flags, flag, stream, says=[f"{flag}: {held}", says])
            self.expect(USAGE, "predict", model, ok, "--dense", stream, says=["--dense: a matrix", says])
            self.expect(USAGE, "predict", stream, ok, says=["model: a model", says])
            self.expect(USAGE, "predict", model, ok, "--with-models", model, "--deny", "@" + stream, says=says)
            self.expect(USAGE, "evaluate", model, ok, "--labels-path", stream, says=says)
            self.expect(USAGE, "inspect", stream, says=says)

    def test_examples_that_are_a_matrix_are_not_taken_from_a_pipe(self):
        for command in (["train", "-o", self.path("m")], ["predict", self.train()]):
            pipe = self.path(command[0] + ".pipe")
            os.mkfifo(pipe)
            writer = threading.Thread(target=lambda path=pipe: Path(path).write_bytes(npy([[1, 2]])), daemon=True)
            writer.start()
            self.expect(UNSUPPORTED, *command, pipe, says=["a matrix (npy) cannot be read from a stream", "as a file"])
            writer.join()

    def test_a_path_that_is_empty_is_refused_early(self):
        for flags in (["--tree"], ["--dense"], ["--labels-path"], ["--stop-words-file"], ["--label-names"],
                      ["--label-features"], ["--label-vectors"], ["--negatives-matrix"], ["--domains"],
                      ["--label-embedding", "features", "--label-vectors"],
                      ["--negatives", "usn", "--negatives-matrix"]):
            self.refuse_early(USAGE, *flags, "", says=[f"{flags[-1]}: the path is empty", f"leave {flags[-1]} out"])
        self.refuse_early(USAGE, "--negatives", "", says="negatives is empty, expected tfn, man, usn")
        train, model = ["train", self.examples_never_read(), "-o", self.path("m")], self.train()
        for command, named in (([*train, "--validate", ""], "--validate"),
                               ([*train, "--validate", model, "--validate-labels", ""], "--validate-labels"),
                               ([*train, "--validate", model, "--validate-dense", ""], "--validate-dense"),
                               ([*train, "--tree", "C0.npz,,C1.npz"], "--tree"), ([*train, "--config", ""], "--config"),
                               (["train", "", "-o", "m"], "input"), (["predict", "", "q"], "model"),
                               (["predict", model, ""], "input"), (["predict", model, "q", "--dense", ""], "--dense"),
                               (["predict", model, "q", "--with-models", ""], "--with-models"),
                               (["predict", model, "q", "--allow", "@"], "--allow"), (["evaluate", "", "q"], "model"),
                               (["evaluate", model, ""], "input"), (["evaluate", model, "q", "--dense", ""], "--dense"),
                               (["explain", "", "text"], "model"), (["explain", model, "t", "--dense", ""], "--dense"),
                               (["inspect", ""], "model"), (["import-pecos", "", "-o", "m"], "folder"),
                               (["import-pecos", "f", "-o", "m", "--vectorizer", ""], "--vectorizer"),
                               (["import-pecos", "f", "-o", "m", "--label-names", ""], "--label-names")):
            self.expect(USAGE, *command, says=f"{named}: the path is empty")
        self.expect(USAGE, *train, variables={"COPPICE_DENSE": ""}, says="--dense: the path is empty")
        config = self.write("config.json", '{"dense": "", "tree": []}')  # as --print-config writes what is not given
        self.expect(0, "train", self.path("train.jsonl"), "-o", self.path("m"), "--config", config)

    def test_a_chain_of_clusters_for_other_labels_is_named(self):
        first, last = self.write("C0.npy", npy([[1], [1]])), self.write("C1.npy", npy([[1, 0], [1, 0], [0, 1]]))
        self.expect(DATA, "train", self.write("train.jsonl", jsonl(rows())), "-o", self.path("m"), "--tree",
                    f"{first},{last}", says=["C1.npy: the tree has 3 labels, the examples 6", "--label-names"])

    def test_a_chain_of_clusters_in_csc_is_read_as_pecos_keeps_it(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        whole = [[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 1]]
        dense = f"{self.write('C0.npy', npy([[1], [1]]))},{self.write('C1.npy', npy(whole))}"
        columns = [self.write("C0.npz", csc_npz([[1], [1]])), self.write("C1.npz", csc_npz(whole))]
        models = [self.path("dense.coppice"), self.path("csc.coppice")]
        for model, chain in zip(models, (dense, ",".join(columns))):
            self.expect(0, "train", examples, "-o", model, "--tree", chain)
        trees = [self.expect(0, "inspect", model, "--tree", "json").stdout for model in models]
        self.assertEqual(trees[0], trees[1])
        self.assertIn("children", trees[0])

    def test_dense_features_that_are_no_matrix_get_a_hint_of_use(self):
        dense = self.write("dense", "no matrix\n")
        done = self.expect(DATA, "train", self.write("train.jsonl", jsonl(rows())), "-o", self.path("m"), "--dense",
                           dense, says=["dense: the format is not known, expected a matrix", "numpy.save"])
        self.assertNotIn("option format", done.stderr)
