# SPDX-License-Identifier: Apache-2.0
"""Messages name what is wrong in the words of the user's input, and notes tell of what has no effect."""
import gzip
import json
import struct

from program import ProgramTest, jsonl, npy, rows

USAGE, DATA, UNSUPPORTED = 2, 3, 6


class MessagesTest(ProgramTest):
    def examples(self):
        return self.write("train.jsonl", jsonl(rows()))

    def notes(self, *arguments, **more):
        done = self.expect(0, *arguments, **more)
        return [line for line in done.stderr.splitlines() if line.startswith("note: ")]

    def train_notes(self, *flags, **more):
        return self.notes("train", self.examples(), "-o", self.path("model.coppice"), *flags, **more)

    def test_options_without_effect_are_noted(self):
        for flags, option, why in (
                (["--validate-dense", "d.npy"], "validate-dense", "--validate names no rows"),
                (["--validate-labels", "l.npz"], "validate-labels", "--validate names no rows"),
                (["--pifa-share", "0.3"], "pifa-share", "pifa_concat"),
                (["--branching", "4", "--level-widths", "2"], "branching", "--level-widths"),
                (["--max-leaf", "4", "--level-widths", "2"], "max-leaf", "--level-widths"),
                (["--hash-signed"], "hash-signed", "--hash-bits"),
                (["--hash-bits", "10", "--min-df", "2"], "min-df", "no vocabulary"),
                (["--matcher-beam", "4", "--negatives", "tfn"], "matcher-beam", "--negatives man"),
                (["--symbols", "drop", "--tokens", "space"], "symbols", "--tokens words"),
                (["--cjk", "runs", "--tokens", "whitespace"], "cjk", "--tokens words"),
                (["--split-letters-numbers", "--tokens", "space"], "split-letters-numbers", "--tokens words"),
                (["--char-weight", "2"], "char-weight", "its analyzer is off"),
                (["--char-wb-weight", "2", "--char-ngrams", "2,3"], "char-wb-weight", "its analyzer is off"),
                (["--word-weight", "2"], "word-weight", "the only one"),
                (["--word-weight", "0"], "word-weight", "the only one"),
                (["--word-ngrams", "", "--char-ngrams", "2,3", "--char-weight", "2"], "char-weight", "the only one"),
                (["--stop-words", "mail", "--word-ngrams", "", "--char-ngrams", "2,3"], "stop-words", "--word-ngrams"),
                (["--max-tokens", "3", "--word-ngrams", "", "--char-wb-ngrams", "2,3"], "max-tokens", "--word-ngrams"),
                (["--cjk", "runs", "--tokens", "space", "--word-ngrams", "", "--char-ngrams", "2,3"], "cjk", "of tokens"),
                (["--threshold", "0.1", "--level-threshold", "0.2"], "threshold", "--level-threshold"),
                (["--max-weights", "9", "--level-max-weights", "8"], "max-weights", "--level-max-weights"),
                (["--c-positive", "3", "--level-c-positive", "2"], "c-positive", "--level-c-positive"),
                (["--c-negative", "3", "--level-c-negative", "2"], "c-negative", "--level-c-negative"),
                (["--pecos-idf-smooth"], "pecos-idf-smooth", "--idf pecos")):
            notes = self.train_notes(*flags)
            self.assertEqual(len(notes), 1, notes)
            self.assertIn(f"--{option} has no effect", notes[0])
            self.assertIn(why, notes[0])
        self.assertEqual(self.train_notes("--pifa-share", "0.3", "--quiet"), [])
        self.assertEqual(self.train_notes("--hash-bits", "10", "--hash-signed", "--symbols", "drop"), [])
        self.assertEqual(self.train_notes("--matcher-beam", "4", "--negatives", "tfn+man"), [])
        self.assertEqual(self.train_notes("--hash-seed", "5"), [])
        self.assertEqual(self.train_notes("--word-weight", "2", "--char-ngrams", "2,3", "--char-weight", "3"), [])
        self.assertEqual(self.train_notes("--word-ngrams", "", "--compounds", "add", "--char-wb-ngrams", "2,3",
                                          "--max-tokens", "9", "--stop-words", "mail", "--word-weight", "2"), [])

    def test_options_of_other_formats_are_noted(self):
        model, svm = self.train(), self.write("t.svm", "0 1:1 2:1\n1 3:1\n0 1:1\n")
        csv = self.write("t.csv", "text,labels\nmail,mail\n")
        given = {"--text-field": "text", "--features-field": "f", "--label-prefix": "__", "--label-separator": ";",
                 "--named-labels": None, "--svm-header": "absent", "--one-based": None, "--n-features": "9",
                 "--id-field": "id", "--skip-bad-lines": None}
        flags = [word for flag in given.items() for word in flag if word]
        fields = {"--text-field", "--id-field"}
        everywhere = {"--skip-bad-lines"}
        for command, used in ((["train", self.path("train.jsonl"), "-o", self.path("m")],
                               fields | {"--features-field", "--n-features"}),
                              (["predict", model, self.path("train.jsonl")], fields | {"--features-field", "--n-features"}),
                              (["evaluate", model, csv], fields | {"--label-separator"}),
                              (["train", svm, "-o", self.path("m")], {"--svm-header", "--one-based", "--n-features"})):
            notes = [note for note in self.notes(*command, *flags) if "it is for rows of" in note]
            noted = {note.split()[1] for note in notes}
            self.assertEqual(noted, set(given) - used - everywhere, notes)
        self.assertEqual(self.notes("predict", model, csv, "--one-based"),
                         ["note: --one-based has no effect: it is for rows of svm, these are csv"])
        self.assertEqual(self.notes("predict", model, csv, "--one-based", "--quiet"), [])
        self.assertEqual(self.notes("predict", model, "-", "--one-based", stdin='{"text": "mail"}\n'), [])
        self.assertEqual(self.train_notes("--validate", csv, "--label-separator", ","), [])

    def test_options_that_others_make_useless_are_noted(self):
        characters = ["--word-ngrams", "", "--char-ngrams", "2,3"]
        for flags, option, why in ((["--word-vector-format", "text"], "word-vector-format", "--label-vectors"),
                                   (["--cluster-sample-warmup", "0.3"], "cluster-sample-warmup", "are the same"),
                                   (["--tokens", "whitespace", *characters], "tokens", "--word-ngrams")):
            notes = self.train_notes(*flags)
            self.assertEqual(len(notes), 1, notes)
            self.assertIn(f"--{option} has no effect", notes[0])
            self.assertIn(why, notes[0])
        for flags in (["--cluster-sample-warmup", "0.3", "--cluster-min-sample", "0.5"], ["--tokens", "space", *characters],
                      ["--tokens", "whitespace"]):
            self.assertEqual(self.train_notes(*flags), [])

    def test_a_config_file_of_all_options_is_not_noted(self):
        config = self.write("all.json", self.expect(0, "train", "x", "--print-config").stdout)
        self.assertEqual(self.train_notes("--config", config), [])

    def test_options_of_texts_are_noted_where_no_row_has_one(self):
        svm = self.write("train.svm", "0 1:1 2:1\n1 3:1\n0 1:1\n")
        notes = self.notes("train", svm, "-o", self.path("m.coppice"), "--word-ngrams", "1,3", "--min-df", "1")
        self.assertEqual([note.split(":")[1].split()[0] for note in notes], ["--word-ngrams", "--min-df"])
        self.assertIn("no row has a text", notes[0])

    def test_options_of_relevance_are_noted_where_every_label_has_the_same(self):
        graded = self.write("graded.jsonl", '{"text": "mail", "labels": {"mail": 2, "web": 1}}\n'
                                            '{"text": "web", "labels": ["web"]}\n')
        flags = ["--relevance", "induce", "--weigh-by-relevance"]
        notes = self.train_notes(*flags)
        self.assertEqual([note.split()[1] for note in notes], ["--relevance", "--weigh-by-relevance"])
        self.assertIn("every label has relevance 1", notes[0])
        self.assertEqual(self.notes("train", graded, "-o", self.path("m.coppice"), *flags), [])

    def test_a_weight_field_that_no_row_has_is_noted(self):
        self.assertEqual(self.train_notes("--weight-field", "weigt"),
                         ["note: --weight-field has no effect: no row has a weight"])
        weighted = self.write("weighted.jsonl", '{"text": "mail", "labels": ["mail"], "w": 2}\n')
        self.assertEqual(self.notes("train", weighted, "-o", self.path("m.coppice"), "--weight-field", "w"), [])

    def test_options_of_evaluation_without_effect_are_noted(self):
        model = self.train()
        self.assertIn("--propensity own", self.notes("evaluate", model, self.path("train.jsonl"),
                                                     "--propensity-a", "0.5")[0])
        self.assertIn("--at asks for 5 labels", self.notes("evaluate", model, self.path("train.jsonl"),
                                                           "--top-k", "2")[0])
        self.assertEqual(self.notes("evaluate", model, self.path("train.jsonl"), "--top-k", "2", "--at", "1,2"), [])

    def test_analyzers_that_all_have_no_weight_are_refused(self):
        bad = self.write("bad.jsonl", "no row\n")
        for flags in (["--char-ngrams", "2,3", "--char-weight", "0"], ["--char-wb-ngrams", "2,3", "--char-wb-weight", "0"]):
            self.expect(USAGE, "train", bad, "-o", self.path("m"), "--word-weight", "0", *flags,
                        says=["every analyzer has the weight 0", "--word-weight"])
        self.assertEqual(self.train_notes("--word-weight", "0", "--char-ngrams", "2,3"), [])

    def test_options_of_explanation_and_inspection_without_effect_are_noted(self):
        model = self.train()
        label, tree = ["explain", model, "mail", "--label", "mail"], ["inspect", model, "--tree", "json"]
        for command, flags, why in ((label, ["--beam", "3"], "--label searches"), (label, ["--top-k", "3"], "--label"),
                                    (label, ["--threshold", "0.1"], "--label"), (label, ["--beam-per-level", "2"], "--label"),
                                    (["explain", model, "mail", "--json"], ["--words", "2"], "--json shows all"),
                                    (["inspect", model], ["--tree-depth", "1"], "--tree asks for no tree"),
                                    (["inspect", model, "--json"], ["--tree-rows", "9"], "--tree asks for no tree"),
                                    (tree, ["--tree-children", "2"], "limits of a drawing"),
                                    (tree, ["--json"], "--tree prints the tree alone")):
            notes = self.notes(*command, *flags)
            self.assertEqual(len(notes), 1, notes)
            self.assertIn(f"{flags[0]} has no effect", notes[0])
            self.assertIn(why, notes[0])
            self.assertEqual(self.notes(*command, *flags, "--quiet"), [])
        self.assertEqual(self.notes("explain", model, "mail", "--label", "mail", "--words", "2"), [])
        self.assertEqual(self.notes("inspect", model, "--tree", "svg", "--tree-rows", "9"), [])
        self.assertEqual(self.expect(0, "explain", model, "qqqq zzzz", "--quiet").stderr, "")

    def test_a_beam_beside_those_of_each_level_is_noted(self):
        model = self.train()
        for command in (["predict", model, self.path("train.jsonl")], ["evaluate", model, self.path("train.jsonl")],
                        ["explain", model, "mail"]):
            self.assertEqual(self.notes(*command, "--beam", "3", "--beam-per-level", "2"),
                             ["note: --beam has no effect: --beam-per-level says it for every level"])
            self.assertEqual(self.notes(*command, "--beam", "3"), [])

    def test_variables_that_no_command_knows_are_noted(self):
        variables = {"COPPICE_TOPK": "3", "COPPICE_BEAM": "3", "COPPICE_BENCH_DATA": "x", "COPPICE_ZZZZZZ": "1"}
        notes = self.train_notes(variables=variables)
        self.assertEqual(sorted(notes), ["note: no option is set by the variable COPPICE_TOPK; did you mean "
                                         "COPPICE_TOP_K?", "note: no option is set by the variable COPPICE_ZZZZZZ"])
        self.assertEqual(self.train_notes("--quiet", variables=variables), [])

    def test_labels_that_a_tree_does_not_hold_are_counted(self):
        tree = self.write("tree.json", json.dumps({"labels": ["mail", "audio", "image", "shell"]}))
        self.assertEqual(self.train_notes("--tree", tree),
                         [f"note: 2 of 6 labels are not in {tree}: gathered in a branch of their own"])

    def test_a_tree_that_is_no_json_is_refused_in_plain_words(self):
        tree = self.write("tree.json", '{"children": [}')
        done = self.expect(DATA, "train", self.examples(), "-o", self.path("m"), "--tree", tree,
                           says="tree.json:1:15: label tree: no valid JSON: syntax error")
        self.assertNotIn("json.exception", done.stderr)
        tree = self.write("tree.json", "[1]")
        self.expect(DATA, "train", self.examples(), "-o", self.path("m"), "--tree", tree,
                    says="tree.json: label tree: a label is neither")
        config = self.write("config.json", '{"beam": 1')
        self.assertNotIn("json.exception", self.expect(USAGE, "predict", "m", "--config", config).stderr)

    def test_a_first_row_taken_for_a_header_is_named(self):
        for name, content in (("labels", "0 1 2\n5 1:1\n"), ("features", "1 1 9\n0 7:1\n"), ("rows", "9 9 9\n0 7:1\n")):
            svm = self.write(name + ".svm", content)
            self.expect(DATA, "train", svm, "-o", self.path("m"), says=["line 1", "read as the header",
                                                                       "set --svm-header to absent"])
        self.expect(0, "train", self.path("rows.svm"), "-o", self.path("m"), "--svm-header", "absent")

    def test_words_before_the_command_are_told_to_stand_behind_it(self):
        for words in (["file", "train"], ["file", "train", "x", "-o", "m"], ["--threads", "2", "train", "x"]):
            self.expect(USAGE, *words, says=[f"'{words[0]}' stands before 'train', expected the command first",
                                             "Usage: coppice train [OPTIONS] input"])
        self.expect(USAGE, "predict", "m", "-", "extra", says="unknown argument 'extra'")
        self.expect(USAGE, "train", says="input is required")

    def test_an_unknown_label_is_answered_with_the_nearest(self):
        model = self.train()
        for command in (["explain", model, "mail", "--label", "mial"], ["predict", model, "-", "--allow", "mial"],
                        ["predict", model, "-", "--score-labels", "@" + self.write("names.txt", "mial\n")]):
            self.expect(USAGE, *command, says=["the model has no label 'mial'", "did you mean 'mail'?"])
        done = self.expect(USAGE, "explain", model, "mail", "--label", "something else", says="has no label")
        self.assertNotIn("did you mean", done.stderr)

    def test_an_unknown_label_of_a_file_is_told_with_its_line(self):
        model = self.train()
        names = self.write("names.txt", "mail\naudio\nzzzzzz\nmial\n")
        for flag in ("--allow", "--deny", "--score-labels"):
            self.expect(USAGE, "predict", model, "-", flag, "audio,@" + names, stdin='{"text": "mail"}\n',
                        says=f"coppice: {names}:3: the model has no label 'zzzzzz'")

    def test_rows_of_which_no_label_is_known_are_told_from_rows_of_some(self):
        model = self.train()
        some, none = (self.write(name, jsonl([{"text": "mail", "labels": labels}])) for name, labels in
                      (("some.jsonl", ["mail", "x"]), ("none.jsonl", ["x", "y"])))
        self.assertEqual(self.notes("evaluate", model, some),
                         ["note: 1 label of rows unknown to the model, counted as not found"])
        notes = self.notes("evaluate", model, none)
        self.assertEqual(len(notes), 1, notes)
        self.assertIn("no label of the rows is known to the model (2 labels, all counted as not found)", notes[0])
        self.assertEqual(self.notes("evaluate", model, none, "--quiet"), [])

    def test_hints_name_flags(self):
        model = self.train()
        dense = self.train("dense.coppice", None, "--dense", self.write("d.npy", npy([[1.0, 2.0]] * 240)))
        for command, hint in (
                (["evaluate", model, self.write("a.jsonl", '{"text": "a"}\n')], "hint: --labels-field names the field that holds them "
                 "in JSONL, --labels-path the label matrix of npz"),
                (["train", self.write("b.jsonl", '{"body": "a"}\n')], "hint: --text-field names the field"),
                (["evaluate", model, self.write("a b.txt", "mail\n")], "hint: name it by --format: jsonl"),
                (["predict", dense, self.write("q.jsonl", '{"text": "mail"}\n')], "hint: --dense names the file")):
            output = ["-o", self.path("m")] if command[0] == "train" else []
            self.assertIn(hint, self.run_program(*command, *output).stderr)
        notes = self.run_program("train", self.path("train.jsonl"), "-o", self.path("m"), "--max-line-bytes", "70",
                                 "--skip-bad-lines").stderr
        self.assertIn("    hint: set --max-line-bytes higher", notes)
        self.expect(USAGE, "predict", "m", "--config", self.write("c.json", '{"topk": 1}'), says="did you mean 'top_k'?")

    def test_a_number_that_is_none_is_refused_without_the_limits_of_floats(self):
        done = self.expect(USAGE, "predict", "m", "--threshold", "nan", says="threshold is nan, expected a number")
        self.assertNotIn("e+30", done.stderr)

    def test_a_flag_given_twice_is_refused_by_name(self):
        done = self.expect(USAGE, "predict", "m", "--beam", "1", "--beam", "2",
                           says="--beam is given more than once")
        self.assertNotIn("At Most", done.stderr)
        self.assertIn("hint: it takes one value; where that is a list", done.stderr)

    def test_an_empty_output_is_refused_before_the_work(self):
        model = self.train()
        self.expect(USAGE, "predict", model, self.path("train.jsonl"), "--output", "",
                    says="the path of the output is empty")

    def test_a_compressed_matrix_is_refused_in_plain_words(self):
        for name, packed in (("X.npz.gz", gzip.compress(b"PK")), ("X.npy.gz", gzip.compress(b"x")),
                             ("X.npz.zst", struct.pack("<I", 0xFD2FB528) + b"rest")):
            self.expect(UNSUPPORTED, "train", self.write(name, packed), "-o", self.path("m"),
                        says=["the matrix is compressed by", "decompress it first"])

    def test_a_model_as_examples_is_refused_with_a_hint_for_training_too(self):
        self.expect(DATA, "train", self.train(), "-o", self.path("m2"), says=["this is a model", "train reads examples"])

    def test_rows_of_labels_alone_are_not_called_texts(self):
        done = self.expect(DATA, "train", self.write("t.svm", "0\n1\n"), "-o", self.path("m"), "--format", "svm",
                           says="no row has a feature")
        self.assertNotIn("text", done.stderr.splitlines()[-2])

    def test_explaining_words_that_the_model_does_not_know_says_so(self):
        model = self.train()
        self.expect(0, "explain", model, "qqqq zzzz", says="knows nothing of this text")
        self.assertEqual(self.expect(0, "explain", model, "mail").stderr, "")

    def test_a_csv_field_there_twice_is_refused(self):
        self.expect(DATA, "train", self.write("t.csv", "text,labels,text\na,b,c\n"), "-o", self.path("m"),
                    says="t.csv:1:13: the field 'text' is there twice")
        self.expect(0, "train", self.write("t.csv", "text,labels,x,x\na,b,c,d\n"), "-o", self.path("m"))

    def test_a_row_without_an_id_is_answered_without_one(self):
        model = self.train()
        queries = '{"text": "mail", "id": null}\n{"text": "mail", "id": "q7"}\n'
        answers = self.expect(0, "predict", model, "-", stdin=queries).stdout.splitlines()
        self.assertEqual([json.loads(line).get("id", "none") for line in answers], ["none", "q7"])
