// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/log_mel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>

#include "coppice/core/error.h"
#include "coppice/net/net_fixture.h"

namespace coppice {
namespace {

/// Energies of the bands of one frame as the definition says: a sum over all samples for each bin, over all bins for
/// each band.
std::vector<double> naive_frame(std::span<const float> samples, const LogMelOptions& options) {
  const size_t window = static_cast<size_t>(options.window_ms * options.sample_rate / 1000);
  size_t n_fft = 1;
  while (n_fft < window) n_fft *= 2;
  const auto mel = [](double hz) { return 1127 * std::log(1 + hz / 700); };
  const double step = (mel(options.highest_hz) - mel(options.lowest_hz)) / (options.n_bands + 1);
  std::vector<double> bands(options.n_bands, 1e-8);
  for (size_t bin = 0; bin <= n_fft / 2; ++bin) {
    std::complex<double> sum = 0;
    for (size_t i = 0; i < window; ++i) {
      const double hann = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * double(i) / double(window));
      sum += double(samples[i]) * hann * std::polar(1.0, -2 * std::numbers::pi * double(bin * i) / double(n_fft));
    }
    const double at = mel(double(bin) * options.sample_rate / double(n_fft));
    for (uint32_t band = 0; band < options.n_bands; ++band) {
      const double center = mel(options.lowest_hz) + (band + 1) * step;
      bands[band] += std::max(0.0, 1 - std::abs(at - center) / step) * std::norm(sum);
    }
  }
  for (double& energy : bands) energy = std::log(energy);
  return bands;
}

LogMelOptions small_options() {
  LogMelOptions options;
  options.sample_rate = 8000;
  options.n_bands = 12;
  options.highest_hz = 4000;
  return options;
}

TEST(LogMel, FramesAreWhatTheDefinitionSaysNormalizedByBand) {
  const LogMelOptions options = small_options();
  const std::vector<float> samples = tone(440, 0.045, options.sample_rate, 3);  // three frames
  const std::vector<float> features = LogMel(options).features(samples);
  ASSERT_EQ(features.size(), 3U * 12);
  for (uint32_t band = 0; band < 12; ++band) {
    std::vector<double> expected;
    for (size_t t = 0; t < 3; ++t) expected.push_back(naive_frame(std::span(samples).subspan(t * 80), options)[band]);
    const double mean = (expected[0] + expected[1] + expected[2]) / 3;
    double squares = 0;
    for (const double value : expected) squares += (value - mean) * (value - mean);
    const double deviation = std::sqrt(squares / 3) + 1e-3;
    for (size_t t = 0; t < 3; ++t) EXPECT_NEAR(features[t * 12 + band], (expected[t] - mean) / deviation, 0.01);
  }
}

TEST(LogMel, AToneThatBeginsRaisesTheBandsAroundIt) {
  const LogMelOptions options = small_options();
  std::vector<float> samples(4000);
  const std::vector<float> sound = tone(1000, 0.5, options.sample_rate);
  samples.insert(samples.end(), sound.begin(), sound.end());
  const std::vector<float> features = LogMel(options).features(samples);
  const size_t n_frames = features.size() / 12;
  const float* const last = features.data() + (n_frames - 1) * 12;
  EXPECT_GT(last[5], 0.5F);  // mel(1000) = 1000: band 5 of 12 up to mel(4000) = 2146
}

TEST(LogMel, LoudnessDoesNotCount) {
  std::vector<float> loud = tone(700, 0.3, 8000, 5), soft = loud;
  for (float& sample : soft) sample *= 0.25F;
  const LogMel log_mel(small_options());
  EXPECT_THAT(log_mel.features(soft), testing::Pointwise(testing::FloatNear(0.02F), log_mel.features(loud)));
}

TEST(LogMel, ARecordingShorterThanAWindowIsOneFrame) {
  const LogMel log_mel(small_options());
  EXPECT_EQ(log_mel.features(std::vector<float>(3, 0.1F)).size(), 12U);
  EXPECT_EQ(log_mel.features(tone(500, 0.025, 8000)).size(), 12U);
  EXPECT_EQ(log_mel.features(tone(500, 0.035, 8000)).size(), 24U);
}

TEST(LogMel, OptionsThatDoNotFitTheRateAreRefused) {
  LogMelOptions options = small_options();
  options.highest_hz = 4001;
  EXPECT_THROW(LogMel{options}, Error);
  options = small_options();
  options.lowest_hz = 4000;
  EXPECT_THROW(LogMel{options}, Error);
  options = small_options();
  options.sample_rate = 100;
  EXPECT_THROW(LogMel{options}, Error);
}

}  // namespace
}  // namespace coppice
