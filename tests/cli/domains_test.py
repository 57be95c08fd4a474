# SPDX-License-Identifier: Apache-2.0
"""coppice train --domains: which domain an intent belongs to, in understand and inspect; files of domains that are wrong."""
import json
import os

from program import ProgramTest, WORDS, jsonl, rows
from tagger_test import bio, intents, utterances

USAGE, DATA, IO = 2, 3, 4

DOMAINS = {"desk": ["window", "editor", "shell"], "media": ["audio", "image"]}  # and mail, which is in none


class Domains(ProgramTest):
    def train_with(self, domains, *more, name="model.coppice"):
        examples = self.write("train.jsonl", jsonl(rows()))
        listed = self.write("domains.json", domains if isinstance(domains, str) else json.dumps(domains))
        self.told = self.expect(0, "train", examples, "-o", self.path(name), "--domains", listed, *more).stderr
        return self.path(name)

    def understood(self, model, text):
        return json.loads(self.expect(0, "understand", model, "--text", text).stdout)

    def expect_domains(self, model):
        for label, words in WORDS.items():
            answer = self.understood(model, " ".join(words))
            self.assertEqual(answer["intent"], label)
            domain = [name for name, labels in DOMAINS.items() if label in labels]
            self.assertEqual(answer.get("domain"), domain[0] if domain else None)
            self.assertEqual(answer["slots"], [])
            self.assertEqual(list(answer), ["text", *["domain"] * len(domain), "intent", "score", "slots"])

    def test_a_ranker_alone_answers_with_domain_and_intent(self):
        for flags in (["--flat"], ["--max-leaf", "2", "--branching", "2"]):
            self.expect_domains(self.train_with(DOMAINS, *flags))
            self.assertIn("note: 1 of 6 labels are in no domain of", self.told)
        rows_of_text = '{"id": "a", "text": "mixer songs"}\n{"text": "smtp inbox spam"}\n'
        done = self.expect(0, "understand", self.path("model.coppice"), "-", stdin=rows_of_text)
        first, second = map(json.loads, done.stdout.splitlines())
        self.assertEqual((first["id"], first["domain"], first["intent"]), ("a", "media", "audio"))
        self.assertEqual((second.get("domain"), second["intent"]), (None, "mail"))

    def test_compressing_keeps_domains(self):
        model, small = self.train_with(DOMAINS, "--flat"), self.path("small.coppice")
        for flags in ([], ["--value-bits", "4", "--scales", "groups", "--perfect-hash", "levels"],
                      ["--threshold", "0.1", "--refit", self.path("train.jsonl")],
                      ["--validate", self.path("train.jsonl"), "--max-loss", "0.1"]):
            self.expect(0, "compress", model, "-o", small, *flags)
            self.expect_domains(small)
            self.assertIn("5 of the labels in 2 domains", self.expect(0, "inspect", small, "--audit").stdout)

    def test_a_tagger_joins_them(self):
        items = utterances()
        examples, tags = self.write("intents.jsonl", intents(items)), self.write("train.bio", bio(items))
        listed = self.write("domains.json", '{"music": ["PlayMusic"]}')
        self.expect(0, "train", examples, "--flat", "-o", self.path("intents.coppice"), "--domains", listed)
        self.expect(0, "train-tagger", tags, "--model", self.path("intents.coppice"), "-o", self.path("both.coppice"),
                    "--iterations", "30")
        self.expect(0, "compress", self.path("both.coppice"), "-o", self.path("small.coppice"))
        for name in ("both.coppice", "small.coppice"):
            answer = self.understood(self.path(name), "put on abba")
            self.assertEqual((answer["domain"], answer["intent"]), ("music", "PlayMusic"))
            self.assertEqual([slot["text"] for slot in answer["slots"]], ["abba"])
            answer = self.understood(self.path(name), "weather in oslo")
            self.assertEqual((answer.get("domain"), answer["intent"]), (None, "GetWeather"))

    def test_inspect_shows_them(self):
        self.train_with(DOMAINS)
        model = self.train_with(DOMAINS, "--validate", self.path("train.jsonl"))
        self.assertIn("5 of the labels in 2 domains\n", self.expect(0, "inspect", model).stdout)
        shown = json.loads(self.expect(0, "inspect", model, "--json").stdout)
        self.assertEqual(shown["domains"], {"names": ["desk", "media"], "n_labels": 5})
        self.assertNotIn("domain", self.expect(0, "inspect", self.train("plain.coppice")).stdout)

    def test_they_change_nothing_else(self):
        with_domains = self.train_with(DOMAINS)
        without = self.train("without.coppice")
        query = '{"text": "mixer songs window"}\n'
        answers = [self.expect(0, "predict", model, "-", stdin=query).stdout for model in (with_domains, without)]
        self.assertEqual(answers[0], answers[1])
        again = self.train_with({"media": ["image", "audio"], "desk": ["shell", "window", "editor"]}, name="again.coppice")
        with open(with_domains, "rb") as one, open(again, "rb") as other:
            self.assertEqual(one.read(), other.read())

    def test_names_of_no_label_are_counted(self):
        self.train_with({"media": ["audio", "video", "film"], "desk": ["window"]})
        self.assertIn("note: no label of the examples has 2 names of", self.told)
        self.assertIn('"video" for one', self.told)
        self.assertIn("note: 4 of 6 labels are in no domain of", self.told)
        self.train_with({"all": sorted(WORDS)})
        self.assertNotIn("domain", self.told)

    def test_a_wrong_file_is_told_with_its_place_and_leaves_no_model(self):
        examples = self.write("train.jsonl", jsonl(rows()))
        for content, says in (("", "domains.json:1:1: domains: no valid JSON"),
                              ('{"media": [\n"audio"', "domains.json:2:8: domains: no valid JSON"),
                              ("[1]", "expected lists of labels by domain"), ("{}", "got no domain"),
                              ('{"media": "audio"}', 'domains.json: /media: domains: got "audio", expected a list'),
                              ('{"media": ["audio", 3]}', "domains.json: /media/1: domains: got 3, expected the name"),
                              ('{"media": ["audio"], "other": ["mail", "audio"]}',
                               'domains.json: /other/1: domains: the label "audio" is in a domain already'),
                              ('{"media": ["audio"], "media": ["mail"]}', 'the domain "media" is there twice'),
                              ('{"media": ["video"]}', "none of its names is that of a label")):
            listed = self.write("domains.json", content)
            for more in ([], ["--plan"]):
                self.expect(DATA, "train", examples, "-o", self.path("m"), "--domains", listed, *more, says=says)
            self.assertFalse(os.path.exists(self.path("m")), content)

    def test_labels_without_names_have_no_domains(self):
        listed = self.write("domains.json", '{"a": ["0"]}')
        numbers = self.write("rows.svm", "0 0:1\n1 1:1\n")
        self.expect(DATA, "train", numbers, "-o", self.path("m"), "--domains", listed,
                    says=("the labels have numbers only", "--label-names"))

    def test_an_output_is_no_list_of_domains(self):
        listed = self.write("domains.json", json.dumps(DOMAINS))
        self.expect(USAGE, "train", self.write("train.jsonl", jsonl(rows())), "-o", listed, "--domains", listed,
                    says="same file")
