#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network model against real processes on links of a given rate.

bench/network.py [--rate 5] [--fit 2,4,8,16] [--predict 32] [--steps 10] [--overlap]

Each worker is a process in a network namespace of its own, connected to a bridge by a link whose both ends are shaped (tc
tbf); it sleeps in place of computing, so that 32 of them do not fight for the cores of one machine, but encodes and
decodes real gradients and exchanges them by Gloo. Latency and rate are fitted on single operations of up to 16 workers.
With what a worker's own work takes at 8 workers the model predicts, and is compared with, operations and training steps of
32 workers by each strategy. Goal: within 15 % at 32. With --overlap the steps are those of block momentum with and without
overlap of the exchange of models with computing, and the results are results/overlap.json and overlap.md.

Needs root (ip netns); everything made has a name of its own and is taken away at the end, and what a killed run has left
when the next one begins. On a machine that others use, `chrt -r 5 bench/network.py`: what waits for a core looks like a
slow network. Writes results/network.json and results/network.md.
"""
import argparse
import atexit
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

import measure
from report import table

PREFIX = "coppice-bench-net"
PARAMETERS, COMPUTE_SECONDS, DENSITY, BLOCK, GROUP = 250_000, 1.0, 0.04, 5, 8
HYBRID = f"gtc+bmuf, groups of {GROUP}"
STRATEGIES = {  # group size (0: all), compressed, exchange of models, minibatches of overlap, fragments of the model
    "sync": (0, False, "sharded", 0, 1),
    "gtc": (0, True, "sharded", 0, 1),
    "bmuf": (1, True, "sharded", 0, 1),
    HYBRID: (GROUP, True, "sharded", 0, 1),
    f"{HYBRID}, representative": (GROUP, True, "representative", 0, 1),
}
OVERLAPPED = {
    "bmuf": (1, True, "sharded", 0, 1),
    "bmuf, overlap 1, 1 fragment": (1, True, "sharded", 1, 1),
    "bmuf, overlap 1, 5 fragments": (1, True, "sharded", 1, 5),
    "bmuf, overlap 5, 1 fragment": (1, True, "sharded", 5, 1),
    HYBRID: (GROUP, True, "sharded", 0, 1),
    f"{HYBRID}, overlap 1, 1 fragment": (GROUP, True, "sharded", 1, 1),
    f"{HYBRID}, overlap 1, 5 fragments": (GROUP, True, "sharded", 1, 5),
}


def do(*command, may_fail=False):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0 and not may_fail:
        raise measure.Failed(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout


def remove_leftovers():
    """Of runs that were killed: their namespaces carry the number of a process that is no more."""
    for name in re.findall(rf"^({PREFIX}-(\d+)-\S+)", do("ip", "netns", "list", may_fail=True), re.M):
        if not os.path.exists(f"/proc/{name[1]}"):
            do("ip", "netns", "del", name[0], may_fail=True)


class Network:
    """A bridge in a namespace of its own, and `n_workers` namespaces with a shaped link to it. Deleting a namespace takes
    its links along."""

    def __init__(self, n_workers, megabits):
        self.prefix = f"{PREFIX}-{os.getpid()}"
        self.names, self.processes = [], []
        atexit.register(self.close)
        self.hub = self.add("hub")
        do("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        do("ip", "-n", self.hub, "addr", "add", "10.77.0.1/16", "dev", "bridge")
        do("ip", "-n", self.hub, "link", "set", "bridge", "up")
        for worker in range(n_workers):
            self.add_worker(worker, megabits)
        for worker in range(n_workers):
            self.introduce(worker, n_workers)

    def add(self, name):
        self.names.append(f"{self.prefix}-{name}")
        do("ip", "netns", "add", self.names[-1])
        do("ip", "-n", self.names[-1], "link", "set", "lo", "up")
        return self.names[-1]

    def add_worker(self, worker, megabits):
        name, port = self.add(f"w{worker}"), f"port{worker}"
        do("ip", "-n", self.hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", name)
        do("ip", "-n", self.hub, "link", "set", port, "master", "bridge", "up")
        do("ip", "-n", name, "link", "set", "eth0", "address", self.hardware(worker))
        do("ip", "-n", name, "addr", "add", self.address(worker) + "/16", "dev", "eth0")
        do("ip", "-n", name, "link", "set", "eth0", "up")
        for place, device in ((self.hub, port), (name, "eth0")):
            do("tc", "-n", place, "qdisc", "add", "dev", device, "root", "tbf", "rate", f"{megabits}mbit", "burst", "3200",
               "latency", "500ms")

    def introduce(self, worker, n_workers):
        """The others' hardware addresses, for good: those that have to be asked for fill a table of the whole machine."""
        lines = [f"neigh add {self.address(other)} lladdr {self.hardware(other)} nud permanent dev eth0\n"
                 for other in range(n_workers) if other != worker]
        subprocess.run(["ip", "-n", f"{self.prefix}-w{worker}", "-batch", "-"], input="".join(lines), text=True, check=True)

    @staticmethod
    def address(worker):
        return f"10.77.{1 + worker // 250}.{worker % 250 + 1}"

    @staticmethod
    def hardware(worker):
        return f"02:00:00:00:{worker // 256:02x}:{worker % 256:02x}"

    def start(self, name, command, variables, **more):
        process = subprocess.Popen(["ip", "netns", "exec", name, *command], env={**os.environ, **variables}, text=True,
                                   **more)
        self.processes.append(process)
        return process

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()
        for name in self.names:
            do("ip", "netns", "del", name, may_fail=True)
        self.processes, self.names = [], []

    def run(self, n_workers, arguments, build, seconds):
        """What worker 0 of a job prints."""
        store = self.start(self.hub, [measure.program(build, "coppice"), "dist", "store", "--address", "10.77.0.1"], {},
                           stdout=subprocess.PIPE)
        place = store.stdout.readline().strip().partition("=")[2]
        worker = measure.program(build, "coppice_bench_network")
        with tempfile.TemporaryFile("w+") as said:
            workers = []
            for rank in range(n_workers):
                variables = {"RANK": str(rank), "WORLD_SIZE": str(n_workers), "COPPICE_STORE": place, "COPPICE_JOB": "bench"}
                out = subprocess.PIPE if rank == 0 else subprocess.DEVNULL
                workers.append(self.start(f"{self.prefix}-w{rank}", [worker, f"--address={self.address(rank)}",
                                                                     "--time-limit=120", *arguments], variables,
                                          stdout=out, stderr=said))
            try:
                text = workers[0].communicate(timeout=seconds)[0]
                codes = [workers[0].returncode]
                if codes[0] == 0:
                    codes += [process.wait(timeout=30) for process in workers[1:]]
            finally:
                for process in [*workers, store]:
                    process.kill()
                    process.wait()
                    self.processes.remove(process)
                store.stdout.close()
            said.seek(0)
            if any(codes):
                raise measure.Failed(said.read()[-2000:])
        return json.loads(text[text.index("{"):])


def strategies(arguments):
    return OVERLAPPED if arguments.overlap else STRATEGIES


def share_of_others(busy, wall):
    return round(busy / (wall * os.cpu_count()), 2)


def train(network, n_workers, setting, arguments):
    group, compressed, exchange, overlap, fragments = setting
    flags = measure.flags({"mode": "train", "parameters": PARAMETERS, "compute_seconds": COMPUTE_SECONDS,
                           "steps": arguments.steps, "group_size": group, "block": BLOCK, "block_exchange": exchange,
                           "block_overlap": overlap, "block_fragments": fragments,
                           "density": DENSITY if compressed else 0, "learning_rate": 0.001})
    return network.run(n_workers, flags, arguments.build, 600)


def costs(setting, n_workers, own_work):
    group, compressed, exchange, overlap, fragments = setting
    group = group or n_workers
    return {"workers": n_workers, "group_size": group, "block_minibatches": BLOCK, "exchange": exchange,
            "block_overlap": overlap, "block_fragments": fragments,
            "model_bytes": 4 * PARAMETERS, "message_bytes": round(own_work["sent_bytes"]) if compressed and group > 1 else 0,
            "compute_seconds": own_work["compute_seconds"], "encode_seconds": own_work["encode_seconds"],
            "decode_seconds": own_work["decode_seconds"]}


def predict(question, build):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(question, file)
        file.flush()
        return measure.run_json([measure.program(build, "coppice_bench_network"), "--mode=predict",
                                 f"--input={file.name}"])


def collect(arguments):
    sizes = sorted({*arguments.fit, *arguments.predict})
    network = Network(max(sizes), arguments.rate)
    samples, steps = [], []
    for n in sizes:
        samples += network.run(n, ["--mode=measure", "--repeats=2"], arguments.build, 600)["samples"]
        measure.say(f"{n} workers: operations measured")
    own_work = train(network, GROUP, STRATEGIES["gtc"], arguments)
    for n in arguments.predict:
        for strategy, setting in strategies(arguments).items():
            steps.append({"strategy": strategy, **train(network, n, setting, arguments)})
            measure.say(f"{n} workers, {strategy}: {1000 * steps[-1]['seconds']:.0f} ms a step")
    network.close()
    return samples, own_work, steps


def error(predicted, measured):
    return predicted / measured - 1


def judge(samples, own_work, steps, arguments):
    operations = [sample for sample in samples if sample["workers"] in arguments.predict]
    question = {"samples": [sample for sample in samples if sample["workers"] in arguments.fit], "operations": operations,
                "steps": [costs(strategies(arguments)[step["strategy"]], step["workers"], own_work) for step in steps]}
    answer = predict(question, arguments.build)
    for operation, seconds in zip(operations, answer["operations"]):
        operation["predicted_seconds"] = seconds
    for step, predicted in zip(steps, answer["steps"]):
        step["predicted"] = predicted
    return {"latency_seconds": answer["latency_seconds"], "bytes_per_second": answer["bytes_per_second"],
            "samples": question["samples"], "operations": operations, "own_work": own_work, "steps": steps}


def step_rows(result):
    for step in result["steps"]:
        predicted = step["predicted"]
        sent = predicted["gradient_seconds"] + predicted["block_seconds"]
        # What is hidden behind computing counts for nothing.
        is_overlapped = OVERLAPPED.get(step["strategy"], (0, 0, 0, 0, 0))[3] > 0
        measured_sent = step["gradient_seconds"] + step["block_wait_seconds" if is_overlapped else "block_seconds"]
        off = error(predicted["seconds"], step["seconds"])
        yield [str(step["workers"]), step["strategy"], f"{1e3 * step['seconds']:.0f}", f"{1e3 * predicted['seconds']:.0f}",
               f"{100 * off:+.1f} %" + (" **missed**" if abs(off) > 0.15 else ""),
               f"{1e3 * measured_sent:.0f} / {1e3 * sent:.0f}",
               f"{step['workers'] * COMPUTE_SECONDS / step['seconds']:.1f} / {predicted['speed_up']:.1f}"]


def operation_rows(result):
    for one in result["operations"]:
        yield [str(one["workers"]), one["operation"], f"{one['bytes']:,}", f"{1e3 * one['seconds']:.1f}",
               f"{1e3 * one['predicted_seconds']:.1f}", f"{100 * error(one['predicted_seconds'], one['seconds']):+.0f} %"]


def text_of(result):
    m = result["machine"]
    largest = max(result["predict"])
    errors = [abs(error(s["predicted"]["seconds"], s["seconds"])) for s in result["steps"] if s["workers"] == largest]
    worst = "" if not errors else (f"Steps of {largest} workers are predicted within {100 * max(errors):.1f} % (median "
                                   f"{100 * statistics.median(errors):.1f} %); the goal is 15 %.")
    steps = table(["workers", "strategy", "measured, ms a step", "predicted", "error", "of it on the network, measured / predicted",
                   "speed-up, measured / predicted"], list(step_rows(result)))
    operations = table(["workers", "operation", "bytes", "measured, ms", "predicted", "error"], list(operation_rows(result)))
    priority = ("workers at a real-time priority (chrt), so that these did not delay them"
                if result["real_time"] else "workers at no priority")
    return f"""# The network model against real processes

Made by `bench/network.py`; do not edit. {m['date']}, {m['cpu']}, {m['cores']} cores, Coppice {m['coppice']}. Other programs and
the kernel's bridge took {100 * result['others']:.0f} % of the cores, {result['load']} of them wanting each core in the mean of 15 minutes; {priority}.
Processes in network namespaces, links of {result['rate']:g} Mbit/s shaped at both ends; {PARAMETERS:,} parameters, {100 * DENSITY:.0f} % of them
sent, {1000 * COMPUTE_SECONDS:.0f} ms of sleep in place of computing, blocks of {BLOCK} minibatches, {result['steps_measured']} minibatches each. Fitted on operations of
{', '.join(map(str, result['fit']))} workers: a latency of {1e6 * result['latency_seconds']:.0f} us and {8e-6 * result['bytes_per_second']:.1f} Mbit/s. {worst}
On the network: what one worker spent in operations, waiting for others included{result['of_overlap']}. Of a few bytes the model says little:
one latency stands for a message, whatever the operation.

{steps}
{operations}"""


def load():
    """Programs that want a core, by cores: above 1 they wait for one another, which no model of the network knows of."""
    return round(os.getloadavg()[2] / os.cpu_count(), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    measure.add_common(parser, peer=False)
    numbers = lambda text: [int(number) for number in text.split(",")]
    parser.add_argument("--rate", type=float, default=5, help="of each link, in Mbit/s")
    parser.add_argument("--fit", type=numbers, default=[2, 4, 8, 16], help="workers whose operations the model is fitted on")
    parser.add_argument("--predict", type=numbers, default=[32],
                        help=f"workers that are predicted, multiples of {GROUP}")
    parser.add_argument("--overlap", action="store_true", help="steps with and without overlap of the exchange of models")
    parser.add_argument("--steps", type=int, default=10, help="minibatches that are measured, after a block")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("skipped: network namespaces need root")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    remove_leftovers()
    busy, begin = measure.busy_seconds(), measure.time.monotonic()
    own = os.times()
    samples, own_work, steps = collect(arguments)
    wall, now = measure.time.monotonic() - begin, os.times()
    used = sum(now[:4]) - sum(own[:4])
    of_overlap = "; with overlap, what training waited for alone of models" if arguments.overlap else ""
    result = {"kind": "network", "of_overlap": of_overlap, "machine": measure.machine(), "rate": arguments.rate,
              "fit": arguments.fit, "predict": arguments.predict, "steps_measured": arguments.steps,
              "others": share_of_others(max(0.0, measure.busy_seconds() - busy - used), wall),
              "load": load(), "real_time": os.sched_getscheduler(0) == os.SCHED_RR, **judge(samples, own_work, steps, arguments)}
    name = "overlap" if arguments.overlap else "network"
    measure.save(result, os.path.join(arguments.out, name + ".json"))
    with open(os.path.join(arguments.out, name + ".md"), "w", encoding="utf-8") as file:
        file.write(text_of(result))


if __name__ == "__main__":
    main()
