// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/training_checkpoints.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/alike.h"
#include "coppice/dist/hybrid_facts.h"

namespace coppice {
namespace {

constexpr const char* kStop = "stop";

uint64_t ceil_divide(uint64_t a, uint64_t b) {
  return (a + b - 1) / b;
}

/// How many blocks there are up to a step where one begins; the warm start is cut into such, too.
uint64_t blocks_to(uint64_t step, const HybridOptions& options) {
  const uint64_t warm = std::min<uint64_t>(step, options.warm_start);
  return ceil_divide(warm, options.block_minibatches) + ceil_divide(step - warm, options.block_minibatches);
}

/// Hands on what it sees, and writes checkpoints.
class Keeper final : public HybridObserver {
 public:
  Keeper(const TrainingJob& job, TrainingCheckpoints& checkpoints, uint32_t n_workers, uint64_t minibatches_of_all)
      : inner_(job.training.observer),
        progress_(job.progress),
        checkpoints_(checkpoints),
        total_(minibatches_of_all),
        workers_(n_workers) {
    std::iota(workers_.begin(), workers_.end(), 0U);
  }

  void begin_step() noexcept override {
    if (inner_ != nullptr) inner_->begin_step();
  }
  void end_step() noexcept override {
    if (inner_ != nullptr) inner_->end_step();
  }
  std::string word() override { return progress_.stop_requested() ? kStop : ""; }

  void begin_block(const HybridState& state, std::span<const std::string> words) override {
    const bool stops = std::find(words.begin(), words.end(), kStop) != words.end();
    checkpoints_.at_block(state, workers_, stops);
    if (inner_ != nullptr) inner_->begin_block(state, words);
    // In the end there is nothing left but to write the model.
    if (stops && state.next_minibatch < total_) throw Error(ErrorCode::cancelled, "stopped on request");
  }

 private:
  HybridObserver* inner_;
  Progress& progress_;
  TrainingCheckpoints& checkpoints_;
  uint64_t total_;
  std::vector<uint32_t> workers_;
};

/// At its end a training has gone less than a step of all beyond its length. Some of these may have been lost since.
uint64_t most_of_a_step(const AgreedCheckpoint& agreed, uint32_t n_workers) {
  const HybridState& state = *agreed.state;
  const uint64_t on_average = ceil_divide(state.next_minibatch, std::max<uint64_t>(1, state.report.steps));
  return std::max<uint64_t>({agreed.n_workers, n_workers, on_average});
}

}  // namespace

void describe(OptionTable& table, CheckpointOptions& options) {
  table.add("checkpoint", options.folder,
            "A folder for checkpoints: each worker keeps its last two there, in files of its own. Machines need not "
            "share it. One that has checkpoints needs --resume. Nothing: no checkpoints.");
  table.add("checkpoint_blocks", options.every_blocks, 1, 1U << 30,
            "A checkpoint is written at the end of each so many blocks.");
  table.add("resume", options.resumes,
            "Go on from the newest checkpoint that is whole on all workers; where there is none, begin.");
}

std::string facts_of(const TrainingJob& job) {
  const HybridJob& training = job.training;
  return hybrid_facts(training.options, training.minibatch, training.learner.parameters().size()) + job.data;
}

std::string facts_of(const CheckpointOptions& options) {
  return "resume " + std::to_string(int{options.resumes}) + "\ncheckpoint_blocks " +
         std::to_string(options.every_blocks) + "\ncheckpoints are kept " +
         std::to_string(int{!options.folder.empty()}) + "\n";
}

TrainingCheckpoints::TrainingCheckpoints(const CheckpointOptions& options, uint32_t worker, const TrainingJob& job)
    : options_(options),
      worker_(worker),
      training_(job.training.options),
      facts_(facts_of(job)),
      progress_(job.progress) {
  if (!options_.folder.empty()) folder_.emplace(options_.folder, worker_);
  if (options_.resumes && !folder_) {
    throw Error(ErrorCode::usage, "a training is to go on, but no folder of checkpoints is given", {},
                "--checkpoint FOLDER");
  }
}

void TrainingCheckpoints::expect_none() const {
  if (!folder_ || folder_->steps().empty()) return;
  throw Error(ErrorCode::usage, "there are checkpoints of an earlier training", options_.folder,
              "--resume goes on from them; remove them to begin anew");
}

std::optional<HybridState> TrainingCheckpoints::resume(Transport& all, uint64_t minibatches_of_all) {
  AgreedCheckpoint agreed = agree_on_checkpoint(all, *folder_, worker_, facts_);
  if (agreed.state && agreed.state->next_minibatch >= minibatches_of_all + most_of_a_step(agreed, all.size())) {
    throw Error(ErrorCode::usage,
                "the checkpoint of step " + std::to_string(agreed.state->report.steps) + " is at minibatch " +
                    std::to_string(agreed.state->next_minibatch) +
                    " of all workers, beyond the end of this training, " + std::to_string(minibatches_of_all),
                options_.folder, "more epochs, as many as before at least");
  }
  for (const std::string& note : agreed.notes) progress_.note(note);
  if (agreed.state) folder_->forget_after(agreed.state->report.steps);
  return std::move(agreed.state);
}

void TrainingCheckpoints::at_block(const HybridState& state, const std::vector<uint32_t>& workers, bool ends) {
  if (ends || blocks_to(state.report.steps, training_) % options_.every_blocks == 0) save(state, workers);
}

void TrainingCheckpoints::save(const HybridState& state, std::vector<uint32_t> workers) {
  if (!folder_) return;
  const auto begin = std::chrono::steady_clock::now();
  folder_->save({state, std::move(workers), facts_});
  folder_->forget_after(state.report.steps);
  ++n_saved_;
  seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

HybridReport train_with_checkpoints(Transport& all, const TrainingJob& job, TrainingCheckpoints& checkpoints,
                                    uint64_t minibatches_of_all) {
  expect_alike(all, facts_of(job) + job.length + facts_of(checkpoints.options()));
  HybridProgress from;
  from.worker = all.rank();
  if (checkpoints.resumes()) {
    from.start = checkpoints.resume(all, minibatches_of_all);
  } else {
    checkpoints.expect_none();
  }
  Keeper keeper(job, checkpoints, all.size(), minibatches_of_all);
  HybridJob training = job.training;
  training.observer = &keeper;
  HybridTraining hybrid(all, training, std::move(from));
  for (const std::string& loss : hybrid.losses()) job.progress.note(loss);
  hybrid.run_to(minibatches_of_all);
  hybrid.finish();
  return hybrid.report();
}

}  // namespace coppice
