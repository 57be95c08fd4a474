# SPDX-License-Identifier: Apache-2.0
"""The commands of the README, their streams, flags and JSON."""
import gzip
import json

from program import ProgramTest, jsonl, rows


class Commands(ProgramTest):
    def test_train_evaluate_predict_explain_inspect_go_together(self):
        model = self.train()
        held_out = self.write("held_out.jsonl", jsonl(rows(60, seed=2)))
        judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)
        self.assertGreater(judged["P@1"], 95)
        self.assertEqual(judged["rows"], 60)
        for key in ("P@5", "R@3", "nDCG@5", "PSP@3", "PSnDCG@1", "MRR", "bins", "propensity", "formulas"):
            self.assertIn(key, judged)
        table = self.expect(0, "evaluate", model, held_out).stdout
        for part in ("P@1", "nDCG@5", "PSP@3", "head", "tail", "A = 0.55"):
            self.assertIn(part, table)
        answer = self.expect(0, "predict", model, "-", "--top-k", "2", stdin='{"text": "inbox spam smtp"}\n')
        line = json.loads(answer.stdout)
        self.assertEqual(line["labels"][0], "mail")
        self.assertEqual(len(line["labels"]), 2)
        self.assertGreaterEqual(line["scores"][0], line["scores"][1])
        self.assertIn("mail", self.expect(0, "explain", model, "inbox spam smtp").stdout)
        self.assertIn("tree", self.expect(0, "inspect", model, "--verify").stdout.lower())
        json.loads(self.expect(0, "inspect", model, "--json").stdout)
        json.loads(self.expect(0, "inspect", model, "--tree", "json").stdout)
        self.assertIn("<svg", self.expect(0, "inspect", model, "--tree", "svg").stdout)

    def test_predictions_keep_the_order_and_ids_of_their_rows(self):
        model = self.train()
        queries = jsonl([{"id": f"q{i}", "text": row["text"]} for i, row in enumerate(rows(50, seed=3))])
        lines = [json.loads(line) for line in self.expect(0, "predict", model, "-", stdin=queries).stdout.splitlines()]
        self.assertEqual([line["id"] for line in lines], [f"q{i}" for i in range(50)])

    def test_training_gives_the_same_bytes_for_1_2_and_7_threads(self):
        made = []
        for threads in ("1", "2", "7"):
            model = self.train(f"model{threads}", None, "--threads", threads)
            made.append((self.folder / f"model{threads}").read_bytes())
            self.assertTrue(model)
        self.assertTrue(made[0] == made[1] == made[2])

    def test_training_reads_standard_input_and_gzip(self):
        model = self.train()
        text = jsonl(rows()).encode()
        self.expect(0, "train", "-", "-o", self.path("from_stdin"), stdin=text)
        self.write("train.jsonl.gz", gzip.compress(text))
        self.expect(0, "train", self.path("train.jsonl.gz"), "-o", self.path("from_gzip"))
        bytes_of = [(self.folder / name).read_bytes() for name in ("model.coppice", "from_stdin", "from_gzip")]
        self.assertTrue(bytes_of[0] == bytes_of[1] == bytes_of[2], model)

    def test_flag_beats_environment_beats_config_file(self):
        model = self.train()
        self.write("config.json", '{"top_k": 1}')
        def count(*flags, **variables):
            done = self.expect(0, "predict", model, "-", *flags, stdin='{"text": "mail"}\n', variables=variables)
            return len(json.loads(done.stdout)["labels"])
        config = ("--config", self.path("config.json"))
        self.assertEqual(count(*config), 1)
        self.assertEqual(count(*config, COPPICE_TOP_K="2"), 2)
        self.assertEqual(count(*config, "--top-k", "3", COPPICE_TOP_K="2"), 3)

    def test_allowed_and_denied_labels_hold(self):
        model = self.train()
        def labels(*flags):
            done = self.expect(0, "predict", model, "-", *flags, stdin='{"text": "inbox spam smtp"}\n')
            return json.loads(done.stdout)["labels"]
        self.assertEqual(sorted(labels("--allow", "audio,shell")), ["audio", "shell"])
        self.assertNotIn("mail", labels("--deny", "mail"))

    def test_plan_states_memory_time_and_size_and_writes_nothing(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        self.expect(0, "train", examples, "-o", self.path("model.coppice"), "--plan")
        self.assertEqual(self.names_in_folder(), ["train.jsonl"])

    def test_wrong_usage_exits_2_and_names_the_nearest(self):
        self.expect(2, says="coppice")
        self.expect(2, "trian", says="did you mean 'train'?")
        self.expect(2, "predict", "model", "-", "--topk", "3", says="--top-k")
        self.expect(2, "predict", self.train(), "-", "--top-k", "0", stdin='{"text": "a"}\n', says="top_k")
        self.expect(2, "train", self.path("train.jsonl"), says="-o")
        self.write("config.json", '{"beem": 3}')
        self.expect(2, "predict", self.path("model.coppice"), "--config", self.path("config.json"), says="beam")

    def test_help_and_version_go_to_standard_output(self):
        self.assertIn("train", self.expect(0, "--help").stdout)
        self.assertIn("0.1.0", self.expect(0, "--version").stdout)
        self.assertIn("--top-k", self.expect(0, "predict", "--help").stdout)

    def test_quiet_says_nothing_and_data_goes_to_standard_output_only(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        done = self.expect(0, "train", examples, "-o", self.path("model.coppice"), "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
