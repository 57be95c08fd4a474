// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/virtual_workers.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/block_sync.h"
#include "coppice/dist/finite_gradient.h"
#include "coppice/dist/hybrid_facts.h"

namespace coppice {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// How often something was done, and what it took or came to.
struct Tally {
  uint64_t count = 0;
  double sum = 0;
  void add(double value) { ++count, sum += value; }
  void operator+=(const Tally& other) { count += other.count, sum += other.sum; }
  double mean() const { return count > 0 ? sum / static_cast<double>(count) : 0; }
};

struct Tallies {
  Tally compute, encode, decode, density, bytes;
  uint64_t samples = 0, n_skipped = 0;
  double loss = 0;
  void operator+=(const Tallies& other) {
    compute += other.compute, encode += other.encode, decode += other.decode;
    density += other.density, bytes += other.bytes;
    samples += other.samples, n_skipped += other.n_skipped, loss += other.loss;
  }
};

/// One worker: what it alone has.
struct Worker {
  uint32_t number = 0;
  std::optional<GradientCompressor> compressor;  ///< nothing where gradients are sent as they are, or not at all
  std::vector<std::byte> message;
  std::vector<float> gradient;  ///< where it is sent as it is
  uint64_t samples = 0;         ///< of the block
};

/// What its members have alike.
struct Group {
  std::vector<Worker> workers;
  std::vector<float> parameters;
  Sgd sgd;
};

/// One thread's.
struct Lane {
  Learner* learner;
  std::vector<float> gradient;
  Tallies tallies;
};

class Training {
 public:
  Training(const VirtualJob& job, uint64_t minibatches_of_all, ThreadPool& pool, const VirtualWatch& watch)
      : job_(job), total_(minibatches_of_all), pool_(pool), watch_(watch) {
    check(job.learners.size() == pool.threads(), "a learner for each thread");
    expect_full_groups(job.options, job.n_workers);
    check(job.options.overlap.minibatches == 0, "virtual workers wait for the models of the groups");
    for (Learner* learner : job.learners) lanes_.push_back({learner, {}, {}});
    for (Lane& lane : lanes_) lane.gradient.resize(n_parameters());
  }

  VirtualReport run() {
    const uint64_t n_steps = (total_ + job_.n_workers - 1) / job_.n_workers;
    const uint64_t warm_steps = std::min<uint64_t>(n_steps, job_.options.warm_start);
    std::vector<Group> all = groups_of(job_.n_workers, Sends::dense);
    train_side_by_side(all[0], 0, warm_steps);
    std::vector<Group> groups = groups_of(group_size(), Sends::compressed);
    for (Group& group : groups) group.parameters = all[0].parameters, group.sgd = all[0].sgd;
    all.clear();
    if (groups.size() == 1) {
      train_side_by_side(groups[0], warm_steps, n_steps);
    } else {
      train_blocks(groups, warm_steps, n_steps);
    }
    const std::vector<float>& model = groups[0].parameters;
    std::copy(model.begin(), model.end(), job_.learners[0]->parameters().begin());
    return report(n_steps);
  }

 private:
  enum class Sends : uint8_t { dense, compressed };

  size_t n_parameters() const { return job_.learners[0]->parameters().size(); }
  uint32_t group_size() const { return job_.options.group_size == 0 ? job_.n_workers : job_.options.group_size; }

  std::vector<Group> groups_of(uint32_t size, Sends sends) const {
    const auto parameters = job_.learners[0]->parameters();
    const GradientCompressionOptions& compression = job_.options.compression;
    const bool compresses =
        sends == Sends::compressed && size > 1 && (compression.threshold > 0 || compression.density > 0);
    std::vector<Group> groups;
    for (uint32_t first = 0; first < job_.n_workers; first += size) {
      groups.push_back({std::vector<Worker>(size),
                        {parameters.begin(), parameters.end()},
                        Sgd(parameters.size(), job_.minibatch, job_.options.sgd)});
      for (uint32_t i = 0; i < size; ++i) {
        Worker& worker = groups.back().workers[i];
        worker.number = first + i;
        if (compresses) worker.compressor.emplace(parameters.size(), compression);
      }
    }
    return groups;
  }

  /// The members of a single group, each step of theirs on all lanes.
  void train_side_by_side(Group& group, uint64_t step, uint64_t end) {
    for (; step < end; ++step) {
      pool_.run(lanes_.size(), [&](size_t i, size_t) {
        std::copy(group.parameters.begin(), group.parameters.end(), lanes_[i].learner->parameters().begin());
        for (size_t k = i; k < group.workers.size(); k += lanes_.size()) {
          compute(group.workers[k], step, lanes_[i], group.workers.size() == 1);
        }
      });
      group.sgd.step(sum_of(group, step, lanes_[0]), step, group.parameters);
      look(step + 1, group.parameters);
    }
  }

  /// Several groups: a block of one after the other on each lane, then their models meet.
  void train_blocks(std::vector<Group>& groups, uint64_t step, uint64_t n_steps) {
    BlockMomentum momentum(groups[0].parameters, static_cast<uint32_t>(groups.size()), job_.options.block);
    while (step < n_steps) {
      const uint64_t end = std::min<uint64_t>(n_steps, step + job_.options.block_minibatches);
      pool_.run(groups.size(), [&](size_t i, size_t lane) { train_block(groups[i], step, end, lanes_[lane]); });
      step = end;
      bring_together(groups, momentum);
      if (step == n_steps) groups[0].parameters.assign(momentum.model().begin(), momentum.model().end());
      look(step, groups[0].parameters);
    }
  }

  void train_block(Group& group, uint64_t step, uint64_t end, Lane& lane) {
    const auto parameters = lane.learner->parameters();
    std::copy(group.parameters.begin(), group.parameters.end(), parameters.begin());
    for (Worker& worker : group.workers) worker.samples = 0;
    for (; step < end; ++step) {
      for (Worker& worker : group.workers) compute(worker, step, lane, group.workers.size() == 1);
      group.sgd.step(sum_of(group, step, lane), step, parameters);
      if (group.workers[0].number == 0 && step + 1 < end) look(step + 1, parameters);
    }
    std::copy(parameters.begin(), parameters.end(), group.parameters.begin());
  }

  /// What this worker does by itself in a step: its gradient stands in the lane, in the worker, or in its message.
  void compute(Worker& worker, uint64_t step, Lane& lane, bool is_alone) {
    const bool is_sent_whole = !is_alone && !worker.compressor;
    if (is_sent_whole) worker.gradient.resize(n_parameters());
    const std::span<float> gradient = is_sent_whole ? worker.gradient : lane.gradient;
    const auto begin = Clock::now();
    const auto result =
        compute_finite_gradient(*lane.learner, {worker.number, step, step * job_.n_workers + worker.number},
                                job_.options.skips_not_finite, gradient);
    lane.tallies.compute.add(seconds_since(begin));
    if (result) {
      worker.samples += result->samples;
      lane.tallies.samples += result->samples;
      lane.tallies.loss += result->loss;
    } else {
      ++lane.tallies.n_skipped;
    }
    if (!worker.compressor) return;
    const auto encode_begin = Clock::now();
    worker.compressor->compress(gradient, step, worker.message);
    lane.tallies.encode.add(seconds_since(encode_begin));
    lane.tallies.density.add(worker.compressor->density());
    lane.tallies.bytes.add(static_cast<double>(worker.message.size()));
  }

  /// Of all members, in their order.
  std::span<const float> sum_of(const Group& group, uint64_t step, Lane& lane) const {
    if (group.workers.size() == 1) return lane.gradient;
    if (!group.workers[0].compressor) {
      const std::span<float> sum = lane.gradient;
      std::copy(group.workers[0].gradient.begin(), group.workers[0].gradient.end(), sum.begin());
      for (size_t k = 1; k < group.workers.size(); ++k) {
        for (size_t i = 0; i < sum.size(); ++i) sum[i] += group.workers[k].gradient[i];
      }
      return sum;
    }
    const auto begin = Clock::now();
    std::vector<GradientMessage> messages;
    for (const Worker& worker : group.workers) messages.emplace_back(worker.message, lane.gradient.size(), step);
    add_up(messages, lane.gradient);
    lane.tallies.decode.add(seconds_since(begin));
    return lane.gradient;
  }

  void bring_together(std::vector<Group>& groups, BlockMomentum& momentum) const {
    const auto samples_of = [](const Group& group) {
      uint64_t samples = 0;
      for (const Worker& worker : group.workers) samples += worker.samples;
      return samples;
    };
    uint64_t of_all = 0;
    for (const Group& group : groups) of_all += samples_of(group);
    std::vector<float> mean;
    for (Group& group : groups) {
      const float share = share_of_samples(samples_of(group), of_all, static_cast<uint32_t>(groups.size()));
      for (float& parameter : group.parameters) parameter *= share;  // rounded before it is added, as when it is sent
      if (mean.empty()) {
        mean = group.parameters;
      } else {
        for (size_t i = 0; i < mean.size(); ++i) mean[i] += group.parameters[i];
      }
    }
    momentum.update(mean);
    for (Group& group : groups) {
      group.parameters.assign(momentum.start().begin(), momentum.start().end());
      if (!job_.options.keeps_momentum) group.sgd.reset();
      if (job_.options.keeps_residual) continue;
      for (Worker& worker : group.workers) {
        if (worker.compressor) worker.compressor->restore(std::vector<float>(mean.size()));
      }
    }
  }

  void look(uint64_t steps, std::span<const float> parameters) const {
    if (watch_) watch_(std::min(steps * job_.n_workers, total_), parameters);
  }

  VirtualReport report(uint64_t steps) const {
    Tallies all;
    for (const Lane& lane : lanes_) all += lane.tallies;
    return {steps,
            all.samples,
            all.n_skipped,
            all.loss,
            all.compute.mean(),
            all.encode.mean(),
            all.decode.mean(),
            all.density.mean(),
            all.bytes.mean()};
  }

  const VirtualJob& job_;
  uint64_t total_;
  ThreadPool& pool_;
  const VirtualWatch& watch_;
  std::vector<Lane> lanes_;
};

}  // namespace

VirtualReport train_virtual_workers(const VirtualJob& job, uint64_t minibatches_of_all, ThreadPool& pool,
                                    const VirtualWatch& watch) {
  return Training(job, minibatches_of_all, pool, watch).run();
}

}  // namespace coppice
