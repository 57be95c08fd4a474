// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace coppice {

/// What the program that started this one says: which worker this is, and of how many.
struct WorkerEnvironment {
  std::string launcher;  ///< whose variables were read: "torchrun", "mpirun", "srun", ...
  uint32_t worker = 0;
  uint32_t n_workers = 1;
  uint32_t n_local = 1;    ///< of them on this machine, where they are not bound to cores of their own; 1: not known
  std::string store_host;  ///< of the store where workers find one another; "": it was not said
  uint16_t store_port = 0;
  std::string job;     ///< the same for all workers of a job, another one for each job at a store
  uint64_t start = 0;  ///< how often this worker was started before, in place of one that was lost
};

/// The value of a variable, or none.
using ReadVariable = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> read_variable(const char* name);

/// Reads RANK and WORLD_SIZE (torchrun, `coppice dist launch`), OMPI_COMM_WORLD_RANK and _SIZE (Open MPI), PMI_RANK and
/// PMI_SIZE (MPICH, Intel MPI), SLURM_PROCID and SLURM_STEP_NUM_TASKS (srun); COPPICE_STORE=host:port, COPPICE_JOB
/// (else SLURM_JOB_ID and SLURM_STEP_ID, TORCHELASTIC_RUN_ID, or PMIX_NAMESPACE, name the job) and COPPICE_JOB_START;
/// of torchrun and `coppice dist launch`, which bind no worker to cores, LOCAL_WORLD_SIZE. None where no launcher said
/// anything. Throws `ErrorCode::usage` for values that cannot be.
std::optional<WorkerEnvironment> worker_environment(const ReadVariable& read = read_variable);

/// Throws `ErrorCode::usage` where no store is named.
void expect_store(const WorkerEnvironment& environment);

}  // namespace coppice
