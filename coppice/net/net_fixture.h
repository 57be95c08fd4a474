// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/net/net_input.h"

namespace coppice {

/// Sound of one tone with some noise.
inline std::vector<float> tone(double hz, double seconds, uint32_t sample_rate, uint64_t seed = 0) {
  Random random(seed);
  std::vector<float> samples;
  for (size_t i = 0; i < static_cast<size_t>(seconds * sample_rate); ++i) {
    const double phase = 2 * std::numbers::pi * hz * double(i) / sample_rate;
    samples.push_back(static_cast<float>(0.5 * std::sin(phase) + 0.01 * (random.uniform() - 0.5)));
  }
  return samples;
}

/// Rows of three labels: label l has features 2 l and 2 l + 1 more often than others.
inline NetSet small_text_set(size_t n_rows) {
  Random random(7);
  CsrBuilder features, labels;
  for (size_t i = 0; i < n_rows; ++i) {
    const uint32_t label = random.below(3);
    for (int k = 0; k < 4; ++k) {
      features.add(random.uniform() < 0.8 ? 2 * label + random.below(2) : random.below(8), 0.5F);
    }
    features.end_row();
    labels.add(label, 1);
    labels.end_row();
  }
  features.set_columns(8);
  labels.set_columns(3);
  NetSet set;
  set.features = {NetTask::text, {}, {}, 8};
  set.rows.examples.features = features.build();
  set.rows.examples.labels = labels.build();
  set.label_names = LabelNames::from({"a", "b", "c"});
  set.n_labels = 3;
  return set;
}

/// Short recordings, as frames: label l is loud in bands from 3 l on; of 5 to 9 frames.
inline NetExamples small_speech(size_t n_rows) {
  Random random(9);
  NetExamples examples;
  examples.frames.n_bands = 9;
  CsrBuilder labels;
  for (size_t i = 0; i < n_rows; ++i) {
    const uint32_t label = random.below(3);
    std::vector<float> frames;
    for (uint32_t t = 0; t < 5 + random.below(5); ++t) {
      for (uint32_t band = 0; band < 9; ++band) {
        frames.push_back(static_cast<float>(random.uniform() + (band / 3 == label ? 0.8 : 0)));
      }
    }
    frames.resize(frames.size() / 9 * 9);
    examples.frames.add(frames);
    labels.add(label, 1);
    labels.end_row();
  }
  labels.set_columns(3);
  examples.labels = labels.build();
  return examples;
}

inline NetSet small_speech_set(size_t n_rows) {
  NetSet set;
  set.features.task = NetTask::speech;
  set.features.log_mel.n_bands = 9;
  set.features.log_mel.sample_rate = 8000;
  set.rows.examples = small_speech(n_rows);
  set.label_names = LabelNames::from({"a", "b", "c"});
  set.n_labels = 3;
  return set;
}

}  // namespace coppice
