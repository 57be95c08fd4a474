# SPDX-License-Identifier: Apache-2.0
"""Workers that talk by MPI: real mpirun, four processes. Where MPI was not there when this was built, that is said."""
import json
import os
import shutil
import subprocess
import unittest

from program import COPPICE, ProgramTest, environment

WORKER = os.environ["MPI_WORKER"]
MPIRUN = shutil.which("mpirun")
CHECK = ["dist", "check", "--transport", "mpi", "--most-bytes", "64k", "--repeats", "1"]


def by_mpirun(n_workers, command, seconds=60):
    # The last two: sanitizers find what MPI itself never frees; cores may be fewer than workers.
    variables = {**environment(), "LD_LIBRARY_PATH": os.environ["LIBRARIES"], "OMPI_ALLOW_RUN_AS_ROOT": "1",
                 "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "ASAN_OPTIONS": "detect_leaks=0",
                 "OMPI_MCA_mpi_yield_when_idle": "1"}
    return subprocess.run([MPIRUN, "--oversubscribe", "-n", str(n_workers), *command], capture_output=True, text=True,
                          timeout=seconds, env=variables, check=False)


@unittest.skipUnless(WORKER, "this build has no MPI (libopenmpi-dev)")
@unittest.skipUnless(MPIRUN, "mpirun is not installed (openmpi-bin)")
class Mpi(ProgramTest):
    def results(self, scenario):
        """What each of four workers met."""
        folder = self.folder / scenario
        folder.mkdir()
        done = by_mpirun(4, [WORKER, scenario, str(folder)])
        met = [folder / str(worker) for worker in range(4)]
        self.assertTrue(all(path.exists() for path in met), done.stdout + done.stderr)
        return [path.read_text() for path in met]

    def test_operations_give_the_bits_of_one_process(self):
        self.assertEqual(self.results("bits"), ["the same bits"] * 4)

    def test_two_threads_of_each_worker_may_be_at_work(self):
        self.assertEqual(self.results("overlap"), ["the same bits"] * 4)

    def test_the_worker_that_is_late_is_named_by_all_others(self):
        met = self.results("late")
        for worker in (0, 2, 3):
            self.assertEqual(met[worker], "timeout: workers that did not come in time: 1")
        self.assertEqual(met[1], "remote: the other workers gave up waiting for this one")

    def test_a_worker_that_gives_up_ends_the_others_and_says_why(self):
        self.assertEqual(self.results("abort"), ["remote: another worker gave up: the disk is full"] * 4)

    def test_a_thread_may_give_up_while_another_waits(self):
        self.assertEqual(self.results("thread"), ["remote: another worker gave up: a signal came"] * 4)

    def test_check_sees_the_workers_of_mpirun(self):
        done = by_mpirun(4, [COPPICE, *CHECK, "--json"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["workers"], 4)

    def test_another_launcher_is_refused(self):
        self.expect(2, *CHECK, variables={"RANK": "1", "WORLD_SIZE": "2", "ASAN_OPTIONS": "detect_leaks=0",
                                          "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"},
                    says=["MPI says that this is worker 0 of 1, torchrun says 1 of 2", "mpirun"])

    def test_the_program_starts_without_mpi(self):
        needed = subprocess.run(["ldd", COPPICE], capture_output=True, text=True, check=True).stdout
        self.assertNotIn("libmpi", needed)


class WithoutMpi(ProgramTest):
    def test_what_is_missing_is_named(self):
        # The program alone, in a folder without the module.
        alone = self.folder / "coppice"
        shutil.copy(COPPICE, alone)
        done = subprocess.run([alone, *CHECK], capture_output=True, text=True, check=False,
                              env={**environment(), "RANK": "0", "WORLD_SIZE": "1"})
        self.assertEqual(done.returncode, 6, done.stderr)
        for words in ("there is no MPI here", "libcoppice_mpi.so", "libopenmpi-dev", "gloo"):
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main()
