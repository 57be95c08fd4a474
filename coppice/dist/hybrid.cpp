// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/hybrid.h"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/dist/finite_gradient.h"
#include "coppice/dist/gather.h"
#include "coppice/dist/hybrid_facts.h"
#include "coppice/dist/overlapped_sync.h"
#include "coppice/dist/resume_point.h"

namespace coppice {
namespace {

/// Adds the time until it ends to `seconds`.
class Timer {
 public:
  explicit Timer(double& seconds) : seconds_(seconds) {}
  ~Timer() { seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  double& seconds_;
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

std::string hash_text(std::span<const float> parameters) {
  return std::to_string(XXH3_64bits(parameters.data(), parameters.size_bytes()));
}

std::vector<uint32_t> gather_workers(Transport& all, uint32_t own) {
  return gather_values(all, own);
}

uint32_t group_size_of(const HybridOptions& options) {
  return options.group_size == 0 ? UINT32_MAX : options.group_size;
}

}  // namespace

void describe(OptionTable& table, HybridOptions& options) {
  describe_group_size(table, options);
  describe(table, options.compression);
  describe_blocks(table, options);
}

void describe_group_size(OptionTable& table, HybridOptions& options) {
  table.add("group_size", options.group_size, 0, 1U << 20,
            "Workers of a group, which synchronises each minibatch (gradient threshold compression). 0: all workers "
            "are one group, but by --strategy gtc+bmuf the largest divisor of their number up to 8; 1: block momentum "
            "alone.");
}

void describe_blocks(OptionTable& table, HybridOptions& options) {
  table.add("block", options.block_minibatches, 1, 1U << 30,
            "Minibatches of each worker between two synchronisations of the groups' models (CNTK counts samples of "
            "all workers).");
  table.add("warm_start", options.warm_start, 0, 1U << 30,
            "Minibatches of each worker, before the first block, during which all workers are one group that sends "
            "gradients as they are.");
  table.add("block_exchange", options.exchange,
            {{BlockExchange::sharded, "sharded"}, {BlockExchange::representative, "representative"}},
            "How groups bring their models together: each member its shard, with fewer bytes; or one member of each "
            "group the whole model. The result is the same to the bit.");
  describe(table, options.overlap);
  table.add("keeps_momentum", options.keeps_momentum, "Whether the momentum of SGD goes on over the end of a block.");
  table.add("keeps_residual", options.keeps_residual,
            "Whether what compression has not sent yet goes on over the end of a block.");
  table.add("skips_not_finite", options.skips_not_finite,
            "Leave gradients out that have an element that is no finite number, and count them. Else they are an "
            "error.");
  describe(table, options.block);
  describe(table, options.sgd);
}

class HybridTraining::Impl {
 public:
  Impl(Transport& all, const HybridJob& job, HybridProgress from)
      : all_(all),
        learner_(job.learner),
        observer_(job.observer),
        options_(job.options),
        workers_(gather_workers(all, from.worker)),
        groups_(workers_, group_size_of(options_), all.rank()),
        warm_start_(all.duplicate()),
        members_(all.subgroup(groups_.members())),
        peers_(all.subgroup(groups_.peers())),
        block_members_(all.subgroup(groups_.members())),
        gradient_(learner_.parameters().size()),
        compressor_(gradient_.size(), options_.compression),
        sgd_(gradient_.size(), job.minibatch, options_.sgd) {
    const std::string facts = hybrid_facts(options_, job.minibatch, gradient_.size());
    expect_alike(all_, workers_, facts);
    expect_overlap_possible(options_, keeps_progress() ? KeepsProgress::yes : KeepsProgress::no);
    const ResumeShape shape{gradient_.size(), sgd_.velocity().size(), group_size_of(options_), options_.exchange};
    go_on(agree_on_resume_point(all_, groups_, std::move(from), shape));
  }

  void run(uint64_t minibatches) {
    or_tell([&] {
      for (uint64_t i = 0; i < minibatches; ++i) one_step();
    });
  }

  void run_to(uint64_t minibatches_of_all) {
    or_tell([&] {
      while (true) {
        if (is_closed_) {
          end_block();
        } else if (next_minibatch_ + steps_of_block_ * dealing_.n_workers < minibatches_of_all) {
          one_step();
        } else {
          return;
        }
      }
    });
  }

  void finish() {
    or_tell([&] {
      if (is_closed_ || steps_of_block_ > 0) end_block();
      if (blocks_) blocks_->take_model(learner_.parameters());
      if (overlapped_) overlapped_->finish(learner_.parameters(), report_.samples);
      is_finished_ = true;
      if (keeps_progress()) hear_all();
    });
  }

  bool is_finished() const noexcept { return is_finished_; }

  HybridProgress take_progress() {
    return {workers_[all_.rank()], std::move(start_), dealing_, std::move(end_), std::move(next_)};
  }

  const HybridReport& report() {
    report_.density = report_.steps > 0 ? density_ / static_cast<double>(report_.steps) : 0;
    report_.in_group = traffic_before_.in_group;
    report_.in_group += warm_start_->traffic();
    report_.in_group += members_->traffic();
    report_.blocks = traffic_before_.blocks;
    report_.blocks += peers_->traffic();
    report_.blocks += block_members_->traffic();
    if (overlapped_) report_.blocks += overlapped_->traffic();
    return report_;
  }

  double block_wait_seconds() const noexcept { return overlapped_ ? overlapped_->wait_seconds() : 0; }

  const std::vector<std::string>& losses() const noexcept { return losses_; }

 private:
  bool keeps_progress() const noexcept { return observer_ != nullptr; }
  bool is_warming_up() const noexcept { return report_.steps < options_.warm_start; }

  /// The others shall not wait for a worker that cannot go on.
  template <class Work>
  void or_tell(const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      all_.abort("worker " + std::to_string(workers_[all_.rank()]) + ": " + error.what());
      if (overlapped_ && error.code() == ErrorCode::remote) overlapped_->throw_reason();
      throw;
    } catch (const std::exception& error) {
      all_.abort("worker " + std::to_string(workers_[all_.rank()]) + ": " + error.what());
      throw;
    }
  }

  void go_on(ResumePoint point) {
    losses_ = std::move(point.losses);
    if (point.is_new) {
      if (!keeps_progress()) expect_full_groups(options_, all_.size());
      expect_alike(all_, workers_, "hash of the parameters " + hash_text(learner_.parameters()) + "\n");
    } else {
      expect_overlap_possible(options_, KeepsProgress::yes);
      restore(point.state.parameters, std::move(point.state.velocity), std::move(point.state.residual));
      restore_learner(point.state.learner);
      restore_report(point.state.report);
      next_minibatch_ = point.state.next_minibatch;
    }
    if (!is_warming_up()) begin_blocks();
    if (blocks_ && !point.model.empty()) restore_block_momentum(point);
    dealing_ = point.dealing.value_or(Dealing{all_.size(), all_.rank()});
    if (keeps_progress()) start_ = present_state();
    if (!point.end) return;
    restore(point.end->parameters, point.end->velocity, point.end->residual);
    restore_learner(point.end->learner);
    restore_report(point.end->report);
    steps_of_block_ = point.end->steps;
    samples_of_group_ = point.end->samples_of_group;
    is_closed_ = true;
    end_ = std::move(point.end);
  }

  void restore(std::span<const float> parameters, std::vector<float> velocity, std::vector<float> residual) {
    std::copy(parameters.begin(), parameters.end(), learner_.parameters().begin());
    sgd_.restore(std::move(velocity));
    compressor_.restore(std::move(residual));
  }

  void restore_learner(std::span<const float> state) {
    if (!state.empty()) learner_.restore_own_state(state);
  }

  void restore_report(const HybridReport& report) {
    report_ = traffic_before_ = report;
    density_ = report.density * static_cast<double>(report.steps);
  }

  void restore_block_momentum(const ResumePoint& point) {
    const auto part_of = [&](const std::vector<float>& all) {
      const auto begin = all.begin() + static_cast<std::ptrdiff_t>(blocks_->part_begin());
      return std::vector<float>(begin, begin + static_cast<std::ptrdiff_t>(blocks_->part_size()));
    };
    blocks_->momentum().restore({part_of(point.model), part_of(point.delta), part_of(point.state.parameters)});
  }

  HybridState present_state() {
    HybridState state;
    state.next_minibatch = next_minibatch_;
    state.parameters.assign(learner_.parameters().begin(), learner_.parameters().end());
    state.velocity.assign(sgd_.velocity().begin(), sgd_.velocity().end());
    state.residual.assign(compressor_.residual().begin(), compressor_.residual().end());
    state.learner = learner_.own_state();
    if (blocks_) {
      state.part_begin = blocks_->part_begin();
      state.model = blocks_->momentum().state().model;
      state.delta = blocks_->momentum().state().delta;
    }
    state.report = report();
    return state;
  }

  void one_step() {
    const uint64_t step = report_.steps;
    if (observer_ != nullptr) observer_->begin_step();
    compute(step);
    if (observer_ != nullptr) observer_->end_step();
    if (is_warming_up()) {
      warm_start_->all_reduce(gradient_);
    } else {
      synchronise(step);
    }
    sgd_.step(gradient_, step, learner_.parameters());
    ++report_.steps, ++steps_of_block_;
    if (overlapped_) end_overlapped_step();
    const bool is_warm = report_.steps == options_.warm_start;
    if (is_warm || steps_of_block_ == options_.block_minibatches) end_block();
    if (is_warm) begin_blocks();
  }

  void compute(uint64_t step) {
    const Timer timer(report_.compute_seconds);
    const uint64_t minibatch = next_minibatch_ + steps_of_block_ * dealing_.n_workers + dealing_.place;
    const Turn turn{workers_[all_.rank()], step, minibatch};
    const auto result = compute_finite_gradient(learner_, turn, options_.skips_not_finite, gradient_);
    if (!result) {
      ++report_.n_skipped;
      return;
    }
    report_.samples += result->samples;
    samples_of_block_ += result->samples;
    report_.loss += result->loss;
  }

  /// The gradient becomes the sum of what the members of the group say.
  void synchronise(uint64_t step) {
    if (members_->size() == 1) return;  // whose gradient needs no sending, and so no threshold
    const bool sends_all = options_.compression.threshold == 0 && options_.compression.density == 0;
    if (sends_all) return members_->all_reduce(gradient_);
    {
      const Timer timer(report_.encode_seconds);
      compressor_.compress(gradient_, step, message_);
      density_ += compressor_.density();
    }
    const auto all = members_->all_gather(message_);
    const Timer timer(report_.decode_seconds);
    std::vector<GradientMessage> messages;
    for (size_t member = 0; member < all.size(); ++member) {
      try {
        messages.emplace_back(all[member], gradient_.size(), step);
      } catch (const Error& error) {
        const uint32_t worker = workers_[groups_.members()[member]];
        throw Error(error.code(), std::string(error.what()) + ", from worker " + std::to_string(worker));
      }
    }
    add_up(messages, gradient_);
  }

  void begin_blocks() {
    if (groups_.n_groups() == 1) return;
    if (options_.overlap.minibatches > 0) {
      const OverlappedSync::Schedule schedule{options_.block_minibatches, options_.overlap, options_.exchange,
                                              options_.block};
      overlapped_.emplace(OverlappedSync::Workers{all_, workers_, groups_}, schedule, learner_.parameters(),
                          report_.samples);
      return;
    }
    const BlockLayout layout{groups_.n_groups(), groups_.smallest()};
    blocks_.emplace(BlockSync::Links{*block_members_, *peers_}, layout, learner_.parameters(), options_.exchange,
                    options_.block);
  }

  /// Models of groups meet while this one trains. Where parameters became those of all, nothing may go on.
  void end_overlapped_step() {
    const auto without = [](std::span<const float> all, const OverlappedSync::Part& part) {
      std::vector<float> left(all.begin(), all.end());
      if (!left.empty()) std::fill_n(left.begin() + static_cast<std::ptrdiff_t>(part.begin), part.size, 0.0F);
      return left;
    };
    for (const auto& part : overlapped_->end_step(learner_.parameters(), report_.samples)) {
      if (!options_.keeps_momentum) sgd_.restore(without(sgd_.velocity(), part));
      if (!options_.keeps_residual) compressor_.restore(without(compressor_.residual(), part));
    }
  }

  /// The models of groups meet, if there are several, and all workers see that they have the same one. Until they have,
  /// this worker keeps what it needs to begin the block again, or its end.
  void end_block() {
    if (blocks_) {
      if (!is_closed_) close_block();
      blocks_->end_block(learner_.parameters(), samples_of_group_);
      if (!options_.keeps_momentum) sgd_.reset();
      if (!options_.keeps_residual) compressor_.restore(std::vector<float>(gradient_.size()));
    }
    next_minibatch_ += steps_of_block_ * dealing_.n_workers;
    steps_of_block_ = samples_of_block_ = 0;
    is_closed_ = false;
    if (keeps_progress()) next_ = present_state();
    const std::vector<std::string> words = overlapped_ ? std::vector<std::string>() : hear_all();
    if (!keeps_progress()) return;
    start_ = std::move(next_);
    next_.reset(), end_.reset();
    dealing_ = {all_.size(), all_.rank()};
    observer_->begin_block(*start_, words);
  }

  /// The members of this group have all trained their minibatches of the block.
  void close_block() {
    samples_of_group_ = blocks_->samples_of_group(samples_of_block_);
    is_closed_ = true;
    if (!keeps_progress()) return;
    HybridState state = present_state();
    end_ = BlockEnd{steps_of_block_,
                    samples_of_group_,
                    std::move(state.parameters),
                    std::move(state.velocity),
                    std::move(state.residual),
                    std::move(state.learner),
                    state.report};
  }

  /// All workers must have the same model now. What each has to say, by rank.
  std::vector<std::string> hear_all() {
    const uint64_t own = XXH3_64bits(learner_.parameters().data(), learner_.parameters().size_bytes());
    std::string text(reinterpret_cast<const char*>(&own), sizeof own);
    if (observer_ != nullptr) text += observer_->word();
    std::vector<std::string> all = gather_texts(all_, text);
    for (size_t rank = 0; rank < all.size(); ++rank) {
      if (all[rank].compare(0, sizeof own, all[0], 0, sizeof own) == 0) continue;
      throw Error(ErrorCode::internal, "worker " + std::to_string(workers_[rank]) + " has another model than worker " +
                                           std::to_string(workers_[0]) + " after step " +
                                           std::to_string(report_.steps));
    }
    for (std::string& word : all) word.erase(0, sizeof own);
    return all;
  }

  Transport& all_;
  Learner& learner_;
  HybridObserver* observer_;
  HybridOptions options_;
  std::vector<uint32_t> workers_;  ///< their numbers in the job, by rank
  WorkerGroups groups_;
  std::unique_ptr<Transport> warm_start_;     ///< all, for gradients before the first block
  std::unique_ptr<Transport> members_;        ///< of this worker's group, for gradients
  std::unique_ptr<Transport> peers_;          ///< at the same place in the other groups
  std::unique_ptr<Transport> block_members_;  ///< of this worker's group, for models
  std::vector<float> gradient_;
  std::vector<std::byte> message_;
  GradientCompressor compressor_;
  Sgd sgd_;
  std::optional<BlockSync> blocks_;           ///< nothing where there is one group, or during the warm start
  std::optional<OverlappedSync> overlapped_;  ///< in its place, with overlap
  uint64_t next_minibatch_ = 0;               ///< of all workers, at the beginning of the block
  Dealing dealing_;
  uint64_t steps_of_block_ = 0, samples_of_block_ = 0;
  uint64_t samples_of_group_ = 0;  ///< of the block, once it is closed
  bool is_closed_ = false, is_finished_ = false;
  std::optional<HybridState> start_, next_;  ///< as in HybridProgress
  std::optional<BlockEnd> end_;
  std::vector<std::string> losses_;
  double density_ = 0;  ///< summed over the steps
  HybridReport report_, traffic_before_;
};

HybridTraining::HybridTraining(Transport& transport, Learner& learner, uint32_t minibatch, const HybridOptions& options)
    : HybridTraining(transport, HybridJob{learner, minibatch, options, nullptr}, {transport.rank(), {}, {}, {}, {}}) {}
HybridTraining::HybridTraining(Transport& transport, const HybridJob& job, HybridProgress from)
    : impl_(std::make_unique<Impl>(transport, job, std::move(from))) {}
HybridTraining::~HybridTraining() = default;

void HybridTraining::run(uint64_t minibatches) {
  impl_->run(minibatches);
}
void HybridTraining::run_to(uint64_t minibatches_of_all) {
  impl_->run_to(minibatches_of_all);
}
void HybridTraining::finish() {
  impl_->finish();
}
bool HybridTraining::is_finished() const noexcept {
  return impl_->is_finished();
}
HybridProgress HybridTraining::take_progress() {
  return impl_->take_progress();
}
const std::vector<std::string>& HybridTraining::losses() const noexcept {
  return impl_->losses();
}
const HybridReport& HybridTraining::report() const noexcept {
  return impl_->report();
}
double HybridTraining::block_wait_seconds() const noexcept {
  return impl_->block_wait_seconds();
}

}  // namespace coppice
