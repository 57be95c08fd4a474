# SPDX-License-Identifier: Apache-2.0
"""Bad input: a clear error with its place and exit code, or a counted repair; never a crash, never half an output."""
import gzip
import json
from pathlib import Path

from program import ProgramTest, jsonl, rows

USAGE, DATA, IO = 2, 3, 4


class BadInput(ProgramTest):
    def refuse(self, code, name, content, *says, flags=()):
        path = self.write(name, content)
        self.expect(code, "train", path, "-o", self.path("model.coppice"), *flags, says=says)
        self.assertEqual(self.names_in_folder(), [name], "a failed training left something behind")

    def accept(self, name, content, *says, flags=()):
        path = self.write(name, content)
        done = self.expect(0, "train", path, "-o", self.path("model.coppice"), *flags, says=says)
        self.expect(0, "inspect", self.path("model.coppice"), "--audit")
        return done

    def test_an_empty_file(self):
        self.refuse(DATA, "none.jsonl", "", "none.jsonl: the input is empty: no rows")

    def test_blank_lines_only(self):
        self.refuse(DATA, "blank.jsonl", "\n\n\n", "blank.jsonl: no rows: 3 blank lines and nothing else")

    def test_no_labels_at_all(self):
        self.refuse(DATA, "bare.jsonl", '{"text": "a b", "labels": []}\n' * 3, "no row has a label")

    def test_a_broken_line_is_named_with_line_and_column(self):
        self.refuse(DATA, "broken.jsonl", jsonl(rows(2)) + '{"text": "a", "labels": ["b"\n', "broken.jsonl:3:")

    def test_a_wrong_type_is_named_with_what_was_got(self):
        self.refuse(DATA, "typed.jsonl", '{"text": 3, "labels": ["b"]}\n', "typed.jsonl:1:")

    def test_bad_lines_are_skipped_and_counted_on_request(self):
        text = jsonl(rows()) + "not json\n" + '{"text": "a", "labels": 7}\n'
        self.accept("some.jsonl", text, "note: 2 bad lines left out:", "some.jsonl:241:1: ", "some.jsonl:242:",
                    flags=["--skip-bad-lines"])

    def test_of_many_bad_lines_the_first_ten_are_shown_by_every_command_that_reads(self):
        text = jsonl(rows()) + "not json\n" * 30
        self.accept("some.jsonl", text, flags=["--skip-bad-lines"])
        for command in (["train", self.path("some.jsonl"), "-o", self.path("model.coppice")],
                        ["evaluate", self.path("model.coppice"), self.path("some.jsonl")],
                        ["predict", self.path("model.coppice"), self.path("some.jsonl")]):
            done = self.expect(0, *command, "--skip-bad-lines", says="30 bad lines left out, the first 10:")
            shown = [line for line in done.stderr.splitlines() if "some.jsonl:2" in line]
            self.assertEqual(len(shown), 10, done.stderr)
            quiet = self.expect(0, *command, "--skip-bad-lines", "--quiet")
            self.assertEqual(quiet.stderr, "")

    def test_a_row_skipped_for_its_label_takes_no_other_row_with_it(self):
        items = rows()
        self.accept("clean.jsonl", jsonl(items), flags=["--skip-bad-lines"])
        clean = (self.folder / "model.coppice").read_bytes()
        items.insert(5, {"text": "mail mail", "labels": [0]})
        self.accept("mixed.jsonl", jsonl(items), "note: 1 bad line left out:", flags=["--skip-bad-lines"])
        self.assertTrue(clean == (self.folder / "model.coppice").read_bytes())

    def test_a_damaged_header_is_no_bad_line(self):
        self.refuse(DATA, "head.svm", "2 9999999999 3\n0 1:1\n1 2:1\n", "head.svm:1:3: size in the header",
                    flags=["--skip-bad-lines"])
        (self.folder / "head.svm").unlink()
        self.refuse(DATA, "head.csv", 'te"xt,labels\ntext,labels\na,x\n', "head.csv:1:3: a quote",
                    flags=["--skip-bad-lines"])

    def test_an_empty_list_of_text_fields_is_named_in_every_format(self):
        for name, text in (("a.jsonl", jsonl(rows())), ("a.csv", "text,labels\na,x\n")):
            self.expect(USAGE, "train", self.write(name, text), "-o", self.path("m"), "--text-field", "",
                        says="text_field is empty")

    def test_utf16_is_named_whatever_the_file_is_called(self):
        for name in ("wide.txt", "wide.jsonl"):
            self.refuse(DATA, name, "0\ttext\n".encode("utf-16"), "the text is UTF-16", "iconv")
            (self.folder / name).unlink()

    def test_rows_are_no_dense_features(self):
        path = self.write("rows.jsonl", jsonl(rows()))
        self.expect(DATA, "train", path, "-o", self.path("m"), "--dense", path, says="expected a matrix")

    def test_not_a_number_among_the_features(self):
        for value in ("nan", "inf", "1e999", "x"):
            with self.subTest(value):
                self.refuse(DATA, "values.svm", f"0 1:1.0\n1 2:{value}\n", "values.svm:2:", flags=["--format", "svm"])

    def test_negative_and_huge_indices(self):
        for index in ("-1", "4294967296", "99999999999999999999"):
            with self.subTest(index):
                self.refuse(DATA, "index.svm", f"0 1:1.0\n1 {index}:1.0\n", "index.svm:2:", flags=["--format", "svm"])

    def test_repeated_labels_in_a_row_are_merged_and_counted(self):
        items = rows()
        items[0]["labels"] = ["mail", "mail"]
        self.accept("twice.jsonl", jsonl(items), "note: 1 label repeated in the same row")

    def test_a_row_of_ten_million_characters(self):
        items = rows()
        items[0]["text"] = "mail " * 2_000_000
        self.accept("long.jsonl", jsonl(items))

    def test_invalid_utf8_is_replaced_and_counted(self):
        bad = b'{"text": "mail \xff\xfe inbox", "labels": ["mail"]}\n'
        self.accept("latin.jsonl", jsonl(rows()).encode() + bad, "note: 1 line with invalid UTF-8")

    def test_names_of_labels_are_utf8_whatever_the_format(self):
        mended = "note: 2 lines with invalid UTF-8"
        for name, flags, line in (("a.jsonl", [], b'{"text": "mail", "labels": ["caf\xe9"]}\n'),
                                  ("b.jsonl", [], b'{"text": "mail", "labels": {"caf\xe9": 2}}\n'),
                                  ("c.csv", [], b"mail,caf\xe9\n"), ("d", ["--format", "tsv"], b"mail\tcaf\xe9\n"),
                                  ("e", ["--format", "fasttext"], b"__label__caf\xe9 mail\n"),
                                  ("f", ["--format", "labelled_text", "--named-labels"], b"caf\xe9\tmail\n")):
            head = {"c.csv": b"text,labels\n", "d": b"text\tlabels\n"}.get(name, b"")
            self.accept(name, head + line * 2, mended, flags=flags)  # verified, too
            told = self.expect(0, "predict", self.path("model.coppice"), "-", stdin='{"text": "mail"}\n').stdout
            self.assertEqual(json.loads(told)["labels"], ["caf\ufffd"], name)

    def test_stop_words_that_are_no_utf8_are_refused_before_anything_is_read(self):
        never_read = self.write("bad.jsonl", "no row\n")
        train = ["train", never_read, "-o", self.path("m")]
        for bad in ("\udcff", "the,caf\udce9"):  # the bytes FF and E9 alone
            self.expect(USAGE, *train, "--stop-words", bad, says=["option stop_words holds", "not valid UTF-8"])
            self.expect(USAGE, *train, variables={"COPPICE_STOP_WORDS": bad}, says="not valid UTF-8")
        for content, says in ((b"the\nm\xf6chte\n", "words.txt:2:2: the stop word is not valid UTF-8"),
                              (b"the\na\x00b\n", "words.txt:2:2: a NUL byte"), (b"# none\n", "no stop word"),
                              (gzip.compress(b"the\n\xff\n"), "words.txt:2:1: the stop word is not valid UTF-8"),
                              (Path(self.train()).read_bytes(), "words.txt:1:1: the stop word is not valid UTF-8")):
            self.expect(DATA, *train, "--stop-words-file", self.write("words.txt", content), says=says)

    def test_the_same_stop_words_from_anywhere_make_the_same_model(self):
        examples, models = self.write("train.jsonl", jsonl(rows())), []
        words = "spam\ncaf\u00e9\n".encode()
        for source in ("words.txt", "caf\udce9.txt", "words.txt.gz", "-", None):  # one name is no UTF-8
            flags = ["--stop-words", "spam,caf\u00e9"]
            if source:
                flags = ["--stop-words-file", source]
                if source != "-":
                    self.write(source, gzip.compress(words) if source.endswith(".gz") else words)
            self.expect(0, "train", examples, "-o", self.path("m"), *flags, stdin=words if source == "-" else b"")
            models.append((self.folder / "m").read_bytes())
        self.assertTrue(all(model == models[0] for model in models))
        self.assertNotIn(b"words.txt", models[0])
        options = json.loads(self.expect(0, "inspect", self.path("m"), "--json").stdout)["options"]
        self.assertEqual(options["stop_words"], ["spam", "caf\u00e9"])
        self.expect(0, "inspect", self.path("m"), "--audit")
        self.expect(0, "explain", self.path("m"), "SPAM", says="knows nothing of this text")

    def test_crlf_line_ends_change_nothing(self):
        model = self.path("model.coppice")
        self.accept("unix.jsonl", jsonl(rows()))
        unix = (self.folder / "model.coppice").read_bytes()
        self.accept("dos.jsonl", jsonl(rows()).replace("\n", "\r\n"))
        self.assertTrue(unix == (self.folder / "model.coppice").read_bytes(), model)

    def test_nul_bytes_are_refused(self):
        self.refuse(DATA, "nul.jsonl", jsonl(rows()).encode() + b'{"text": "a\x00b", "labels": ["mail"]}\n',
                    "nul.jsonl:241:")

    def test_a_directory_for_a_file(self):
        (self.folder / "data.jsonl").mkdir()
        self.expect(IO, "train", self.path("data.jsonl"), "-o", self.path("model.coppice"), says="directory")
        self.expect(IO, "predict", self.path("data.jsonl"), "-", says="directory")

    def test_a_missing_file(self):
        self.expect(IO, "train", self.path("none.jsonl"), "-o", self.path("m"), says="No such file")
        self.expect(IO, "predict", self.path("none.coppice"), "-", says="No such file")

    def test_a_label_never_seen_in_training_counts_as_a_miss(self):
        model = self.train()
        held_out = self.write("new.jsonl", '{"text": "inbox spam", "labels": ["mail", "never met"]}\n')
        judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)
        self.assertEqual(judged["labels_unseen_in_training"], 1)
        self.assertEqual(judged["R@5"], 50)

    def test_the_labels_of_rows_play_no_part_in_predictions(self):
        model = self.train()
        plain = '{"text": "mail inbox"}\n'
        expected = self.expect(0, "predict", model, "-", stdin=plain * 3).stdout
        odd = "".join(f'{{"text": "mail inbox", "labels": {labels}}}\n' for labels in ("[99]", '["mail"]', '["", 1]'))
        done = self.expect(0, "predict", model, "-", "--n-labels", "3", stdin=odd, says="--n-labels has no effect")
        self.assertEqual(done.stdout, expected)

    def test_label_names_do_not_move_the_labels_of_a_model_without_names(self):
        lines = ["0 1:1 2:1", "1 3:1 4:1", "2 5:1 6:1"]
        model = self.path("model.coppice")
        self.expect(0, "train", self.write("train.svm", "\n".join(lines * 4) + "\n"), "-o", model)
        held_out = self.write("test.svm", "\n".join(reversed(lines)) + "\n")
        names = self.write("names.txt", "zero\none\ntwo\n")
        for flags in ([], ["--label-names", names]):
            judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json", *flags).stdout)
            self.assertEqual(judged["P@1"], 100)
        self.expect(DATA, "evaluate", model, held_out, "--label-names", self.write("few.txt", "zero\n"),
                    says="few.txt: the file names 1 label, the model has 3")

    def test_evaluating_nothing_is_an_error(self):
        model = self.train()
        self.expect(DATA, "evaluate", model, self.write("none.jsonl", ""), says="the input is empty: no rows")
        self.expect(DATA, "evaluate", model, self.write("bare.jsonl", '{"text": "a"}\n'), says="no label in 1 row")

    def test_predicting_no_row_at_all_is_an_error_and_leaves_no_output(self):
        model = self.train()
        for name, content, flags, says in (
                ("blank.jsonl", "\n\n", [], "no rows: 2 blank lines and nothing else"),
                ("head.csv", "text,labels\n", [], "no rows: a header and nothing else"),
                ("head.csv", "text,labels\n\n", [], "no rows: a header and 1 blank line and nothing else"),
                ("head.svm", "0 3 5\n", [], "no rows: a header and nothing else"),
                ("bad.jsonl", "no json\n", ["--skip-bad-lines"], "no rows: 1 bad line, the first: "),
                ("none.txt", "", ["--format", "text"], "the input is empty: no rows")):
            for output in ("out.jsonl", "out.npz"):
                self.expect(DATA, "predict", model, self.write(name, content), "--output", self.path(output), *flags,
                            says=f"{name}: {says}")
                self.assertFalse((self.folder / output).exists(), name)
            self.assertEqual(self.expect(DATA, "predict", model, self.path(name), *flags).stdout, "")

    def test_predicting_text_that_says_nothing_is_fine(self):
        model = self.train()
        for text in ("", "   ", "wholly unknown words", "\U0001F600", "\u0000"):
            with self.subTest(text):
                done = self.expect(0, "predict", model, "-", stdin=json.dumps({"text": text}) + "\n")
                self.assertEqual(len(done.stdout.splitlines()), 1)
                self.assertNotIn("without labels", done.stderr)

    def test_a_model_in_the_place_of_examples_is_named(self):
        model = self.train()
        self.expect(DATA, "predict", model, model, says="this is a model, expected examples")
