// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "coppice/core/options.h"

namespace coppice {

/// How sound becomes numbers.
struct LogMelOptions {
  uint32_t sample_rate = 0;  ///< 0: that of the first recording of the training data
  uint32_t n_bands = 40;
  double window_ms = 25;
  double hop_ms = 10;
  double lowest_hz = 20;
  double highest_hz = 0;  ///< 0: half the sample rate
};
void describe(OptionTable& table, LogMelOptions& options);

/// Logarithms of the energies of mel bands, frame after frame: each window (Hann) is transformed (DFT of the next power
/// of two), the power spectrum is summed over triangles that are equally wide on the mel scale, m = 1127 ln(1 + f /
/// 700). Each band then has mean 0 and deviation 1 over the recording, so that neither loudness nor the microphone
/// counts.
///
/// Threads: const methods are thread-safe.
/// Source: Davis and Mermelstein, "Comparison of parametric representations for monosyllabic word recognition in
/// continuously spoken sentences", IEEE ASSP 1980; the mel formula is HTK's.
class LogMel {
 public:
  /// Throws `ErrorCode::usage` where windows or bands do not fit the rate; `sample_rate` must be given.
  explicit LogMel(const LogMelOptions& options);

  /// Shapes: result[frames x bands], frames = 1 + (samples - window) / hop; a recording shorter than a window is filled
  /// up with silence.
  std::vector<float> features(std::span<const float> samples) const;

  uint32_t n_bands() const noexcept { return options_.n_bands; }
  uint32_t sample_rate() const noexcept { return options_.sample_rate; }

 private:
  /// The weight of a bin of the spectrum in a band, for the bins from `first_bin` on.
  struct Triangle {
    size_t first_bin = 0;
    std::vector<float> weights;
  };
  void add_triangles();

  LogMelOptions options_;
  size_t window_, hop_, n_fft_;
  std::vector<float> hann_;
  std::vector<Triangle> triangles_;
};

}  // namespace coppice
