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
        self.assertIn("tree", self.expect(0, "inspect", model, "--audit").stdout.lower())
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

    def ensemble(self, first, second, code=0, says=(), query="inbox spam smtp", flags=()):
        done = self.expect(code, "predict", first, "-", "--with-models", second, "--top-k", "6", "--beam", "100", *flags,
                           stdin=json.dumps({"text": query}) + "\n", says=says)
        return {} if code else dict(zip(*(json.loads(done.stdout)[key] for key in ("labels", "scores"))))

    def test_a_tree_that_inspect_writes_can_be_trained_with(self):
        """With names, without, and with names that several labels have."""
        named = self.write("train.jsonl", jsonl(rows()))
        bare = self.write("bare.svm", "".join(f"{i % 40} {i % 40}:1 {40 + i % 7}:1\n" for i in range(120)))
        names = self.write("names.txt", "".join(f"label {i % 25}\n" for i in range(40)))
        shape = ("--max-leaf", "4", "--branching", "2")
        for name, data in (("named", (named,)), ("bare", (bare,)), ("repeated", (bare, "--label-names", names))):
            self.expect(0, "train", *data, *shape, "-o", self.path(name))
            written = self.expect(0, "inspect", self.path(name), "--tree", "json").stdout
            self.expect(0, "train", *data, "--tree", self.write("tree.json", written), "-o", self.path("again"))
            again = self.expect(0, "inspect", self.path("again"), "--tree", "json").stdout
            self.assertEqual(json.loads(again), json.loads(written), name)
            self.assertGreater(written.count("children"), 1, name)
        self.expect(3, "train", bare, "--label-names", names, "-o", self.path("m"), "--tree",
                    self.write("tree.json", '{"labels": ["label 24", "label 3"]}'),
                    says=["tree.json: /labels/1: ", 'several labels are named "label 3"', "by its number"])
        self.expect(3, "train", bare, "-o", self.path("m"), "--tree", self.write("tree.json", '{"children": []}'),
                    says=["tree.json: label tree: it holds no label"])

    def test_models_of_an_ensemble_find_their_labels_by_name(self):
        items = rows()
        one = self.train("one.coppice", items)
        two = self.train("two.coppice", items[::-1])  # labels are numbered as they come: in another order here
        alone = [self.ensemble(model, model) for model in (one, two)]
        both = self.ensemble(one, two)
        self.assertEqual(sorted(both), sorted(alone[0]))
        for label, score in both.items():
            self.assertAlmostEqual(score, (alone[0][label] + alone[1][label]) / 2, 6)
        self.assertEqual(self.ensemble(two, one), both)

    def test_the_threshold_of_an_ensemble_holds_for_the_combined_score(self):
        one, two = self.train("one.coppice", rows(seed=1)), self.train("two.coppice", rows(60, seed=2))
        for query in ("inbox spam smtp", "window mail"):
            scores = self.ensemble(one, two, query=query)
            self.assertGreater(len(scores), 3)
            for threshold in list(scores.values())[1:]:
                threshold -= 1e-6  # scores are printed to about seven digits
                kept = self.ensemble(one, two, query=query, flags=["--threshold", str(threshold)])
                self.assertEqual(kept, {label: score for label, score in scores.items() if score >= threshold})

    def test_models_of_other_labels_are_no_ensemble(self):
        one = self.train("one.coppice")
        renamed = rows()
        for item in renamed:
            item["labels"] = ["post" if label == "mail" else label for label in item["labels"]]
        other = self.train("other.coppice", renamed)
        self.ensemble(one, other, 3, ["other.coppice: ", "it has no 'mail'", "--label-names"])
        self.ensemble(other, one, 3, "'mail' is new")
        self.write("three.svm", "2 4 3\n0,1 0:1 1:2\n2 2:1\n")
        self.write("five.svm", "2 4 5\n0,1 0:1 1:2\n4 2:1\n")
        for name in ("three", "five"):
            self.expect(0, "train", self.path(f"{name}.svm"), "-o", self.path(f"{name}.coppice"))
        self.expect(3, "predict", self.path("three.coppice"), self.path("three.svm"), "--with-models",
                    self.path("five.coppice"), says=["five.coppice: ", "it has 5 labels, the first has 3"])
        self.expect(0, "predict", self.path("three.coppice"), self.path("three.svm"), "--with-models",
                    self.path("three.coppice"))

    def test_labels_with_a_comma_are_named_by_a_file(self):
        items = rows()
        for item in items:
            item["labels"] = ["mail, and news" if label == "mail" else label for label in item["labels"]]
        model = self.train("model.coppice", items)
        names = "@" + self.write("names.txt", "mail, and news\nshell\n")
        def labels(*flags):
            done = self.expect(0, "predict", model, "-", *flags, stdin='{"text": "inbox spam smtp"}\n')
            return json.loads(done.stdout)["labels"]
        self.assertEqual(labels("--allow", names), ["mail, and news", "shell"])
        self.assertEqual(labels("--score-labels", names), ["mail, and news", "shell"])
        self.assertEqual(sorted(labels("--allow", names + ",audio")), ["audio", "mail, and news", "shell"])
        self.assertNotIn("mail, and news", labels("--deny", names))
        config = self.write("config.json", json.dumps({"allow": ["mail, and news"]}))
        self.assertEqual(labels("--config", config), ["mail, and news"])
        self.expect(4, "predict", model, "-", "--allow", "@none.txt", stdin="", says="none.txt")

    def test_plan_states_memory_time_and_size_and_writes_nothing(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        told = self.expect(0, "train", examples, "-o", self.path("model.coppice"), "--plan").stdout
        for pattern in (r"training +[0-9.]+ s", r"peak memory +[1-9][0-9]* MB", r"model file +[0-9.]+ MB"):
            self.assertRegex(told, "(?m)^" + pattern)
        plan = json.loads(self.expect(0, "train", examples, "--plan", "--json").stdout)
        self.assertEqual((plan["rows"], plan["labels"]), (240, 6))
        for key in ("peak_bytes", "model_bytes", "train_seconds"):
            self.assertGreater(plan[key], 0, key)
        self.assertEqual(self.names_in_folder(), ["train.jsonl"])

    def test_training_says_what_it_came_to_as_json(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        model = self.path("model.coppice")
        came_to = json.loads(self.expect(0, "train", examples, "-o", model, "--json").stdout)
        self.assertEqual(came_to["model"], model)
        self.assertEqual((came_to["rows"], came_to["labels"]), (240, 6))
        self.assertEqual(came_to["model_bytes"], (self.folder / "model.coppice").stat().st_size)
        self.assertGreater(came_to["features"], 0)
        self.assertGreater(came_to["peak_bytes"], 0)
        names = [stage["name"] for stage in came_to["stages"]]
        self.assertEqual(names[0], "reading")
        self.assertTrue(any(name.startswith("training level 1") for name in names), names)
        self.assertLessEqual(sum(stage["seconds"] for stage in came_to["stages"]), came_to["seconds"])

    def test_given_labels_are_scored_as_a_whole_search_scores_them(self):
        model = self.train()
        queries = jsonl([{"id": str(i), "text": row["text"]} for i, row in enumerate(rows(20, seed=5))])
        def predict(*flags):
            done = self.expect(0, "predict", model, "-", *flags, stdin=queries)
            return [json.loads(line) for line in done.stdout.splitlines()]
        whole = predict("--top-k", "6", "--beam", "100")
        some = predict("--score-labels", "shell,audio")
        self.assertEqual([line["id"] for line in some], [str(i) for i in range(20)])
        for all_labels, two in zip(whole, some):
            scores = dict(zip(all_labels["labels"], all_labels["scores"]))
            self.assertEqual(two["labels"], ["shell", "audio"])
            self.assertEqual(two["scores"], [scores["shell"], scores["audio"]])
        self.expect(2, "predict", model, "-", "--score-labels", "shel", stdin=queries, says="no label 'shel'")
        self.expect(2, "predict", model, "-", "--score-labels", "shell", "--top-k", "3", stdin=queries, says="--top-k")
        self.expect(0, "predict", model, "-", "--score-labels", "shell", "--output", self.path("s.npz"), stdin=queries)
        self.assertTrue((self.folder / "s.npz").read_bytes().startswith(b"PK"))

    def test_scores_are_printed_as_the_shortest_text_of_a_float(self):
        model = self.train()
        done = self.expect(0, "predict", model, "-", stdin='{"text": "inbox spam smtp cursor pixels"}\n')
        for score in json.loads(done.stdout, parse_float=str)["scores"]:
            digits = score.split("e")[0].replace("0.", "", 1).replace(".", "").lstrip("0")
            self.assertLessEqual(len(digits), 9, score)

    def test_evaluation_is_the_same_for_1_2_and_7_threads(self):
        model = self.train()
        held_out = self.write("held_out.jsonl", jsonl(rows(300, seed=2)))
        told = [self.expect(0, "evaluate", model, held_out, "--json", "--threads", n).stdout for n in ("1", "2", "7")]
        self.assertTrue(told[0] == told[1] == told[2])

    def test_a_bin_without_rows_has_no_figures(self):
        model = self.train()
        held_out = self.write("held_out.jsonl", jsonl(rows(60, seed=2)))
        bins = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)["bins"]
        empty = [one for one in bins.values() if one["rows"] == 0]
        self.assertTrue(empty)
        for one in empty:
            self.assertIsNone(one["P@1"])
            self.assertIsNone(one["MRR"])
            self.assertEqual(one["positives"], 0)
        self.assertTrue(any(one["P@1"] is not None for one in bins.values()))

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
        for command in ("train", "predict", "evaluate"):
            self.assertNotIn("{false}", self.expect(0, command, "--help").stdout)

    def test_quiet_says_nothing_and_data_goes_to_standard_output_only(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        done = self.expect(0, "train", examples, "-o", self.path("model.coppice"), "--quiet")
        self.assertEqual((done.stdout, done.stderr), ("", ""))
