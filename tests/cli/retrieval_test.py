# SPDX-License-Identifier: Apache-2.0
"""coppice index and retrieve: passages in, those that fit a question out; what is no passage."""
import gzip
import json
import math
import re
import subprocess
from collections import Counter

from program import COPPICE, ProgramTest, environment, jsonl

USAGE, DATA, IO = 2, 3, 4

PASSAGES = [
    {"id": "tides", "title": "The sea", "text": "The moon pulls the water of the oceans.", "page": 3},
    {"id": "bread", "text": "Flour, water, salt and yeast make bread. The dough rests for an hour.", "tags": ["food"]},
    {"id": 7, "text": "An hour has sixty minutes."},
]


class Retrieval(ProgramTest):
    def index(self, content=None, *flags, name="passages.jsonl"):
        path = self.write(name, jsonl(PASSAGES) if content is None else content)
        self.told = self.expect(0, "index", path, "-o", self.path("notes.coppice"), *flags)
        return self.path("notes.coppice")

    def retrieve(self, model, query, *flags):
        answer = json.loads(self.expect(0, "retrieve", model, query, "--json", *flags).stdout)
        self.assertEqual(answer["query"], query)
        return answer["passages"]

    def refuse(self, code, content, *says, flags=(), name="passages.jsonl"):
        path = self.write(name, content)
        self.expect(code, "index", path, "-o", self.path("notes.coppice"), *flags, says=says)
        self.assertEqual([item.name for item in self.folder.iterdir()], [name], "a failed run left something behind")

    def test_passages_come_back_with_text_and_metadata(self):
        model = self.index()
        found = self.retrieve(model, "how long does dough rest, an hour?")
        self.assertEqual([passage["id"] for passage in found][:2], ["bread", "7"])
        self.assertEqual(found[0]["text"], PASSAGES[1]["text"])
        self.assertEqual(found[0]["metadata"], {"tags": ["food"]})
        self.assertNotIn("metadata", found[1])
        tides = self.retrieve(model, "SEA", "--top-k", "1")
        self.assertEqual([(p["id"], p["metadata"]) for p in tides], [("tides", {"title": "The sea", "page": 3})])

    def test_scores_are_those_of_bm25(self):
        def words(passage):
            return re.findall(r"\w+", (passage.get("title", "") + " " + passage["text"]).lower())
        counts = [Counter(words(passage)) for passage in PASSAGES]
        mean = sum(sum(count.values()) for count in counts) / len(counts)
        query, expected = "the water of an hour hour", {}
        for passage, count in zip(PASSAGES, counts):
            score = 0
            for word in query.split():
                df, tf = sum(word in other for other in counts), count[word]
                idf = math.log(1 + (len(counts) - df + 0.5) / (df + 0.5))
                score += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * sum(count.values()) / mean))
            expected[str(passage["id"])] = score
        for passage in self.retrieve(self.index(), query):
            self.assertAlmostEqual(passage["score"], expected.pop(passage["id"]), places=5)
        self.assertFalse([score for score in expected.values() if score > 0])

    def test_every_command_that_takes_a_model_takes_an_index(self):
        model, small = self.index(), self.path("small.coppice")
        done = self.expect(0, "predict", model, "-", "--top-k", "1", stdin='{"text": "moon"}\n')
        self.assertEqual(json.loads(done.stdout)["labels"], ["tides"])
        self.assertIn("the labels stand for 3 passages", self.expect(0, "inspect", model, "--audit").stdout)
        self.assertEqual(json.loads(self.expect(0, "inspect", model, "--json").stdout)["passages"]["n_passages"], 3)
        self.expect(0, "compress", model, "-o", small)
        self.expect(0, "inspect", small, "--audit")
        self.assertEqual(self.retrieve(small, "moon")[0]["text"], PASSAGES[0]["text"])
        self.assertIn("moon", self.expect(0, "explain", model, "moon").stdout)

    def test_files_of_text_are_cut_into_parts_that_say_where_they_stand(self):
        text = "".join(f"# Part {i}\n\nSentence {i} is about topic{i}. " + "Filler words follow. " * 40 + "\n\n"
                       for i in range(8))
        self.write("guide.md", text)
        self.expect(0, "index", "guide.md", "-o", self.path("m"), "--chunk-words", "100", "--chunk-overlap", "20")
        found = self.retrieve(self.path("m"), "topic5", "--top-k", "1")[0]
        part = found["metadata"]["part"]
        self.assertEqual(part["of"], "guide.md")
        self.assertRegex(found["id"], r"^guide\.md#\d+$")
        self.assertEqual(text.encode()[part["begin"]:part["end"]].decode(), found["text"])
        self.assertIn("topic5", found["text"])

    def test_passages_as_indexed_can_be_indexed_again(self):
        model = self.index("One two three. Four five six. Seven eight nine.\n", "--chunk-words", "3", "--passages",
                           self.path("parts.jsonl"), name="a.txt")
        again = self.path("again.coppice")
        self.expect(0, "index", self.path("parts.jsonl"), "-o", again)
        self.assertEqual(self.retrieve(again, "five"), self.retrieve(model, "five"))
        self.assertEqual(len((self.folder / "parts.jsonl").read_text().splitlines()), 3)

    def test_questions_come_one_a_line_too(self):
        model = self.index()
        done = self.expect(0, "retrieve", model, "-", "--json", stdin="moon\n\nyeast\nnothing known\n")
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([answer["query"] for answer in answers], ["moon", "yeast", "nothing known"])
        self.assertEqual([len(answer["passages"]) for answer in answers], [1, 1, 0])

    def test_people_get_lines_and_a_note_when_there_is_nothing(self):
        model = self.index()
        self.assertRegex(self.expect(0, "retrieve", model, "moon").stdout, r"^1\. tides  score \d\.\d+\n   The moon pulls")
        done = self.expect(0, "retrieve", model, "zebra", says="note: no passage has a word of the query")
        self.assertEqual(done.stdout, "")
        self.assertEqual(self.expect(0, "retrieve", model, "zebra", "--quiet").stderr, "")

    def test_what_came_of_it_is_told_as_json(self):
        self.index(None, "--json")
        report = json.loads(self.told.stdout)
        self.assertEqual((report["files"], report["texts"], report["passages"]), (1, 3, 3))
        self.assertEqual(report["model_bytes"], (self.folder / "notes.coppice").stat().st_size)

    def test_the_file_is_the_same_for_any_number_of_threads(self):
        lines = jsonl({"id": i, "text": f"word{i % 7} word{i % 11} word{i}"} for i in range(500))
        files = []
        for threads in ("1", "2", "7"):
            self.index(lines, "--threads", threads, "--max-flat", "0", "--max-leaf", "20")
            files.append((self.folder / "notes.coppice").read_bytes())
        self.assertTrue(files[0] == files[1] == files[2])

    def test_a_large_index_has_a_tree_and_a_beam(self):
        lines = jsonl({"id": i, "text": f"word{i % 97} word{i % 11} word{i}"} for i in range(2000))
        model = self.index(lines, "--max-flat", "100", "--max-leaf", "50", "--branching", "8")
        self.assertGreater(len(json.loads(self.expect(0, "inspect", model, "--json").stdout)["levels"]), 1)
        self.assertEqual(self.retrieve(model, "word1999 word60", "--top-k", "1")[0]["id"], "1999")
        self.assertEqual(len(self.retrieve(model, "word3", "--beam", "1")), 5)

    def test_one_passage_is_an_index_too(self):
        for flags in ([], ["--max-flat", "0"]):
            model = self.index('{"id": "a", "text": "word"}\n', *flags)
            self.assertEqual([passage["id"] for passage in self.retrieve(model, "word")], ["a"])
            self.expect(0, "inspect", model, "--audit")

    def test_compressed_input_and_standard_input(self):
        self.index(gzip.compress(jsonl(PASSAGES).encode()), name="passages.jsonl.gz")
        self.expect(0, "index", "-", "-o", self.path("m"), stdin=jsonl(PASSAGES))
        self.assertEqual((self.folder / "m").read_bytes(), (self.folder / "notes.coppice").read_bytes())

    def test_an_empty_file(self):
        self.refuse(DATA, "", "passages.jsonl: there are no passages in 1 file")
        self.refuse(DATA, "\n\n", "there are no passages")

    def test_an_id_that_is_there_twice(self):
        self.refuse(DATA, jsonl([*PASSAGES, PASSAGES[1]]), "passages.jsonl:4: the id 'bread'", "passages.jsonl:2, too")

    def test_a_missing_text_or_id(self):
        self.refuse(DATA, '{"id": "a", "body": "x"}\n', "passages.jsonl:1: the row has no 'text'", "--text-field")
        self.refuse(DATA, '{"text": "x"}\n', "passages.jsonl:1: the row has no 'id'", "--id-field")
        self.refuse(DATA, '{"id": "a", "text": ["x"]}\n', "passages.jsonl:1: 'text' is a list")

    def test_no_json(self):
        self.refuse(DATA, jsonl(PASSAGES) + '{"id": "a", "text": "x"\n', "passages.jsonl:4:")
        self.refuse(DATA, "plain text\n", "passages.jsonl:1:")

    def test_nothing_to_search_for(self):
        self.refuse(DATA, '{"id": "a", "text": "..."}\n', "no passage has a word that could be searched for")
        self.refuse(DATA, jsonl(PASSAGES), "no passage has a word", flags=["--min-df", "9"])
        self.refuse(USAGE, jsonl(PASSAGES), "every analyzer is off", flags=["--word-ngrams", ""])

    def test_a_passage_without_words_is_noted(self):
        self.index('{"id": "a", "text": ""}\n{"id": "b", "text": "word"}\n')
        self.assertIn("note: 1 passage without a word", self.told.stderr)

    def test_a_huge_passage_is_one_or_many(self):
        text = "All the words of it. " * 200_000
        row = json.dumps({"id": "huge", "text": text}) + "\n"
        found = self.retrieve(self.index(row), "words")
        self.assertEqual(found[0]["text"], text)
        report = json.loads(self.expect(0, "index", self.path("passages.jsonl"), "-o", self.path("m"), "--chunk-words",
                                        "1000", "--json").stdout)
        self.assertEqual(report["passages"], 1000)

    def test_a_line_that_is_too_long(self):
        self.refuse(DATA, jsonl(PASSAGES), "passages.jsonl:1", flags=["--max-line-bytes", "20"])

    def test_bad_bytes_are_repaired_and_counted(self):
        model = self.index(b'{"id": "a", "text": "caf\xe9 au lait"}\n')
        self.assertIn("note: 1 text with invalid UTF-8 repaired", self.told.stderr)
        self.assertEqual(self.retrieve(model, "lait")[0]["text"], "caf\ufffd au lait")
        self.assertEqual(len(self.retrieve(model, "au")), 1)
        self.expect(0, "retrieve", model, "caf\udce9 au", "--json")

    def test_a_binary_file(self):
        self.refuse(DATA, b"\x7fELF\x00\x01", "a NUL byte, expected a file of text", name="a.bin")

    def test_an_overlap_of_more_than_half(self):
        self.refuse(USAGE, "a b c d e f\n", "share", flags=["--chunk-words", "4", "--chunk-overlap", "3"], name="a.txt")

    def test_places_that_are_wrong(self):
        path = self.write("passages.jsonl", jsonl(PASSAGES))
        self.expect(USAGE, "index", path, says="no output is given")
        self.expect(USAGE, "index", path, "-o", path, says="passages.jsonl")
        self.expect(USAGE, "index", path, "-o", "-", "--json", says="both go to standard output")
        self.expect(USAGE, "index", path, "-o", self.path("m"), "--passages", path)
        self.expect(USAGE, "index", path, "-o", self.path("m"), "--passages", self.path("m"), says="both")
        self.expect(USAGE, "index", "-", "-", "-o", self.path("m"), says="standard input can be read once only")
        self.expect(IO, "index", self.path("none.jsonl"), "-o", self.path("m"), says="none.jsonl")
        self.expect(IO, "retrieve", self.path("none.coppice"), "x", says="none.coppice")
        self.expect(DATA, "retrieve", path, "x")

    def test_flags_without_effect_are_noted(self):
        self.index("Some text.\n", "--id-field", "key", name="a.txt")
        self.assertIn("--id-field", self.told.stderr)
        self.index(None, "--chunk-overlap", "5")
        self.assertIn("--chunk-overlap", self.told.stderr)

    def test_a_trained_model_gives_its_labels(self):
        found = self.retrieve(self.train(), "inbox smtp spam")
        self.assertEqual(found[0]["id"], "mail")
        self.assertEqual(found[0]["text"], "")

    def test_fields_of_other_names_are_written_by_those_names(self):
        row = {"key": "a", "body": "The moon.", "id": 5, "text": "not this"}
        flags = ["--id-field", "key", "--text-field", "body"]
        model = self.index(jsonl([row]), *flags, "--passages", self.path("again.jsonl"))
        self.assertEqual(self.retrieve(model, "moon")[0]["metadata"], {"id": 5, "text": "not this"})
        self.expect(0, "index", self.path("again.jsonl"), "-o", self.path("again"), *flags)
        self.assertEqual((self.folder / "again").read_bytes(), (self.folder / "notes.coppice").read_bytes())

    def test_an_answer_comes_before_the_next_question(self):
        model = self.index()
        with subprocess.Popen([COPPICE, "retrieve", model, "-", "--json"], stdin=subprocess.PIPE, text=True,
                              stdout=subprocess.PIPE, env=environment()) as process:
            for question in ("the moon", "yeast and salt"):
                process.stdin.write(question + "\n")
                process.stdin.flush()
                self.assertEqual(json.loads(process.stdout.readline())["query"], question)
            process.stdin.close()
            self.assertEqual(process.wait(), 0)
