# SPDX-License-Identifier: Apache-2.0
"""coppice train-tagger and understand: slots of texts, alone and beside intents; bad input and interruption."""
import gzip
import json
import os
import random
import signal
import subprocess

from program import COPPICE, ProgramTest, environment, jsonl

USAGE, DATA, IO, CANCELLED = 2, 3, 4, 130

ARTISTS = [["miles", "davis"], ["Nina", "Simone"], ["abba"], ["bach"]]
CITIES = [["paris"], ["New", "York"], ["oslo"], ["st.", "louis"]]


def utterances(count=120, seed=1):
    """(intent, [(token, tag)]): requests for music and for weather."""
    draw = random.Random(seed)
    out = []
    for _ in range(count):
        if draw.random() < 0.5:
            intent, words, name, slot = "PlayMusic", draw.choice(["play songs by", "put on"]), draw.choice(ARTISTS), "artist"
        else:
            intent, words, name, slot = "GetWeather", draw.choice(["weather in", "rain today in"]), draw.choice(CITIES), "city"
        tokens = [(word, "O") for word in words.split()]
        tokens += [(word, ("I-" if i else "B-") + slot) for i, word in enumerate(name)]
        if draw.random() < 0.3:
            tokens.append(("please.", "O"))
        out.append((intent, tokens))
    return out


def bio(items, line_end="\n"):
    """The utterances as a file of tags."""
    lines = []
    for intent, tokens in items:
        lines += [f"# intent={intent}", *(f"{token}\t{tag}" for token, tag in tokens), ""]
    return line_end.join(lines) + line_end


def intents(items):
    return jsonl([{"text": " ".join(token for token, _ in tokens), "labels": [intent]} for intent, tokens in items])


class Tagger(ProgramTest):
    def train_tagger(self, *more, name="slots.coppice", content=None):
        texts = self.write("train.bio", content or bio(utterances()))
        self.expect(0, "train-tagger", texts, "-o", self.path(name), "--iterations", "30", *more)
        return self.path(name)

    def understood(self, model, text):
        return json.loads(self.expect(0, "understand", model, "--text", text).stdout)

    def assistant(self):
        """A model with a ranker and a tagger."""
        examples = self.write("intents.jsonl", intents(utterances()))
        self.expect(0, "train", examples, "-o", self.path("intents.coppice"))
        return self.train_tagger("--model", self.path("intents.coppice"), name="assistant.coppice")

    def test_a_tagger_alone_finds_slots_with_their_bytes(self):
        model = self.train_tagger()
        text = "Play songs by  Nina Simone, please"
        self.assertEqual(self.understood(model, text), {
            "text": text, "slots": [{"name": "artist", "text": "Nina Simone", "begin": 15, "end": 26}]})
        self.assertEqual(self.understood(model, "weather in st. louis")["slots"][0]["text"], "st. louis")
        self.assertEqual(self.understood(model, "\u00e4\u00f6 weather in oslo")["slots"][0]["begin"], 16)
        for nothing in ("hello", "", "!"):
            self.assertEqual(self.understood(model, nothing), {"text": nothing, "slots": []})

    def test_one_file_answers_with_intent_and_slots(self):
        model = self.assistant()
        rows = '{"id": "a", "text": "rain today in new york"}\n{"text": "put on abba"}\n'
        done = self.expect(0, "understand", model, "-", stdin=rows)
        first, second = map(json.loads, done.stdout.splitlines())
        self.assertEqual(list(first), ["id", "text", "intent", "score", "slots"])
        self.assertEqual((first["id"], first["intent"]), ("a", "GetWeather"))
        self.assertEqual(first["slots"], [{"name": "city", "text": "new york", "begin": 14, "end": 22}])
        self.assertEqual((second["intent"], second["slots"][0]["text"]), ("PlayMusic", "abba"))
        best = json.loads(self.expect(0, "predict", model, "-", "--top-k", "1", stdin=rows).stdout.splitlines()[0])
        self.assertEqual((best["labels"], best["scores"]), ([first["intent"]], [first["score"]]))
        self.expect(0, "predict", self.path("intents.coppice"), "-", stdin=rows)  # it is as it was
        held_out = self.write("held_out.bio", bio(utterances(40, seed=4)).replace("GetWeather", "Unknown", 1))
        judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)
        self.assertEqual(judged["intents"], {"texts": 40, "right": 39, "accuracy": 97.5, "frames_right": 39,
                                             "frame_accuracy": 97.5})
        self.assertIn("39 of 40 intents are right (97.50 %)", self.expect(0, "evaluate", model, held_out).stdout)
        text = self.expect(0, "inspect", model, "--audit").stdout
        self.assertIn("2 labels", text)
        self.assertIn("finds 2 types of slots", text)
        self.assertIn("tagger.l1", text)

    def test_lines_of_text_and_an_output_file(self):
        model = self.train_tagger()
        lines = self.write("lines.txt", "put on bach\nweather in paris\n")
        self.expect(0, "understand", model, lines, "--format", "text", "--output", self.path("out.jsonl"))
        found = [json.loads(line)["slots"][0]["text"] for line in (self.folder / "out.jsonl").read_text().splitlines()]
        self.assertEqual(found, ["bach", "paris"])
        self.expect(USAGE, "understand", model, lines, "--format", "text", "--output", lines, says="same file")

    def test_the_same_bytes_for_any_number_of_threads(self):
        models = []
        for threads in ("1", "2", "7"):
            self.train_tagger("--threads", threads)
            models.append((self.folder / "slots.coppice").read_bytes())
        self.assertTrue(models[0] == models[1] == models[2])

    def test_held_out_texts_are_judged_and_the_figures_kept(self):
        held_out = self.write("held_out.bio", bio(utterances(60, seed=2)))
        texts = self.write("train.bio", bio(utterances()))
        model = self.path("slots.coppice")
        done = self.expect(0, "train-tagger", texts, "-o", model, "--validate", held_out, "--json")
        report = json.loads(done.stdout)
        self.assertEqual((report["texts"], report["slot_types"], report["validation"]["f1"]), (120, 2, 100))
        self.assertEqual(report["model_bytes"], os.path.getsize(model))
        judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)
        self.assertEqual(judged, report["validation"])
        self.assertIn("60 of 60 texts", self.expect(0, "evaluate", model, held_out).stdout)
        metrics = json.loads(self.expect(0, "inspect", model, "--json").stdout)["metrics"]
        self.assertEqual((metrics["slot_texts"], metrics["slot_f1"]), (60, 100))
        table = self.expect(0, "train-tagger", texts, "-o", model, "--validate", held_out).stdout
        self.assertIn("city", table)

    def test_a_slot_that_the_model_does_not_know_is_missed(self):
        model = self.train_tagger()
        held_out = self.write("new.bio", "put\tO\non\tO\nbach\tB-composer\n")
        judged = json.loads(self.expect(0, "evaluate", model, held_out, "--json").stdout)
        self.assertEqual((judged["slots"], judged["found"], judged["right"]), (1, 1, 0))
        self.assertEqual(judged["types"]["composer"]["recall"], 0)

    def test_options_that_play_no_part_are_noted(self):
        model = self.train_tagger()
        done = self.expect(0, "evaluate", model, self.path("train.bio"), "--top-k", "3")
        self.assertIn("--top-k", done.stderr)
        self.assertIn("slot tagger alone", done.stderr)

    def test_compress_makes_the_tagger_smaller_too(self):
        model, small = self.assistant(), self.path("small.coppice")
        for flags in ([], ["--value-bits", "6", "--tagger-threshold", "0.1"], ["--perfect-hash", "levels"]):
            self.expect(0, "compress", model, "-o", small, *flags)
            self.assertLess(os.path.getsize(small), os.path.getsize(model))
            self.assertEqual(self.understood(small, "weather in oslo")["slots"][0]["text"], "oslo")
            self.assertEqual(self.understood(small, "weather in oslo")["intent"], "GetWeather")
            self.expect(0, "inspect", small, "--audit", says=())
        alone = self.train_tagger()
        self.expect(0, "compress", alone, "-o", small)
        self.assertEqual(self.understood(small, "put on bach")["slots"][0]["name"], "artist")
        self.expect(USAGE, "compress", alone, "-o", small, "--threshold", "0.2", says="a slot tagger alone")
        self.expect(USAGE, "compress", alone, "-o", small, "--tagger-value-bits", "9", says="tagger_value_bits is 9")
        self.expect(USAGE, "compress", self.path("intents.coppice"), "-o", small, "--tagger-threshold", "0.2",
                    says="no slot tagger")

    def tagger_bytes(self, model):
        sections = json.loads(self.expect(0, "inspect", model, "--json").stdout)["sections"]
        return [entry["size_bytes"] for entry in sections if entry["name"] == "tagger_payload"]

    def test_a_tagger_has_bits_of_its_own_which_a_search_leaves_alone(self):
        model, small = self.assistant(), self.path("small.coppice")
        self.expect(0, "compress", model, "-o", small)
        as_weights = self.tagger_bytes(small)
        self.expect(0, "compress", model, "-o", small, "--value-bits", "4", "--tagger-value-bits", "8")
        self.assertEqual(self.tagger_bytes(small), as_weights)
        self.expect(0, "compress", model, "-o", small, "--tagger-value-bits", "4")
        self.assertLess(self.tagger_bytes(small), as_weights)
        held_out = self.write("held_out.jsonl", intents(utterances(40, seed=3)))
        self.expect(0, "compress", model, "-o", small, "--validate", held_out, "--max-loss", "50", "--try-value-bits", "4")
        self.assertEqual(self.tagger_bytes(small), as_weights)

    def test_gazetteers_tell_names_that_were_never_seen(self):
        cities = self.write("cities.txt.gz", gzip.compress(b"paris\nnew york\noslo\nst. louis\nulan bator\n"))
        artists = self.write("artists.txt", "miles davis\nnina simone\nabba\nbach\n")
        model = self.train_tagger("--gazetteer", f"city={cities},artist={artists}")
        self.assertEqual(self.understood(model, "Ulan Bator")["slots"][0]["text"], "Ulan Bator")
        self.assertIn("gazetteers: city, artist", self.expect(0, "inspect", model).stdout)

    def test_wrong_gazetteers(self):
        texts = self.write("train.bio", bio(utterances()))
        cities = self.write("cities.txt", "paris\n")
        empty = self.write("empty.txt", "# nothing\n")
        for code, value, says in [(USAGE, "cities.txt", "expected NAME=FILE"), (USAGE, f"a={cities},a={cities}", "of one name"),
                                  (IO, "city=none.txt", "none.txt"), (DATA, f"city={empty}", "holds no phrase")]:
            says = "have the name 'a'" if says == "of one name" else says
            self.expect(code, "train-tagger", texts, "-o", self.path("m"), "--gazetteer", value, says=says)
            self.assertFalse(os.path.exists(self.path("m")))

    def test_a_tagger_that_learned_nothing_is_told(self):
        texts = self.write("train.bio", bio(utterances()))
        self.expect(0, "train-tagger", texts, "-o", self.path("slots.coppice"), "--l1", "1e6", says="no weight was kept")

    def refuse(self, content, *says, code=DATA, flags=()):
        path = self.write("bad.bio", content)
        self.expect(code, "train-tagger", path, "-o", self.path("slots.coppice"), *flags, says=says)
        self.assertEqual(self.names_in_folder(), ["bad.bio"])

    def test_bad_input_is_told_with_its_place(self):
        self.refuse("", "bad.bio: there is no text")
        self.refuse("\n\n", "there is no text")
        self.refuse("play\tO\nsongs\n", "bad.bio:2:1: the line is 'songs', expected a token and its tag")
        self.refuse("play\tO\nabba\tartist\n", "bad.bio:2:6: the tag is 'artist', expected O, B-NAME or I-NAME")
        self.refuse("play\tO\nabba\tI-artist\n", "bad.bio:2:6: the tag 'I-artist' continues no slot",
                    "hint: --repair-tags lets such a tag begin a slot")
        self.refuse("play\tO\nsongs\tO\n", "no word has a tag but O")
        self.refuse(b"pl\0ay\tO\n", "bad.bio:1:3:")
        self.refuse('{"text": "play", "labels": ["a"]}\n', "bad.bio:1:")

    def test_what_can_be_repaired_is_and_is_counted(self):
        text = bio(utterances()).encode() + b"put\tO\non\tO\ncaf\xe9\tI-artist\n"
        path = self.write("some.bio", text.replace(b"\n", b"\r\n"))
        done = self.expect(0, "train-tagger", path, "-o", self.path("slots.coppice"), "--repair-tags")
        self.assertIn("note: 1 line with invalid UTF-8", done.stderr)
        self.assertIn("note: 1 I- tag that continued no slot", done.stderr)
        self.assertEqual(self.understood(self.path("slots.coppice"), "weather in oslo")["slots"][0]["text"], "oslo")

    def test_standard_input_compressed_files_and_pipes(self):
        text = bio(utterances())
        self.expect(0, "train-tagger", "-", "-o", self.path("a"), stdin=gzip.compress(text.encode()))
        self.expect(0, "train-tagger", self.write("train.bio", text), "-o", self.path("b"))
        self.assertEqual((self.folder / "a").read_bytes(), (self.folder / "b").read_bytes())

    def test_what_a_model_cannot_answer_is_told(self):
        tagger = self.train_tagger()
        ranker = self.train("ranker.coppice")
        self.assertEqual(self.understood(ranker, "mixer songs")["slots"], [])
        self.expect(USAGE, "evaluate", ranker, self.path("train.bio"), says=("no slot tagger", "train-tagger --model"))
        row = '{"text": "put on bach", "labels": ["x"]}\n'
        self.expect(USAGE, "predict", tagger, "-", stdin=row, says=("a slot tagger alone", "coppice understand"))
        self.expect(USAGE, "evaluate", tagger, "-", stdin=row, says="a slot tagger alone")
        self.expect(USAGE, "explain", tagger, "put on bach", says="a slot tagger alone")
        self.expect(USAGE, "inspect", tagger, "--tree", "json", says="a slot tagger alone")
        self.expect(DATA, "understand", tagger, self.write("rows.svm", "1 0:1 3:2\n"), says="no text")

    def test_outputs_are_no_inputs(self):
        texts = self.write("train.bio", bio(utterances()))
        self.expect(USAGE, "train-tagger", texts, says="no output")
        self.expect(USAGE, "train-tagger", texts, "-o", texts, says="same file")
        self.expect(USAGE, "train-tagger", texts, "-o", "-", "--json", says="standard output")
        self.expect(IO, "train-tagger", texts, "-o", self.path("none/slots"), says="none/slots")
        self.expect(IO, "train-tagger", self.path("none.bio"), "-o", self.path("slots"), says="none.bio")
        self.expect(IO, "train-tagger", texts, "-o", self.path("slots"), "--model", "none.coppice", says="none.coppice")
        self.assertEqual(self.names_in_folder(), ["train.bio"])

    def test_ctrl_c_stops_training_with_130_and_leaves_nothing(self):
        draw = random.Random(3)
        items = utterances(400)
        for _, tokens in items:
            tokens += [(f"w{draw.randrange(10 ** 6)}", "O") for _ in range(100)]
        self.write("big.bio", bio(items))
        process = subprocess.Popen([COPPICE, "train-tagger", "big.bio", "-o", "slots.coppice", "--iterations", "100000",
                                    "--tolerance", "0", "--log-json"], cwd=self.folder, env=environment(),
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.kill)
        for line in process.stderr:
            if "tokens" in line:  # what was read is told: the handler is in place by then
                break
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(120), CANCELLED)
        self.assertEqual(self.names_in_folder(), ["big.bio"])
