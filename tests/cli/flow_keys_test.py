# SPDX-License-Identifier: Apache-2.0
"""Servers that repeat the key that they were given, in whatever spelling: it is in nothing that is said or kept."""
import base64
import http.server
import json
import threading
import time
import unittest
import urllib.parse

from flow_program import FlowTest

KEY = 'sk-SECRET+abc/12"3=='
FORMS = {
    "plain": json.dumps(KEY)[1:-1],
    "slashes": json.dumps(KEY)[1:-1].replace("/", "\\/"),
    "codes": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "url": urllib.parse.quote(KEY, safe=""),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64url": base64.urlsafe_b64encode(KEY.encode()).decode(),
    "basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "json": json.dumps(json.dumps(KEY))[1:-1],
}


class Echo(http.server.BaseHTTPRequestHandler):
    """/FORM/STATUS/... answers with the key in that form; a streamed answer comes in two parts, the key in both."""

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        body = json.loads(self.rfile.read(length) or b"{}")
        _, form, status, *_ = self.path.split("/")
        said = f'"my key is {FORMS[form]}"'
        if status != "200":
            self.answer(int(status), f'{{"error": {{"message": {said}, "code": "invalid_api_key"}}}}')
        elif body.get("stream"):
            self.stream(said)
        else:
            self.answer(200, f'{{"choices": [{{"index": 0, "finish_reason": "stop", "message": {{"role": "assistant", '
                             f'"content": {said}}}}}], "usage": {{"prompt_tokens": 1, "completion_tokens": 2}}}}')

    do_GET = do_POST

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.send_header("x-echo", self.headers.get("authorization", ""))
        self.end_headers()
        self.wfile.write(text.encode())

    def stream(self, said):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        text = f'data: {{"choices": [{{"index": 0, "delta": {{"content": {said}}}, "finish_reason": "stop"}}]}}\n\ndata: [DONE]\n\n'
        middle = text.index(said) + len(said) // 2 + 5
        for part in (text[:middle], text[middle:]):
            self.wfile.write(part.encode())
            self.wfile.flush()
            time.sleep(0.1)

    def log_message(self, *_):
        pass


class Keys(FlowTest):
    def setUp(self):
        super().setUp()
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"

    def expect_no_key(self, form, said):
        """In nothing that the run `r` has left, nor in what was said."""
        report = self.path("report.html")
        said += self.expect(0, "flow", "show", "r", "--calls").stdout
        said += self.expect(0, "flow", "show", "r", "--json", "--calls").stdout
        said += self.expect(0, "flow", "export", "r", "--format", "otlp-traces").stdout
        self.expect(0, "flow", "report", "r", "-o", report)
        kept = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        self.assertTrue(any(path.name.startswith("runs.db") for path in kept))
        for path, data in {"what is said": said.encode(), **kept}.items():
            for written in {KEY, FORMS[form], json.dumps(FORMS[form])[1:-1], FORMS[form].rstrip("=")}:
                self.assertNotIn(written.encode(), data, f"{form} in {path}")
        for path in kept:
            path.unlink()

    def run_with_key(self, code, steps, **top):
        flow = self.workflow(steps, **top)
        done = self.expect(code, "flow", "run", flow, "--id", "r", "--record", self.path("c.jsonl"), variables={"MY_KEY": KEY})
        self.assertIn("***", (self.folder / "c.jsonl").read_text())
        return done

    def test_of_an_http_step_that_is_refused(self):
        for form in FORMS:
            step = {"kind": "http", "with": {"url": f"{self.url}/{form}/401/x", "method": "POST", "bearer": "MY_KEY"}}
            done = self.run_with_key(7, {"a": step})
            self.assertRegex(done.stderr, r"my key is \S*\*\*\*")
            self.expect_no_key(form, done.stdout + done.stderr)

    def test_of_an_http_step_whose_output_it_becomes(self):
        for form in FORMS:
            step = {"kind": "http", "with": {"url": f"{self.url}/{form}/401/x", "bearer": "MY_KEY", "any_status": True}}
            done = self.run_with_key(0, {"a": step}, outputs={"result": "{{ steps.a.output }}"})
            self.assertRegex(done.stdout, r"my key is \S*\*\*\*")
            self.assertIn("Bearer ***", done.stdout)  # of a header
            self.expect_no_key(form, done.stdout + done.stderr)

    def test_of_a_model(self):
        for form in FORMS:
            for status, code, stream in ((401, 7, False), (200, 0, False), (200, 0, True)):
                endpoint = {"url": f"{self.url}/{form}/{status}", "key": "MY_KEY", "retries": 0}
                done = self.run_with_key(code, {"a": self.ask("hello", stream=stream)}, endpoints={"local": endpoint},
                                         outputs={"result": "{{ steps.a.output }}"})
                self.assertRegex(done.stdout + done.stderr, r"my key is \S*\*\*\*")
                self.expect_no_key(form, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
