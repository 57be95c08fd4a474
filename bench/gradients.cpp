// SPDX-License-Identifier: Apache-2.0
// coppice_bench_gradients: what compressing the gradients of a minibatch, and adding up those of all workers, takes on
// one thread, and how many bytes it sends.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/random.h"
#include "coppice/dist/gradient_compression.h"
#include "coppice/dist/gradient_kernel.h"

namespace coppice::bench {
namespace {

using nlohmann::ordered_json;

struct Arguments {
  uint32_t elements = 14'600'000;
  double density = 0.0025;
  uint32_t workers = 8;
  uint32_t repeats = 7;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("elements", arguments.elements, 1, 1U << 30, "Parameters of the model.");
  table.add("density", arguments.density, 1e-6, 0.5, "The share of them that is sent.");
  table.add("workers", arguments.workers, 1, 1024, "Whose messages are added up.");
  table.add("repeats", arguments.repeats, 1, 1000, "The median of so many steps counts, after two more.");
}

/// Laplace distributed, as gradients are, more or less.
std::vector<float> random_gradient(uint32_t size, uint64_t seed) {
  Random random(seed);
  std::vector<float> gradient(size);
  for (float& value : gradient) {
    const double u = random.uniform() - 0.5;
    value = static_cast<float>(std::copysign(-std::log(1 - 2 * std::abs(u)), u));
  }
  return gradient;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// Seconds of the median repeat.
template <class Work>
double time_of(const Arguments& arguments, const Work& work) {
  std::vector<double> seconds;
  for (uint32_t repeat = 0; repeat < arguments.repeats + 2; ++repeat) {
    const Stopwatch watch;
    work(repeat);
    if (repeat >= 2) seconds.push_back(watch.spent().wall_seconds);
  }
  return median(seconds);
}

std::string name_of(GradientEncoding encoding) {
  static constexpr const char* kNames[] = {"words", "gaps", "bitmap", "dense"};
  return kNames[static_cast<size_t>(encoding)];
}

ordered_json measure(const Arguments& arguments) {
  const uint32_t n = arguments.elements;
  const std::vector<float> gradient = random_gradient(n, 1);
  const auto threshold = static_cast<float>(-std::log(arguments.density));
  // The kernel alone, with a residual that is spread as in training.
  std::vector<float> residual = random_gradient(n, 2);
  std::vector<GradientWord> words(n + 16);
  const TakeLimits limits{threshold, std::numeric_limits<float>::infinity()};
  std::vector<float> flipped = gradient;
  for (float& value : flipped) value = -value;
  const auto turn = [&](uint32_t repeat) -> const std::vector<float>& { return repeat % 2 == 0 ? gradient : flipped; };
  const double naive =
      time_of(arguments, [&](uint32_t r) { take_above_naive(turn(r), residual, limits, 0, words.data()); });
  const double kernel = time_of(arguments, [&](uint32_t r) { take_above(turn(r), residual, limits, 0, words.data()); });

  std::vector<std::vector<std::byte>> messages(arguments.workers);
  std::vector<GradientMessage> read;
  double sent = 0;
  GradientCompressor compressor(n, {.density = arguments.density});
  const double compress = time_of(arguments, [&](uint32_t r) { compressor.compress(turn(r), r, messages[0]); });
  for (uint32_t worker = 0; worker < arguments.workers; ++worker) {
    // Another gradient for each: the same numbers from another one on.
    std::vector<float> own(n);
    const auto first = static_cast<std::ptrdiff_t>(uint64_t{n} * worker / arguments.workers);
    std::rotate_copy(gradient.begin(), gradient.begin() + first, gradient.end(), own.begin());
    GradientCompressor(n, {.density = arguments.density}).compress(own, 0, messages[worker]);
    read.emplace_back(messages[worker], n, 0);
    sent += read.back().header().n_sent;
  }
  std::vector<float> sums(n);
  const double decode = time_of(arguments, [&](uint32_t) { add_up(read, sums); });
  const double plain = time_of(arguments, [&](uint32_t) { add_up_naive(read, sums); });
  return {{"elements", n},
          {"workers", arguments.workers},
          {"density", sent / arguments.workers / n},
          {"encoding", name_of(read[0].header().encoding)},
          {"bits_per_sent_element", 8.0 * static_cast<double>(messages[0].size()) / read[0].header().n_sent},
          {"kernel_elements_per_second", n / kernel},
          {"naive_kernel_elements_per_second", n / naive},
          {"encode_elements_per_second", n / compress},
          {"decode_sent_elements_per_second", sent / decode},
          {"naive_decode_sent_elements_per_second", sent / plain},
          {"encode_seconds", compress},
          {"decode_seconds", decode}};
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable own;
  describe(own, arguments);
  Flags flags;
  flags.add("bench_", std::move(own));
  if (!flags.parse(argc, argv)) return;
  ordered_json report{{"given", flags.given()}};
  report.update(measure(arguments));
  fmt::print("{}\n", report.dump(1));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
