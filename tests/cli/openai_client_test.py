# SPDX-License-Identifier: Apache-2.0
"""The stand-in as OpenAI's own client sees it; skipped where the package `openai` is not installed.

STAND_IN names the program: SETTINGS.json; it says its URL on the first line and ends with its standard input.
"""
import base64
import json
import math
import os
import struct
import subprocess
import tempfile
import time
import unittest
import zlib
from pathlib import Path

try:
    import openai
except ImportError:
    openai = None

SETTINGS = {
    "seed": 7,
    "key": "sk-for-tests",
    "models": {
        "chat": {"cached_share": 0.5},
        "art": {},
        "vectors": {},
        "limited": {"faults": {"rate_limited": {"rate": 1, "first": 2, "seconds": 0.05}}},
        "failing": {"faults": {"server_error": {"rate": 1, "first": 1}}},
        "broken": {"faults": {"server_error": 1}},
        "poor": {"faults": {"out_of_quota": 1}},
        "gone": {"faults": {"cut_before_answer": {"rate": 1, "first": 1}}},
        "echo": {"faults": {"echoed_key": 1}},
        "crlf": {"faults": {"sse_crlf": 1}},
        "split": {"faults": {"sse_split": 1}},
        "refusing": {"faults": {"refusal": 1}},
        "minute": {"requests_per_minute": 2},
    },
}
SCHEMA = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 10},
        "colours": {"type": "array", "minItems": 2, "items": {"enum": ["red", "green", "blue"]}},
        "pages": {"type": "integer", "minimum": 2, "maximum": 4},
    },
    "required": ["title", "colours", "pages"],
    "additionalProperties": False,
}
ASKED = [{"role": "system", "content": "You write about gardens."},
         {"role": "user", "content": "Describe roses along an old stone wall."}]


def tokens(text):
    return (len(text.encode()) + 3) // 4


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


@unittest.skipIf(openai is None, "the Python package openai is not installed")
class OpenAiClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        settings = Path(cls.folder.name) / "settings.json"
        settings.write_text(json.dumps(SETTINGS))
        cls.server = subprocess.Popen([os.environ["STAND_IN"], settings], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cls.url = cls.server.stdout.readline().decode().strip()
        cls.client = openai.OpenAI(base_url=cls.url, api_key="sk-for-tests")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.server.stdin.close()
        cls.server.stdout.close()
        cls.server.wait(10)
        cls.folder.cleanup()

    def chat(self, model="chat", **more):
        return self.client.chat.completions.create(model=model, messages=ASKED, **more)

    def test_a_chat_has_content_and_usage_that_can_be_counted(self):
        answer = self.chat()
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertIn("rose", answer.choices[0].message.content.lower())
        prompt = sum(tokens(message["content"]) + 3 for message in ASKED)
        self.assertEqual(answer.usage.prompt_tokens, prompt)
        self.assertEqual(answer.usage.prompt_tokens_details.cached_tokens, prompt // 2)
        self.assertEqual(answer.usage.completion_tokens, tokens(answer.choices[0].message.content))
        self.assertTrue(answer.system_fingerprint.startswith("fp_"))
        self.assertTrue(answer._request_id.startswith("req_"))

    def test_a_stream_brings_the_same_as_a_plain_answer(self):
        plain = self.chat(max_completion_tokens=20)
        text, usage, reason = "", None, None
        for chunk in self.chat(stream=True, stream_options={"include_usage": True}, max_completion_tokens=20):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                reason = choice.finish_reason or reason
        self.assertEqual(text, plain.choices[0].message.content)
        self.assertEqual(usage, plain.usage)
        self.assertEqual(reason, "length")

    def test_streams_of_awkward_form_are_read(self):
        # Not sse_comments: this client takes a comment for an event once an event has had an id.
        for model in ["crlf", "split"]:
            plain = self.chat(model)
            pieces = [chunk.choices[0].delta.content or "" for chunk in self.chat(model, stream=True)]
            self.assertEqual("".join(pieces), plain.choices[0].message.content, model)
            self.assertGreater(len(pieces), 10)

    def test_structured_output_follows_the_schema(self):
        for kind in [{"type": "json_schema", "json_schema": {"name": "page", "strict": True, "schema": SCHEMA}},
                     {"type": "json_object", "schema": SCHEMA}]:
            value = json.loads(self.chat(response_format=kind).choices[0].message.content)
            self.assertEqual(set(value), {"title", "colours", "pages"})
            self.assertGreaterEqual(len(value["title"]), 10)
            self.assertGreaterEqual(len(value["colours"]), 2)
            self.assertTrue(set(value["colours"]) <= {"red", "green", "blue"})
            self.assertIn(value["pages"], [2, 3, 4])

    def test_structured_output_is_parsed_into_a_class(self):
        from pydantic import BaseModel

        class Element(BaseModel):
            kind: str
            count: int

        class Page(BaseModel):
            title: str
            elements: list[Element]
            note: str | None

        answer = self.client.chat.completions.parse(model="chat", messages=ASKED, response_format=Page)
        self.assertIsInstance(answer.choices[0].message.parsed, Page)
        self.assertGreater(len(answer.choices[0].message.parsed.elements), 0)
        refused = self.client.chat.completions.parse(model="refusing", messages=ASKED, response_format=Page)
        self.assertIsNone(refused.choices[0].message.parsed)
        self.assertTrue(refused.choices[0].message.refusal)

    def test_embeddings_of_similar_texts_are_near(self):
        texts = ["red roses along a stone wall", "a wall of stone with roses", "quarterly revenue of the tax office"]
        # Without an encoding the client asks for base64, and decodes it.
        for more in [{}, {"encoding_format": "float"}, {"dimensions": 64}]:
            answer = self.client.embeddings.create(model="vectors", input=texts, **more)
            vectors = [item.embedding for item in answer.data]
            self.assertEqual(len(vectors[0]), more.get("dimensions", 256))
            self.assertAlmostEqual(sum(x * x for x in vectors[0]), 1, places=4)
            self.assertGreater(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]) + 0.3)
            self.assertEqual(answer.usage.prompt_tokens, sum(tokens(text) for text in texts))

    def test_images_are_pngs_of_the_size_asked_for(self):
        answer = self.client.images.generate(model="art", prompt="a teal sea, an orange sun", size="256x256")
        png = base64.b64decode(answer.data[0].b64_json)
        self.assertEqual(png[:8], b"\x89PNG\r\n\x1a\n")
        self.assertEqual(struct.unpack(">II", png[16:24]), (256, 256))
        length = struct.unpack(">I", png[33:37])[0]
        self.assertEqual(len(zlib.decompress(png[41:41 + length])), 256 * (256 * 3 + 1))

    def test_a_client_tries_again_as_it_should(self):
        for model in ["limited", "failing", "gone"]:
            self.assertTrue(self.chat(model).choices[0].message.content, model)
        raw = self.client.chat.completions.with_raw_response.create(
            model="limited", messages=[{"role": "user", "content": "another one"}])
        self.assertEqual(raw.retries_taken, 2)
        began = time.monotonic()
        with self.assertRaises(openai.RateLimitError) as caught:
            self.client.with_options(max_retries=1).chat.completions.create(
                model="limited", messages=[{"role": "user", "content": "a third one"}])
        self.assertEqual(caught.exception.response.headers["retry-after-ms"], "50")
        self.assertLess(time.monotonic() - began, 0.4)  # the wait that is asked for, not the client's own half second

    def test_errors_are_those_of_the_real_thing(self):
        client = self.client.with_options(max_retries=0)
        for model, kind, code in [("broken", openai.InternalServerError, None),
                                  ("poor", openai.RateLimitError, "insufficient_quota"),
                                  ("nobody", openai.NotFoundError, "model_not_found")]:
            with self.assertRaises(kind) as caught:
                client.chat.completions.create(model=model, messages=ASKED)
            self.assertEqual(caught.exception.code, code, model)
        with self.assertRaises(openai.AuthenticationError) as caught:
            client.with_options(api_key="sk-wrong").chat.completions.create(model="chat", messages=ASKED)
        self.assertNotIn("sk-wrong", str(caught.exception))
        with self.assertRaises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model="echo", messages=ASKED)
        self.assertIn("sk-for-tests", str(caught.exception))
        with self.assertRaises(openai.BadRequestError) as caught:
            client.chat.completions.create(model="chat", messages=[])
        self.assertEqual(caught.exception.param, "messages")

    def test_rate_limits_are_told_in_headers(self):
        client = self.client.with_options(max_retries=0)
        ask = {"model": "minute", "messages": ASKED}
        first = client.chat.completions.with_raw_response.create(**ask)
        self.assertEqual(first.headers["x-ratelimit-limit-requests"], "2")
        self.assertEqual(first.headers["x-ratelimit-remaining-requests"], "1")
        self.assertRegex(first.headers["x-ratelimit-reset-requests"], r"^(29|30)s$")
        client.chat.completions.create(**ask)
        with self.assertRaises(openai.RateLimitError) as caught:
            client.chat.completions.create(**ask)
        self.assertEqual(caught.exception.code, "rate_limit_exceeded")
        self.assertRegex(caught.exception.response.headers["retry-after"], r"^(29|30)$")

    def test_models_are_listed(self):
        self.assertEqual({model.id for model in self.client.models.list()}, set(SETTINGS["models"]))
        self.assertEqual(self.client.models.retrieve("art").id, "art")


if __name__ == "__main__":
    unittest.main()
