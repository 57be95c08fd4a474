// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/worker_environment.h"

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "coppice/core/error.h"

namespace coppice {
namespace {

struct Launcher {
  const char* name;
  const char* worker;
  const char* n_workers;
};

// Of srun the step's number of tasks: those of a whole job stand in the variables of a script, too, which is one
// process.
constexpr Launcher kLaunchers[] = {{"torchrun", "RANK", "WORLD_SIZE"},
                                   {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                   {"mpirun", "PMI_RANK", "PMI_SIZE"},
                                   {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS"}};

uint32_t number_in(const char* variable, const std::string& text, uint32_t most) {
  uint32_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && rest == text.data() + text.size() && number <= most) return number;
  throw Error(ErrorCode::usage, std::string("the variable ") + variable + " is '" + text +
                                    "', expected a number up to " + std::to_string(most));
}

void read_store(const ReadVariable& read, WorkerEnvironment& environment) {
  const std::optional<std::string> store = read("COPPICE_STORE");
  if (!store) return;
  const size_t colon = store->rfind(':');
  if (colon == std::string::npos || colon == 0) {
    throw Error(ErrorCode::usage, "the variable COPPICE_STORE is '" + *store + "', expected host:port", {},
                "`coppice dist store` prints what to set it to");
  }
  environment.store_host = store->substr(0, colon);
  environment.store_port = static_cast<uint16_t>(number_in("COPPICE_STORE", store->substr(colon + 1), 65535));
}

/// What the launcher calls the run, so that the next one at the same store is another job. Slurm may have started the
/// launcher: then what it says is the same for all that the launcher starts, and for its next run.
std::string job_of(const ReadVariable& read, std::string_view launcher) {
  if (const auto job = read("COPPICE_JOB")) return *job;
  if (const auto run = launcher == "torchrun" ? read("TORCHELASTIC_RUN_ID") : std::nullopt) {
    return "torchrun-" + *run + "." + read("TORCHELASTIC_RESTART_COUNT").value_or("0");
  }
  if (const auto mpi = launcher == "mpirun" ? read("PMIX_NAMESPACE") : std::nullopt) return "mpi-" + *mpi;
  if (const auto slurm = read("SLURM_JOB_ID")) {
    return "slurm-" + *slurm + (launcher == "srun" ? "." + read("SLURM_STEP_ID").value_or("0") : "");
  }
  return "coppice";
}

}  // namespace

std::optional<std::string> read_variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

std::optional<WorkerEnvironment> worker_environment(const ReadVariable& read) {
  constexpr uint32_t kMostWorkers = 1U << 20;
  for (const Launcher& launcher : kLaunchers) {
    const std::optional<std::string> worker = read(launcher.worker), n_workers = read(launcher.n_workers);
    if (!worker || !n_workers) continue;
    WorkerEnvironment environment;
    environment.launcher = launcher.name;
    environment.n_workers = number_in(launcher.n_workers, *n_workers, kMostWorkers);
    environment.worker = number_in(launcher.worker, *worker, kMostWorkers);
    if (environment.worker >= environment.n_workers) {
      throw Error(ErrorCode::usage, std::string("the variable ") + launcher.worker + " is " + *worker +
                                        ", expected a number below that of the workers, " + *n_workers);
    }
    const auto n_local = read("LOCAL_WORLD_SIZE");
    const bool binds_none = std::string_view(launcher.worker) == "RANK";
    if (binds_none && n_local) environment.n_local = number_in("LOCAL_WORLD_SIZE", *n_local, kMostWorkers);
    read_store(read, environment);
    environment.job = job_of(read, launcher.name);
    if (const auto start = read("COPPICE_JOB_START")) {
      environment.start = number_in("COPPICE_JOB_START", *start, 1U << 30);
    }
    return environment;
  }
  return std::nullopt;
}

void expect_store(const WorkerEnvironment& environment) {
  if (!environment.store_host.empty()) return;
  const bool has_mpi = environment.launcher == "mpirun" || environment.launcher == "srun";
  throw Error(
      ErrorCode::usage, "there is no store where workers find one another", {},
      std::string("start one with `coppice dist store` and set COPPICE_STORE to what it prints, for all workers; "
                  "`coppice dist launch` does both") +
          (has_mpi ? "; --transport mpi needs none" : ""));
}

}  // namespace coppice
