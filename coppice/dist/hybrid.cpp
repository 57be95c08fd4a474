// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/hybrid.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/dist/alike.h"

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

bool all_finite(std::span<const float> values) noexcept {
  uint32_t most = 0;  // of the exponents; the largest is that of what is no number
  for (const float value : values) most = std::max(most, std::bit_cast<uint32_t>(value) << 1);
  return most < 0xFF000000;
}

std::string hash_text(std::span<const float> parameters) {
  return std::to_string(XXH3_64bits(parameters.data(), parameters.size_bytes()));
}

/// What all workers must have alike, a line each.
std::vector<std::string> facts_of(const HybridOptions& options, std::span<const float> parameters, uint32_t minibatch) {
  HybridOptions copy = options;
  OptionTable table;
  describe(table, copy);
  std::vector<std::string> facts;
  for (const Option& option : table.options()) facts.push_back(option.name + " " + option.default_text);
  facts.push_back("minibatch " + std::to_string(minibatch));
  facts.push_back("parameters " + std::to_string(parameters.size()));
  facts.push_back("hash of the parameters " + hash_text(parameters));
  return facts;
}

/// Numbers from `first` on, `step` apart.
std::vector<uint32_t> every(uint32_t first, uint32_t step, uint32_t count) {
  std::vector<uint32_t> numbers;
  for (uint32_t i = 0; i < count; ++i) numbers.push_back(first + i * step);
  return numbers;
}

uint32_t group_size_of(const HybridOptions& options, uint32_t n_workers) {
  const uint32_t size = options.group_size == 0 ? n_workers : options.group_size;
  if (n_workers % size == 0) return size;
  throw Error(ErrorCode::usage, std::to_string(n_workers) + " workers do not fill groups of " + std::to_string(size));
}

}  // namespace

void describe(OptionTable& table, HybridOptions& options) {
  table.add("group_size", options.group_size, 0, 1U << 20,
            "Workers of a group, which synchronises each minibatch (gradient threshold compression). 0: all workers "
            "are one group; 1: block momentum alone.");
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
  table.add("keeps_momentum", options.keeps_momentum, "Whether the momentum of SGD goes on over the end of a block.");
  table.add("keeps_residual", options.keeps_residual,
            "Whether what compression has not sent yet goes on over the end of a block.");
  table.add("skips_not_finite", options.skips_not_finite,
            "Leave gradients out that have an element that is no finite number, and count them. Else they are an "
            "error.");
  describe(table, options.compression);
  describe(table, options.block);
  describe(table, options.sgd);
}

class HybridTraining::Impl {
 public:
  Impl(Transport& all, Learner& learner, uint32_t minibatch, const HybridOptions& options)
      : all_(all),
        learner_(learner),
        options_(options),
        group_size_(group_size_of(options, all.size())),
        members_(all.subgroup(every(all.rank() / group_size_ * group_size_, 1, group_size_))),
        peers_(all.subgroup(every(all.rank() % group_size_, group_size_, all.size() / group_size_))),
        block_members_(all.subgroup(every(all.rank() / group_size_ * group_size_, 1, group_size_))),
        gradient_(learner.parameters().size()),
        compressor_(gradient_.size(), options.compression),
        sgd_(gradient_.size(), minibatch, options.sgd) {
    expect_alike(all_, facts_of(options, learner.parameters(), minibatch));
    if (options_.warm_start == 0) begin_blocks();
  }

  void run(uint64_t minibatches) {
    try {
      for (uint64_t i = 0; i < minibatches; ++i) one_step();
    } catch (const Error& error) {
      all_.abort("worker " + std::to_string(all_.rank()) + ": " + error.what());
      throw;
    }
  }

  void finish() {
    if (!blocks_) return;
    if (steps_of_block_ > 0) end_block();
    blocks_->take_model(learner_.parameters());
  }

  const HybridReport& report() {
    report_.density = report_.steps > 0 ? density_ / static_cast<double>(report_.steps) : 0;
    report_.in_group = members_->traffic();
    report_.blocks = peers_->traffic();
    report_.blocks += block_members_->traffic();
    return report_;
  }

 private:
  bool is_warming_up() const noexcept { return report_.steps < options_.warm_start; }

  void one_step() {
    const uint64_t step = report_.steps;
    compute(step);
    if (is_warming_up()) {
      all_.all_reduce(gradient_);
    } else {
      synchronise(step);
    }
    sgd_.step(gradient_, step, learner_.parameters());
    ++report_.steps;
    if (report_.steps == options_.warm_start) return begin_blocks();
    if (is_warming_up()) return;
    if (blocks_ && ++steps_of_block_ == options_.block_minibatches) end_block();
  }

  void compute(uint64_t step) {
    const Timer timer(report_.compute_seconds);
    const BatchResult result = learner_.compute_gradient(step, gradient_);
    if (!all_finite(gradient_)) {
      if (!options_.skips_not_finite) {
        throw Error(ErrorCode::data, "step " + std::to_string(step) + ": a gradient is no finite number", {},
                    "a smaller learning_rate may help; skips_not_finite leaves such minibatches out");
      }
      ++report_.n_skipped;
      return std::fill(gradient_.begin(), gradient_.end(), 0.0F);
    }
    report_.samples += result.samples;
    samples_of_block_ += result.samples;
    report_.loss += result.loss;
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
        const uint32_t worker = all_.rank() / group_size_ * group_size_ + static_cast<uint32_t>(member);
        throw Error(error.code(), std::string(error.what()) + ", from worker " + std::to_string(worker));
      }
    }
    add_up(messages, gradient_);
  }

  void begin_blocks() {
    if (peers_->size() == 1) return;
    blocks_.emplace(*block_members_, *peers_, learner_.parameters(), options_.exchange, options_.block);
    samples_of_block_ = 0;
  }

  void end_block() {
    blocks_->end_block(learner_.parameters(), samples_of_block_);
    steps_of_block_ = samples_of_block_ = 0;
    if (!options_.keeps_momentum) sgd_.reset();
    if (!options_.keeps_residual) compressor_.restore(std::vector<float>(gradient_.size()));
    expect_replicas();
  }

  /// All workers must have the same model now.
  void expect_replicas() {
    const std::string own = hash_text(learner_.parameters());
    const auto all = all_.all_gather(std::as_bytes(std::span(own)));
    for (size_t worker = 1; worker < all.size(); ++worker) {
      if (all[worker] == all[0]) continue;
      throw Error(ErrorCode::internal, "worker " + std::to_string(worker) +
                                           " has another model than worker 0 after step " +
                                           std::to_string(report_.steps));
    }
  }

  Transport& all_;
  Learner& learner_;
  HybridOptions options_;
  uint32_t group_size_;
  std::unique_ptr<Transport> members_;        ///< of this worker's group, for gradients
  std::unique_ptr<Transport> peers_;          ///< of the same rank in the other groups
  std::unique_ptr<Transport> block_members_;  ///< of this worker's group, for models
  std::vector<float> gradient_;
  std::vector<std::byte> message_;
  GradientCompressor compressor_;
  Sgd sgd_;
  std::optional<BlockSync> blocks_;  ///< nothing where there is one group, or during the warm start
  uint64_t steps_of_block_ = 0, samples_of_block_ = 0;
  double density_ = 0;  ///< summed over the steps
  HybridReport report_;
};

HybridTraining::HybridTraining(Transport& transport, Learner& learner, uint32_t minibatch, const HybridOptions& options)
    : impl_(std::make_unique<Impl>(transport, learner, minibatch, options)) {}
HybridTraining::~HybridTraining() = default;

void HybridTraining::run(uint64_t minibatches) {
  impl_->run(minibatches);
}
void HybridTraining::finish() {
  impl_->finish();
}
const HybridReport& HybridTraining::report() const noexcept {
  return impl_->report();
}

}  // namespace coppice
