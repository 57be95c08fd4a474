# SPDX-License-Identifier: Apache-2.0
"""Models that are none: `coppice flow stand-in` as a process of its own, for benches of workflows."""
import json
import os
import re
import subprocess
import urllib.request

REQUESTS = re.compile(r'stand_in_requests_total\{model="([^"]+)",status="(\d+)"\} (\S+)')

# Every prompt "Question WORDS?" is answered by "Answer WORDS."
ANSWER = [{"find": {"asked": ["Question ", "?"]}, "template": "Answer {{ asked }}."}]


class StandIn:
    """On a free port of the loopback, until the block ends. `settings`: an object, or the text of a file."""

    def __init__(self, program, folder, settings):
        path = os.path.join(folder, "stand_in.json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(settings if isinstance(settings, str) else json.dumps(settings))
        self.process = subprocess.Popen([program, "flow", "stand-in", "--port", "0", "--patience-seconds", "0", path],
                                        stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def requests(self):
        """How many have come, by model and status of the answer that they were to get."""
        with urllib.request.urlopen(self.url.removesuffix("/v1") + "/metrics") as reply:
            found = REQUESTS.findall(reply.read().decode())
        return {(model, int(status)): int(float(count)) for model, status, count in found}

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
