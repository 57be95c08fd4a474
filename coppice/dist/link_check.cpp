// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/link_check.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

std::vector<float> values_of(uint32_t worker, size_t count) {
  Random random(worker + 1);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform()) - 0.25F;
  return values;
}

void expect_sums(std::span<const float> sums, uint32_t n_workers) {
  std::vector<float> expected = values_of(0, sums.size());
  for (uint32_t worker = 1; worker < n_workers; ++worker) {
    const std::vector<float> more = values_of(worker, sums.size());
    for (size_t i = 0; i < expected.size(); ++i) expected[i] += more[i];
  }
  if (!std::equal(sums.begin(), sums.end(), expected.begin())) {
    throw Error(ErrorCode::internal, "a sum over the workers is not what it must be");
  }
}

/// The most that a worker has.
double most_of(Transport& transport, double own) {
  double most = own;
  for (const auto& bytes : transport.all_gather(std::as_bytes(std::span(&own, 1)))) {
    double number = 0;
    std::memcpy(&number, bytes.data(), std::min(bytes.size(), sizeof number));
    most = std::max(most, number);
  }
  return most;
}

LinkTiming timing_of(Transport& transport, const std::string& operation, uint64_t bytes, uint32_t repeats,
                     const std::function<void()>& work) {
  std::vector<double> seconds;
  uint64_t sent = 0;
  for (uint32_t repeat = 0; repeat < repeats + 1; ++repeat) {
    transport.barrier();
    const uint64_t sent_before = transport.traffic().bytes_sent;
    const auto begin = std::chrono::steady_clock::now();
    work();
    const double spent = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    if (repeat > 0) seconds.push_back(most_of(transport, spent));
    sent = std::max(sent, transport.traffic().bytes_sent - sent_before);
  }
  std::nth_element(seconds.begin(), seconds.begin() + std::ptrdiff_t(seconds.size() / 2), seconds.end());
  const double median = seconds[seconds.size() / 2];
  return {operation, bytes, median, most_of(transport, static_cast<double>(sent)) / std::max(median, 1e-9)};
}

}  // namespace

std::vector<LinkTiming> check_links(Transport& transport, uint64_t most_bytes, uint32_t repeats) {
  std::vector<LinkTiming> timings;
  timings.push_back(timing_of(transport, "barrier", 0, repeats, [&] { transport.barrier(); }));
  for (uint64_t bytes = 4; bytes <= most_bytes; bytes *= 64) {
    const std::vector<float> own = values_of(transport.rank(), bytes / sizeof(float));
    std::vector<float> values = own;
    transport.all_reduce(values);
    expect_sums(values, transport.size());
    timings.push_back(timing_of(transport, "all_reduce", bytes, repeats, [&] { transport.all_reduce(values); }));
    timings.push_back(timing_of(transport, "all_gather", bytes, repeats,
                                [&] { transport.all_gather(std::as_bytes(std::span(own))); }));
    timings.push_back(timing_of(transport, "broadcast", bytes, repeats,
                                [&] { transport.broadcast(std::as_writable_bytes(std::span(values)), 0); }));
  }
  return timings;
}

}  // namespace coppice
