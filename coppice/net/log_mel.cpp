// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/log_mel.h"

#include <torch/types.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

#include "coppice/core/error.h"

namespace coppice {
namespace {

/// Below it is silence: about the energy of one step of 16 bits.
constexpr float kLeastEnergy = 1e-8F;

double mel_of(double hz) {
  return 1127 * std::log1p(hz / 700);
}

std::vector<float> hann_window(size_t n) {
  std::vector<float> window(n);
  for (size_t i = 0; i < n; ++i) {
    window[i] = static_cast<float>(0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / double(n)));
  }
  return window;
}

/// Mean 0 and deviation 1 of each band over the frames.
void normalize(std::span<float> values, size_t n_bands) {
  const size_t n_frames = values.size() / n_bands;
  for (size_t band = 0; band < n_bands; ++band) {
    double sum = 0, squares = 0;
    for (size_t t = 0; t < n_frames; ++t) sum += values[t * n_bands + band];
    const double mean = sum / double(n_frames);
    for (size_t t = 0; t < n_frames; ++t) squares += std::pow(values[t * n_bands + band] - mean, 2);
    const double deviation = std::sqrt(squares / double(n_frames)) + 1e-3;
    for (size_t t = 0; t < n_frames; ++t) {
      float& value = values[t * n_bands + band];
      value = static_cast<float>((value - mean) / deviation);
    }
  }
}

}  // namespace

void describe(OptionTable& table, LogMelOptions& options) {
  table.add("sample_rate", options.sample_rate, 0, 768000,
            "Samples a second that all recordings are brought to. 0: the rate of the first one.");
  table.add("bands", options.n_bands, 4, 512, "Bands of the mel scale (Kaldi: num-mel-bins).");
  table.add("window_ms", options.window_ms, 1, 1000, "Milliseconds of sound that a frame looks at.");
  table.add("hop_ms", options.hop_ms, 1, 1000, "Milliseconds from one frame to the next.");
  table.add("lowest_hz", options.lowest_hz, 0, 384000, "Where the lowest band begins.");
  table.add("highest_hz", options.highest_hz, 0, 384000, "Where the highest band ends. 0: half the sample rate.");
}

LogMel::LogMel(const LogMelOptions& options)
    : options_(options),
      window_(static_cast<size_t>(std::lround(options.window_ms * options.sample_rate / 1000))),
      hop_(static_cast<size_t>(std::lround(options.hop_ms * options.sample_rate / 1000))),
      n_fft_(std::bit_ceil(std::max<size_t>(window_, 1))) {
  const double half = options.sample_rate / 2.0;
  if (options_.highest_hz == 0) options_.highest_hz = half;
  if (window_ < 16 || hop_ < 1) {
    throw Error(ErrorCode::usage,
                "a window of " + std::to_string(window_) + " samples is too short, expected 16 or more", {},
                "a larger window_ms or sample_rate");
  }
  if (options_.highest_hz > half || options_.lowest_hz >= options_.highest_hz) {
    throw Error(ErrorCode::usage, "lowest_hz must be below highest_hz, and that at most half of sample_rate");
  }
  hann_ = hann_window(window_);
  add_triangles();
}

void LogMel::add_triangles() {
  const double low = mel_of(options_.lowest_hz);
  const double step = (mel_of(options_.highest_hz) - low) / (options_.n_bands + 1);
  const size_t n_bins = n_fft_ / 2 + 1;
  for (uint32_t band = 0; band < options_.n_bands; ++band) {
    Triangle triangle;
    for (size_t bin = 0; bin < n_bins; ++bin) {
      const double mel = mel_of(double(bin) * options_.sample_rate / double(n_fft_));
      const double weight = 1 - std::abs((mel - low) / step - (band + 1));
      if (weight <= 0) continue;
      if (triangle.weights.empty()) triangle.first_bin = bin;
      triangle.weights.push_back(static_cast<float>(weight));
    }
    triangles_.push_back(std::move(triangle));
  }
}

std::vector<float> LogMel::features(std::span<const float> samples) const {
  const torch::NoGradGuard no_gradients;
  const size_t n_frames = samples.size() <= window_ ? 1 : 1 + (samples.size() - window_) / hop_;
  torch::Tensor windows = torch::zeros({int64_t(n_frames), int64_t(n_fft_)});
  float* const values = windows.data_ptr<float>();
  for (size_t t = 0; t < n_frames; ++t) {
    const auto window = samples.subspan(t * hop_, std::min(window_, samples.size() - t * hop_));
    for (size_t i = 0; i < window.size(); ++i) values[t * n_fft_ + i] = window[i] * hann_[i];
  }
  const torch::Tensor spectrum = torch::view_as_real(at::fft_rfft(windows)).square().sum(-1).contiguous();
  const float* const power = spectrum.data_ptr<float>();
  std::vector<float> result;
  result.reserve(n_frames * triangles_.size());
  for (size_t t = 0; t < n_frames; ++t) {
    for (const Triangle& triangle : triangles_) {
      float energy = kLeastEnergy;
      const float* const bins = power + t * (n_fft_ / 2 + 1) + triangle.first_bin;
      for (size_t i = 0; i < triangle.weights.size(); ++i) energy += triangle.weights[i] * bins[i];
      result.push_back(std::log(energy));
    }
  }
  normalize(result, triangles_.size());
  return result;
}

}  // namespace coppice
