// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/lasting_net_training.h"

#include <utility>

#include "coppice/dist/alike.h"
#include "coppice/net/net_trainee.h"

namespace coppice {
namespace {

/// Says at the end of each block how far all are.
class BlockNotes final : public HybridObserver {
 public:
  BlockNotes(const NetTrainee& trainee, Progress& progress, bool resumes)
      : notes_(trainee, progress), resumes_(resumes) {}
  void begin_block(const HybridState& state, std::span<const std::string> /*words*/) override {
    if (std::exchange(resumes_, false)) return notes_.resume_at(state.next_minibatch, state.report);
    notes_.at(state.next_minibatch, state.report);
  }

 private:
  EpochNotes notes_;
  bool resumes_;  ///< and has not begun yet
};

TrainingJob training_job(NetTrainee& trainee, const LastingNetJob& job, HybridObserver& observer) {
  return {{trainee.learner(), job.options.minibatch, job.options.hybrid, &observer},
          training_facts(job.set, job.module, job.options),
          length_facts(job.options),
          job.progress};
}

}  // namespace

NetTraining train_network_with_checkpoints(Transport& transport, const LastingNetJob& job,
                                           const CheckpointOptions& checkpoint) {
  try {
    NetTrainee trainee(job.set, job.module, job.options);
    BlockNotes notes(trainee, job.progress, checkpoint.resumes);
    const TrainingJob training = training_job(trainee, job, notes);
    TrainingCheckpoints checkpoints(checkpoint, transport.rank(), training);
    return trainee.result(train_with_checkpoints(transport, training, checkpoints, trainee.minibatches()));
  } catch (const std::exception& error) {
    transport.abort("worker " + std::to_string(transport.rank()) + ": " + error.what());
    throw;
  }
}

void train_network_and_survive(const SurvivalPlace& place, const LastingNetJob& job, const UseTraining& use) {
  NetTrainee trainee(job.set, job.module, job.options);
  BlockNotes notes(trainee, job.progress, place.survival.checkpoint.resumes);
  SurvivingTraining training(place.environment, place.connect, place.survival, training_job(trainee, job, notes));
  if (training.run(trainee.minibatches()) == TrainingEnd::without_this_worker) {
    return job.progress.note("the others finished without this worker");
  }
  training.conclude([&] { use(trainee.result(training.report()), training.survival()); });
}

}  // namespace coppice
