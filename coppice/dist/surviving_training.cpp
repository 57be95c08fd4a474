// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/surviving_training.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/alike.h"
#include "coppice/dist/gather.h"
#include "coppice/dist/gloo_link.h"
#include "coppice/dist/hybrid_facts.h"
#include "coppice/dist/life_signs.h"
#include "coppice/dist/rendezvous.h"

namespace coppice {
namespace {

/// Leaves a generation on purpose, at the beginning of a block.
struct Leave {};

/// What a worker says at the end of a block.
constexpr const char* kSomeoneJoins = "join";
constexpr const char* kStop = "stop";

/// That connecting may take once all members of a generation have come.
constexpr double kMeshSeconds = 15;

/// Whether others may be lost, and training goes on without them.
bool is_of_others(const Error& error) {
  return error.code() == ErrorCode::remote || error.code() == ErrorCode::timeout;
}

std::vector<uint32_t> workers_in(const std::vector<Member>& members) {
  std::vector<uint32_t> workers;
  for (const Member& member : members) workers.push_back(member.worker);
  return workers;
}

uint64_t new_process_number() {
  std::random_device device;
  return (uint64_t{device()} << 32) ^ device() ^ (static_cast<uint64_t>(::getpid()) << 16);
}

}  // namespace

void describe(OptionTable& table, SurvivalOptions& options) {
  table.add("min_workers", options.min_workers, 1, 1U << 20,
            "When workers are lost, training goes on with those that are left; with fewer than so many it ends, and "
            "leaves a checkpoint.");
  table.add("beat_seconds", options.beat_seconds, 0.01, 60,
            "A worker gives a sign of life each so many seconds. What silence is taken for its death is learned from "
            "them: some 20 times as long on a quiet machine.");
  table.add("regroup_seconds", options.regroup_seconds, 1, 86400,
            "When others wait for a worker that gives signs of life, but has done no step for so long, it is left "
            "behind.");
  describe(table, options.detector);
  describe(table, options.checkpoint);
}

class SurvivingTraining::Impl final : public HybridObserver {
 public:
  Impl(const WorkerEnvironment& environment, const ConnectOptions& connect, const SurvivalOptions& options,
       const TrainingJob& job)
      : environment_(environment),
        connect_(connect),
        options_(options),
        job_(job),
        self_{environment.worker, environment.start, new_process_number()},
        life_({environment.store_host, environment.store_port, environment.job + "/", connect.connect_seconds}, self_,
              options.beat_seconds, options.detector),
        rendezvous_(environment, self_, life_, {connect.connect_seconds, options.regroup_seconds, options.min_workers}),
        checkpoints_(options.checkpoint, environment.worker, job) {
    progress_of_worker_.worker = self_.worker;
  }

  TrainingEnd run(uint64_t minibatches_of_all) {
    total_ = minibatches_of_all;
    try {
      return survive();
    } catch (const std::exception& error) {
      end_all(error);
      throw;
    }
  }

  const HybridReport& report() const noexcept { return report_; }
  const SurvivalReport& survival() noexcept {
    survival_.n_checkpoints = checkpoints_.n_saved(), survival_.checkpoint_seconds = checkpoints_.seconds();
    return survival_;
  }

  bool conclude(const std::function<void()>& work) {
    if (is_alone_) {  // without a store, nobody hears whether another one did
      const bool is_first = generation_.rank_of(self_) == 0;
      if (is_first) work();
      return is_first;
    }
    for (const Member& member : generation_.members) {
      if (member != self_ && !concludes(member)) continue;
      if (member == self_) conclude_here(work);
      return member == self_;
    }
    return false;
  }

  // What the training asks and tells.

  void begin_step() noexcept override {
    life_.begin_step();
    if (job_.training.observer != nullptr) job_.training.observer->begin_step();
  }

  void end_step() noexcept override {
    if (job_.training.observer != nullptr) job_.training.observer->end_step();
    life_.end_step();
  }

  std::string word() override {
    if (job_.progress.stop_requested()) return kStop;
    const bool one_joins = life_.with_view([](const LifeView& view, double now) { return !view.joiners(now).empty(); });
    return one_joins ? kSomeoneJoins : "";
  }

  void begin_block(const HybridState& state, std::span<const std::string> words) override {
    const auto says = [&](const char* word) { return std::find(words.begin(), words.end(), word) != words.end(); };
    const bool stops = says(kStop);
    checkpoints_.at_block(state, workers_in(generation_.members), stops);
    note_blindness();
    if (job_.training.observer != nullptr) job_.training.observer->begin_block(state, words);
    if (state.next_minibatch >= total_) return;  // what is left is to write the model
    if (stops) throw Error(ErrorCode::cancelled, "stopped on request");
    if (says(kSomeoneJoins)) throw Leave{};
  }

 private:
  /// Without the store training goes on, as long as nobody is lost.
  void note_blindness() {
    const std::optional<std::string> why = life_.blindness();
    if (!why || std::exchange(has_noted_blindness_, true)) return;
    job_.progress.note(*why + ": when a worker is lost from now on, the training ends");
  }

  /// To those who have not the model. All members of this generation have it.
  void tell_that_it_is_done() {
    try {
      rendezvous_.done();
    } catch (const Error& error) {
      job_.progress.note(std::string(error.what()) + ", but the training is done: the first worker concludes it");
      is_alone_ = true;
    }
  }

  /// Waits until this member has concluded the training. No: it died before.
  bool concludes(const Member& member) {
    while (true) {
      try {
        life_.look_now();
      } catch (const Error& error) {
        job_.progress.note(std::string(error.what()) + ": worker " + std::to_string(member.worker) +
                           " was to conclude the training, and this one does not hear whether it has");
        return true;
      }
      struct Seen {
        bool is_concluded, is_dead;
        std::optional<std::string> failure;
      };
      const Seen seen = life_.with_view([&](const LifeView& view, double now) {
        return Seen{view.is_concluded(), view.is_dead(member, now), view.failure()};
      });
      if (seen.is_concluded) return true;
      if (seen.failure) throw Error(ErrorCode::remote, "another worker gave up: " + *seen.failure);
      if (seen.is_dead) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  /// Throws where all who had the result are gone, and it was not written.
  void expect_conclusion() {
    const Generation last = life_.with_view([](const LifeView& view, double) { return view.generation(); });
    for (const Member& member : last.members) {
      if (member != self_ && concludes(member)) return;
    }
    throw Error(ErrorCode::remote, "the training came to its end, but all workers that had the result are lost");
  }

  void conclude_here(const std::function<void()>& work) {
    try {
      work();
    } catch (const std::exception& error) {
      end_all(error);
      throw;
    }
    try {
      rendezvous_.concluded();
    } catch (const Error& error) {
      job_.progress.note(std::string(error.what()) + ": the other workers do not hear that the training is concluded");
    }
  }

  TrainingEnd survive() {
    std::optional<Generation> next = rendezvous_.join(job_.progress);
    while (next) {
      begin_generation(*next);
      const std::optional<Readiness> readiness = train();
      if (!readiness) return TrainingEnd::finished;
      const auto left_at = std::chrono::steady_clock::now();
      survival_.bound_seconds = std::max(
          survival_.bound_seconds, life_.with_view([](const LifeView& view, double) { return view.bound_seconds(); }));
      next = rendezvous_.regroup(generation_, *readiness, job_.progress);
      survival_.regroup_seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - left_at).count();
    }
    // It has ended meanwhile. Whoever had the result when the last vote broke off has it.
    if (has_model_) return TrainingEnd::finished;
    expect_conclusion();
    return TrainingEnd::without_this_worker;
  }

  void begin_generation(const Generation& next) {
    const auto count_missing = [](const Generation& from, const Generation& in) {
      return static_cast<uint64_t>(std::count_if(from.members.begin(), from.members.end(),
                                                 [&](const Member& member) { return !in.has(member); }));
    };
    job_.progress.speaks_for_all(next.rank_of(self_) == 0);
    if (generation_.number > 0 && next.number == generation_.number + 1) {
      survival_.n_lost += count_missing(generation_, next);
      survival_.n_joined += count_missing(next, generation_);
      job_.progress.note("generation " + std::to_string(next.number) + ": " +
                         std::to_string(count_missing(generation_, next)) + " lost, " +
                         std::to_string(count_missing(next, generation_)) + " joined, " +
                         std::to_string(next.members.size()) + " workers");
    } else if (generation_.number > 0) {
      // The others went on without this one: what it has is of no use to them.
      progress_of_worker_ = {};
      progress_of_worker_.worker = self_.worker;
      has_trained_ = false;
      job_.progress.note("this worker was left behind, and joins again");
    }
    generation_ = next;
    ++survival_.generations;
  }

  /// As far as this generation comes. Nothing: to the end.
  std::optional<Readiness> train() {
    has_model_ = false;
    try {
      const std::unique_ptr<Transport> transport = connect();
      const Watching watching(*this, *transport);
      expect_alike(*transport, workers_in(generation_.members),
                   facts_of(job_) + job_.length + facts_of(options_.checkpoint) + "min_workers " +
                       std::to_string(options_.min_workers) + "\n");
      begin_or_resume(*transport);
      HybridTraining training(*transport, job_of_generation(), progress_of_worker_);
      for (const std::string& loss : training.losses()) job_.progress.note(loss);
      return train_on(training);
    } catch (const Error& error) {
      if (!is_of_others(error)) throw;
      job_.progress.note(std::string("generation ") + std::to_string(generation_.number) +
                         " breaks off: " + error.what());
    }
    // Nothing was done in this generation: what it began with is as it was.
    return readiness_before_;
  }

  std::optional<Readiness> train_on(HybridTraining& training) {
    progress_of_worker_ = {};
    has_trained_ = true;
    std::optional<Error> lost;
    try {
      training.run_to(total_);
      training.finish();
      report_ = training.report();
      has_model_ = true;
      tell_that_it_is_done();
      return std::nullopt;
    } catch (const Leave&) {
      readiness_before_ = Readiness::at_boundary;
    } catch (const Error& error) {
      report_ = training.report();
      if (!is_of_others(error)) throw;
      has_model_ = training.is_finished();
      lost = error;
    }
    const uint64_t steps = training.report().steps;
    progress_of_worker_ = training.take_progress();
    if (lost) {
      const bool keeps = progress_of_worker_.end || progress_of_worker_.next;
      readiness_before_ = keeps ? Readiness::has_ended : Readiness::rewinds;
      if (!keeps && progress_of_worker_.start) survival_.n_rewound += steps - progress_of_worker_.start->report.steps;
      job_.progress.note("generation " + std::to_string(generation_.number) + " breaks off after step " +
                         std::to_string(steps) + ": " + lost->what());
    }
    return readiness_before_;
  }

  std::unique_ptr<Transport> connect() {
    GlooOptions gloo;
    gloo.store_host = environment_.store_host, gloo.store_port = environment_.store_port;
    gloo.job = environment_.job + "/generation-" + std::to_string(generation_.number);
    gloo.address = connect_.address, gloo.interface = connect_.interface;
    gloo.seconds = connect_.connect_seconds;
    gloo.mesh_seconds = std::min(connect_.connect_seconds, kMeshSeconds);
    auto transport = std::make_unique<MessageTransport>(connect_unless_in_vain(gloo));
    transport->set_time_limit(connect_.time_limit);
    return transport;
  }

  /// Throws where a generation will not come together any more.
  void expect_all_alive(const Generation& generation) {
    const bool is_in_vain = life_.with_view([&](const LifeView& view, double now) {
      return view.failure() || view.generation().number > generation.number ||
             std::any_of(generation.members.begin(), generation.members.end(),
                         [&](const Member& member) { return view.is_dead(member, now); });
    });
    if (is_in_vain) throw Error(ErrorCode::remote, "a worker was lost before all were connected");
  }

  /// Whom a thread that connects may ask; nobody any more once it is left to itself.
  struct Asked {
    std::mutex mutex;
    Impl* impl;
  };

  /// Gloo cannot be stopped while it connects, and would wait for one who was killed meanwhile: it connects on a thread
  /// of its own, which is left to itself when that happens, and ends when Gloo's time limit does.
  std::shared_ptr<MessageLink> connect_unless_in_vain(GlooOptions gloo) {
    const Generation generation = generation_;
    const auto asked = std::make_shared<Asked>();
    asked->impl = this;
    gloo.while_waiting = [asked, generation] {
      const std::lock_guard lock(asked->mutex);
      if (asked->impl == nullptr) throw Error(ErrorCode::cancelled, "nobody waits for this connection");
      asked->impl->expect_all_alive(generation);
    };
    std::promise<std::shared_ptr<MessageLink>> promise;
    std::future<std::shared_ptr<MessageLink>> link = promise.get_future();
    std::thread connecting([gloo, rank = generation.rank_of(self_), size = generation.members.size(),
                            promise = std::move(promise)]() mutable {
      try {
        promise.set_value(connect_by_gloo(rank, static_cast<uint32_t>(size), gloo));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    });
    try {
      while (link.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) expect_all_alive(generation);
    } catch (...) {
      {
        const std::lock_guard lock(asked->mutex);
        asked->impl = nullptr;
      }
      connecting.detach();
      throw;
    }
    connecting.join();
    return link.get();
  }

  /// For as long as a generation is connected, the dead do not keep this worker waiting.
  class Watching {
   public:
    Watching(Impl& of, Transport& transport) : life_(of.life_) {
      const uint32_t group_size = of.job_.training.options.group_size;
      LifeSigns::Watch watch{of.generation_, {}, [&transport](const std::string& why) { transport.abort(why); }};
      for (const Member& member : of.generation_.members) {
        if (group_size == 0 || member.worker / group_size == of.self_.worker / group_size) {
          watch.group.push_back(member);
        }
      }
      life_.watch(std::move(watch));
    }
    ~Watching() { life_.unwatch(); }
    Watching(const Watching&) = delete;
    Watching& operator=(const Watching&) = delete;

   private:
    LifeSigns& life_;
  };

  HybridJob job_of_generation() {
    HybridJob job = job_.training;
    job.observer = this;
    return job;
  }

  /// Unless some of these workers have trained: then the others join them. Whoever was started again, when all were
  /// lost, may begin where its checkpoints are.
  void begin_or_resume(Transport& transport) {
    if (!checkpoints_.keeps_any()) return;
    const std::vector<uint32_t> trained = gather_values(transport, uint32_t{has_trained_ ? 1U : 0U});
    const bool is_new = std::find(trained.begin(), trained.end(), 1U) == trained.end();
    if (!checkpoints_.resumes()) {
      if (is_new && self_.start == 0) checkpoints_.expect_none();
      return;
    }
    if (!has_trained_) progress_of_worker_.start.reset();
    if (is_new) progress_of_worker_.start = checkpoints_.resume(transport, total_);
  }

  /// The others shall not wait for this one. What it knows stays in a checkpoint, unless that is what failed.
  void end_all(const std::exception& error) {
    const auto* own = dynamic_cast<const Error*>(&error);  // others come from whatever is trained
    const std::string where = own == nullptr || own->where().empty() ? "" : own->where() + ": ";
    const std::string what = error.what();
    try {
      rendezvous_.fail("worker " + std::to_string(self_.worker) + ": " + where + what.substr(0, what.find('\n')));
    } catch (const Error&) {  // the store is gone: there is nobody to tell
    }
    if (own != nullptr && (is_of_others(*own) || own->code() == ErrorCode::cancelled)) save_what_is_left();
  }

  void save_what_is_left() {
    try {
      // Fewer are left than are needed, say: of a block's two ends others may have one alone.
      const bool is_blind = life_.blindness().has_value();
      const std::vector<Member> alive = life_.with_view([&](const LifeView& view, double now) {
        std::vector<Member> members = generation_.members;
        std::erase_if(members,
                      [&](const Member& member) { return member != self_ && !is_blind && view.is_dead(member, now); });
        return members;
      });
      if (progress_of_worker_.start) checkpoints_.save(*progress_of_worker_.start, workers_in(alive));
      if (progress_of_worker_.next) checkpoints_.save(*progress_of_worker_.next, workers_in(alive));
    } catch (const Error&) {  // the first reason counts
    }
  }

  WorkerEnvironment environment_;
  ConnectOptions connect_;
  SurvivalOptions options_;
  TrainingJob job_;
  Member self_;
  LifeSigns life_;
  Rendezvous rendezvous_;
  TrainingCheckpoints checkpoints_;
  uint64_t total_ = 0;
  Generation generation_;
  HybridProgress progress_of_worker_;  ///< what the next generation begins with
  Readiness readiness_before_ = Readiness::at_boundary;
  bool has_trained_ = false;  ///< it has been part of a generation that began to train
  bool has_model_ = false;
  bool is_alone_ = false;  ///< the store is gone, and the training done
  bool has_noted_blindness_ = false;
  HybridReport report_;
  SurvivalReport survival_;
};

SurvivingTraining::SurvivingTraining(const WorkerEnvironment& environment, const ConnectOptions& connect,
                                     const SurvivalOptions& options, const TrainingJob& job) {
  expect_store(environment);
  if (connect.transport != TransportKind::gloo) {
    throw Error(ErrorCode::usage, "MPI ends all workers when one is lost, so that none can go on", {},
                "--transport gloo");
  }
  if (options.min_workers > environment.n_workers) {
    throw Error(ErrorCode::usage, "min_workers is " + std::to_string(options.min_workers) + ", and there are " +
                                      std::to_string(environment.n_workers) + " workers");
  }
  expect_full_groups(job.training.options, environment.n_workers);
  expect_overlap_possible(job.training.options, KeepsProgress::yes);
  impl_ = std::make_unique<Impl>(environment, connect, options, job);
}
SurvivingTraining::~SurvivingTraining() = default;

TrainingEnd SurvivingTraining::run(uint64_t minibatches_of_all) {
  return impl_->run(minibatches_of_all);
}
const HybridReport& SurvivingTraining::report() const noexcept {
  return impl_->report();
}
const SurvivalReport& SurvivingTraining::survival() const noexcept {
  return impl_->survival();
}
bool SurvivingTraining::conclude(const std::function<void()>& work) {
  return impl_->conclude(work);
}

}  // namespace coppice
