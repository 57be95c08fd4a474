# SPDX-License-Identifier: Apache-2.0
"""coppice dist: workers of several processes find one another, or say why not; the loopback interface alone is used."""
import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from program import COPPICE, ProgramTest, environment

CHECK = ["dist", "check", "--address", "127.0.0.1", "--most-bytes", "64k", "--repeats", "1"]


class Dist(ProgramTest):
    def test_workers_that_are_launched_find_one_another(self):
        done = self.expect(0, "dist", "launch", "-n", "3", "--", COPPICE, *CHECK, "--json")
        self.assertEqual(done.stderr, "")
        report = json.loads(done.stdout)
        self.assertEqual(report["workers"], 3)
        self.assertEqual({timing["operation"] for timing in report["operations"]},
                         {"barrier", "all_reduce", "all_gather", "broadcast"})
        self.assertGreater(report["network"]["megabit_per_second"], 0)
        said = self.expect(0, "dist", "launch", "-n", "3", "--", COPPICE, *CHECK).stdout
        self.assertIn("3 workers", said)
        self.assertRegex(said, r"for dist study: --latency-us [0-9.]+ --megabit-per-second [0-9.]+")

    def test_one_worker_has_nobody_to_wait_for(self):
        self.expect(0, "dist", "launch", "-n", "1", "--", COPPICE, *CHECK)

    def test_when_a_worker_is_killed_the_others_end(self):
        # Worker 1 never comes to the others, which wait for it; then it dies.
        script = f'if [ $RANK = 1 ]; then sleep 0.3; kill -9 $$; fi; exec "{COPPICE}" {" ".join(CHECK)}'
        begin = time.monotonic()
        done = self.expect(7, "dist", "launch", "-n", "3", "--", "sh", "-c", script)
        self.assertIn("worker 1 was ended by signal 9", done.stderr)
        self.assertLess(time.monotonic() - begin, 20)

    def test_a_worker_that_is_killed_is_started_again(self):
        script = (f'if [ $RANK = 1 ] && [ $COPPICE_JOB_START = 0 ]; then kill -9 $$; fi; '
                  f'exec "{COPPICE}" {" ".join(CHECK)}')
        done = self.expect(0, "dist", "launch", "-n", "2", "--restarts", "1", "--", "sh", "-c", script)
        self.assertIn("note: worker 1 is lost and started again", done.stderr)
        self.assertIn("2 workers", done.stdout)

    def test_the_others_go_on_while_enough_are_left(self):
        script = "[ $RANK = 1 ] && kill -9 $$; exit 0"
        done = self.expect(0, "dist", "launch", "-n", "3", "--min-workers", "2", "--", "sh", "-c", script)
        self.assertIn("note: worker 1 is lost", done.stderr)

    def test_a_worker_that_fails_ends_the_others(self):
        done = self.expect(7, "dist", "launch", "-n", "2", "--", "sh", "-c", "[ $RANK = 0 ] && exit 5; exec sleep 60")
        self.assertIn("worker 0 ended with 5", done.stderr)

    def test_checks_with_other_options_are_refused_by_name(self):
        script = f'exec "{COPPICE}" {" ".join(CHECK[:-1])} $((1 + RANK))'
        done = self.expect(7, "dist", "launch", "-n", "2", "--", "sh", "-c", script)
        self.assertIn("worker 1 has repeats 2, worker 0 has repeats 1", done.stderr)

    def test_a_store_of_its_own_serves_workers_of_any_launcher(self):
        store = subprocess.Popen([COPPICE, "dist", "store", "--address", "127.0.0.1"], stdout=subprocess.PIPE, text=True,
                                 env=environment())
        try:
            place = store.stdout.readline().strip().split("=", 1)
            self.assertEqual(place[0], "COPPICE_STORE")
            workers = []
            for names in (("RANK", "WORLD_SIZE"), ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")):
                job = {"COPPICE_STORE": place[1], "COPPICE_JOB": names[0], names[1]: "2"}
                workers = [subprocess.Popen([COPPICE, *CHECK], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                            env={**environment(), **job, names[0]: str(rank)}) for rank in range(2)]
                said = [worker.communicate(timeout=60) for worker in workers]
                self.assertEqual([worker.returncode for worker in workers], [0, 0], said)
                self.assertIn("2 workers", said[0][0])
                self.assertEqual(said[1], ("", ""))
            store.send_signal(signal.SIGTERM)
            self.assertEqual(store.wait(timeout=10), 0)
        finally:
            store.kill()
            store.wait()
            store.stdout.close()

    def test_a_worker_that_does_not_come_is_named(self):
        job = {"RANK": "0", "WORLD_SIZE": "2"}
        refused = self.expect(7, *CHECK, "--connect-seconds", "0.3", says="cannot reach the store",
                              variables={**job, "COPPICE_STORE": "127.0.0.1:1"})
        self.assertNotIn("note", refused.stderr)
        store = subprocess.Popen([COPPICE, "dist", "store", "--address", "127.0.0.1"], stdout=subprocess.PIPE, text=True,
                                 env=environment())
        try:
            place = store.stdout.readline().strip().split("=", 1)[1]
            self.expect(9, *CHECK, "--connect-seconds", "0.3", variables={**job, "COPPICE_STORE": place},
                        says="workers that did not come in time: 1")
        finally:
            store.kill()
            store.wait()
            store.stdout.close()

    def test_what_cannot_be_is_said(self):
        for arguments, words, variables in (
                (["dist"], "coppice dist --help", {}),
                (["dist", "lunch"], "did you mean 'launch'", {}),
                (["dist", "check"], "no launcher has started this", {}),
                (["dist", "check"], "there is no store", {"RANK": "0", "WORLD_SIZE": "2"}),
                (["dist", "check"], "expected host:port", {"RANK": "0", "WORLD_SIZE": "2", "COPPICE_STORE": "here"}),
                (["dist", "check"], "RANK is 'x'", {"RANK": "x", "WORLD_SIZE": "2"}),
                (["dist", "launch", "-n", "0", "--", "true"], "expected 1 worker or more", {}),
                (["dist", "launch", "-n", "2"], "command is required", {})):
            with self.subTest(arguments):
                self.expect(2, *arguments, says=words, variables=variables)
        self.expect(4, "dist", "launch", "-n", "2", "--", "/no/such/program", says="/no/such/program")

    @unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
    def test_mpirun_starts_workers(self):
        store = subprocess.Popen([COPPICE, "dist", "store", "--address", "127.0.0.1"], stdout=subprocess.PIPE, text=True,
                                 env=environment())
        try:
            place = store.stdout.readline().strip()
            done = subprocess.run(["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2", "-x", "COPPICE_STORE",
                                   COPPICE, *CHECK], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, **dict([place.split("=", 1)])}, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("2 workers", done.stdout)
        finally:
            store.kill()
            store.wait()
            store.stdout.close()


if __name__ == "__main__":
    unittest.main()
