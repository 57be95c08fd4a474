// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/overlapped_sync.h"

#include <xxhash.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/dist/gather.h"

namespace coppice {
namespace {

uint64_t hash_of(std::span<const float> values) {
  return XXH3_64bits(values.data(), values.size_bytes());
}

}  // namespace

OverlappedSync::OverlappedSync(const Workers& workers, const Schedule& schedule, std::span<const float> parameters,
                               uint64_t samples)
    : workers_(workers),
      block_minibatches_(schedule.block_minibatches),
      overlap_(schedule.overlap.minibatches),
      all_(workers.all.duplicate()),
      members_(workers.all.subgroup(workers.groups.members())),
      peers_(workers.all.subgroup(workers.groups.peers())),
      background_(workers.all, "worker " + std::to_string(workers.numbers[workers.all.rank()])) {
  check(overlap_ > 0 && overlap_ <= block_minibatches_, "a fragment's exchange ends before the next one's begin");
  const uint64_t n = std::min<uint64_t>({schedule.overlap.fragments, block_minibatches_, parameters.size()});
  const BlockLayout layout{workers.groups.n_groups(), workers.groups.smallest()};
  for (uint64_t f = 0; f < n; ++f) {
    const size_t begin = parameters.size() * f / n, end = parameters.size() * (f + 1) / n;
    const Part part{begin, end - begin};
    BlockSync sync({*members_, *peers_}, layout, parameters.subspan(part.begin, part.size), schedule.exchange,
                   schedule.momentum);
    fragments_.push_back({part, block_minibatches_ * (f + 1) / n, std::move(sync), samples, {}, {}});
  }
}

std::vector<OverlappedSync::Part> OverlappedSync::end_step(std::span<float> parameters, uint64_t samples) {
  expect_going_on();
  ++step_;
  std::vector<Part> changed;
  for (Fragment& fragment : fragments_) {
    if (fragment.exchange == 0 || fragment.begun_at + overlap_ != step_) continue;
    apply(fragment, parameters);
    changed.push_back(fragment.part);
  }
  for (Fragment& fragment : fragments_) {
    if (step_ % block_minibatches_ != fragment.end_in_block % block_minibatches_) continue;
    begin_exchange(fragment, parameters, samples);
  }
  return changed;
}

void OverlappedSync::finish(std::span<float> parameters, uint64_t samples) {
  for (Fragment& fragment : fragments_) {
    if (fragment.exchange != 0) apply(fragment, parameters);
  }
  for (Fragment& fragment : fragments_) {
    if (fragment.begun_at != step_) begin_exchange(fragment, parameters, samples);
  }
  for (Fragment& fragment : fragments_) {
    if (fragment.exchange != 0) apply(fragment, parameters);
  }
  for (Fragment& fragment : fragments_) {
    fragment.result.resize(fragment.part.size);
    fragment.exchange = background_.add([&] {
      fragment.sync.take_model(fragment.result);
      expect_same(fragment, step_);
      note_traffic();
    });
  }
  for (Fragment& fragment : fragments_) {
    background_.wait_for(std::exchange(fragment.exchange, 0));
    std::copy(fragment.result.begin(), fragment.result.end(),
              parameters.begin() + static_cast<std::ptrdiff_t>(fragment.part.begin));
  }
}

Traffic OverlappedSync::traffic() const {
  const std::lock_guard lock(mutex_);
  return traffic_;
}

void OverlappedSync::begin_exchange(Fragment& fragment, std::span<const float> parameters, uint64_t samples) {
  const auto now = parameters.subspan(fragment.part.begin, fragment.part.size);
  fragment.before.assign(now.begin(), now.end());
  fragment.result = fragment.before;
  fragment.begun_at = step_;
  const uint64_t of_block = samples - std::exchange(fragment.samples, samples);
  fragment.exchange =
      background_.add([this, &fragment, of_block, step = step_] { exchange(fragment, of_block, step); });
}

void OverlappedSync::apply(Fragment& fragment, std::span<float> parameters) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  background_.wait_for(std::exchange(fragment.exchange, 0));
  wait_seconds_ += std::chrono::duration<double>(Clock::now() - begin).count();
  const std::span<float> own = parameters.subspan(fragment.part.begin, fragment.part.size);
  for (size_t i = 0; i < own.size(); ++i) own[i] += fragment.result[i] - fragment.before[i];
}

void OverlappedSync::exchange(Fragment& fragment, uint64_t samples, uint64_t step) {
  fragment.sync.end_block(fragment.result, fragment.sync.samples_of_group(samples));
  expect_same(fragment, step);
  note_traffic();
}

void OverlappedSync::note_traffic() {
  const std::lock_guard lock(mutex_);
  traffic_ = members_->traffic();
  traffic_ += peers_->traffic();
}

/// The result on all workers, and in a group what it was made of.
void OverlappedSync::expect_same(const Fragment& fragment, uint64_t step) {
  struct Note {
    uint64_t result, before;
  };
  const std::vector<Note> notes = gather_values(*all_, Note{hash_of(fragment.result), hash_of(fragment.before)});
  const auto expect = [&](uint32_t rank, uint32_t first, bool is_same) {
    if (is_same) return;
    const auto number = [&](uint32_t of) { return "worker " + std::to_string(workers_.numbers[of]); };
    throw Error(ErrorCode::internal,
                number(rank) + " has another model than " + number(first) + " after step " + std::to_string(step));
  };
  for (const auto& group : workers_.groups.groups()) {
    for (const uint32_t rank : group) {
      expect(rank, group[0], notes[rank].before == notes[group[0]].before);
      expect(rank, 0, notes[rank].result == notes[0].result);
    }
  }
}

}  // namespace coppice
