# SPDX-License-Identifier: Apache-2.0
"""Running programs that print JSON, with what they cost; and which machine that was on."""
import datetime
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RESULTS = os.path.join(ROOT, "bench", "results")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
CONTENDED = 0.10  # of all cores taken by others: such a run's wall times are marked


def cpu_model():
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gb():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)


def commit():
    """The commit that was measured; "+ changes" when the tree held more than that."""
    def git(*arguments):
        command = ["git", "-C", ROOT, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", "coppice", "bench", ":!bench/results")
    return git("rev-parse", "--short", "HEAD") + (" + changes" if changed else "")


def compiler():
    line = subprocess.run(["c++", "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return line[0] if line else "unknown"


def system():
    kernel, libc = platform.release().split("-")[0], "-".join(platform.libc_ver())
    return f"{platform.system()}-{kernel}-{platform.machine()}-{libc}"


def machine():
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), "cpu": cpu_model(),
            "cores": len(os.sched_getaffinity(0)), "memory_gb": memory_gb(), "system": system(),
            "compiler": compiler(), "coppice": commit()}


def busy_seconds():
    """Processor seconds that all programs of the machine together have used."""
    with open("/proc/stat", encoding="utf-8") as lines:
        user, nice, system, _, _, irq, softirq = [int(x) for x in lines.readline().split()[1:8]]
    return (user + nice + system + irq + softirq) / TICKS_PER_SECOND


class Failed(RuntimeError):
    """A program that was measured did not end well; the message is what it said."""


def run(command, environment=None):
    """Runs a program; (what it printed, {"wall_seconds", "cpu_seconds", "peak_bytes", "others": share of cores})."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        busy, start = busy_seconds(), time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            said = err.read().decode(errors="replace")[-2000:]
            raise Failed(f"{' '.join(command)} ended with {process.returncode}: {said}")
        cpu = usage.ru_utime + usage.ru_stime
        others = max(0.0, busy_seconds() - busy - cpu) / (wall * os.cpu_count())
        return out.read().decode(), {"wall_seconds": round(wall, 3), "cpu_seconds": round(cpu, 3),
                                     "peak_bytes": usage.ru_maxrss * 1024, "others": round(others, 3)}


def run_json(command, environment=None):
    """`run`, for a program that prints one JSON object (behind whatever libraries print before); adds key "process"."""
    text, usage = run(command, environment)
    report = json.loads(text[text.index("{"):])
    report.pop("given", None)  # holds paths of this machine
    report["process"] = usage
    return report


def flags(settings):
    """{"max_leaf": 400} -> ["--max_leaf=400"]; lists are joined by commas."""
    def text(value):
        if isinstance(value, bool):
            return str(value).lower()
        return ",".join(str(x) for x in value) if isinstance(value, list) else str(value)
    return [f"--{name}={text(value)}" for name, value in settings.items()]


def program(build, name):
    path = os.path.join(build, name)
    if not os.path.exists(path):
        sys.exit(f"{path} is missing: cmake --preset bench && "
                 "cmake --build build/bench --target benchmarks coppice_program")
    return path


def folder(given, variable, what):
    """The folder of a flag or of an environment variable, or an end that says where we looked."""
    path = given or os.environ.get(variable)
    if not path or not os.path.isdir(path):
        sys.exit(f"{what}: no folder {path or ''}; give it by flag or in {variable} "
                 "(bench/README.md says what it holds)")
    return path


def add_common(parser, peer=True):
    """The flags that all benches share."""
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "bench"), help="folder of the bench build")
    parser.add_argument("--out", default=RESULTS, help="folder for results")
    parser.add_argument("--threads", type=int, default=2)
    if peer:
        parser.add_argument("--peer-python", default=os.environ.get("COPPICE_BENCH_PEER_PYTHON"),
                            help="python of the environment with libpecos (COPPICE_BENCH_PEER_PYTHON)")


def save(result, path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".partial", "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)
        file.write("\n")
    os.replace(path + ".partial", path)


def load(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def say(text):
    print(text, file=sys.stderr, flush=True)


def at(report, path):
    """at({"a": {"b": 1}}, "a.b") == 1"""
    for key in path.split("."):
        report = report[key]
    return report


def median(values):
    return statistics.median(values)


def slug(name):
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
