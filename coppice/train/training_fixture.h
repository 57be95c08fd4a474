// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/data/reading_test.h"
#include "coppice/train/pipeline.h"
#include "coppice/train/training_set.h"

namespace coppice {

/// JSONL whose texts tell their labels: each label has words of its own, which its rows show among words of all.
inline std::string generated_jsonl(size_t n_rows, uint32_t n_labels, uint64_t seed) {
  Random random(seed);
  std::string text;
  for (size_t i = 0; i < n_rows; ++i) {
    std::string words, labels;
    for (uint32_t n = 1 + random.below(3); n > 0; --n) {
      const uint32_t label = static_cast<uint32_t>(n_labels * random.uniform() * random.uniform());
      for (uint32_t m = 0; m < 3; ++m) words += "own" + std::to_string(label * 4 + random.below(4)) + " ";
      labels += (labels.empty() ? "\"l" : ", \"l") + std::to_string(label) + "\"";
    }
    for (uint32_t m = 0; m < 8; ++m)
      words += "word" + std::to_string(static_cast<uint32_t>(2000 * random.uniform() * random.uniform())) + " ";
    text += "{\"text\": \"" + words + "\", \"labels\": [" + labels + "]}\n";
  }
  return text;
}

inline TrainingSet read_set(const TrainingInput& input, size_t threads = 1) {
  ThreadPool pool(threads);
  Progress progress;
  return read_training_set(input, TrainOptions().vectorizer, {pool, progress});
}

inline Model train_on(const TrainingSet& set, const TrainOptions& options = {}) {
  ThreadPool pool(2);
  Progress progress;
  return train(set, options, {}, {pool, progress});
}

/// A float32 matrix as NumPy writes it.
inline std::string npy_bytes(size_t n_rows, size_t n_columns, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(n_rows) + ", " +
                       std::to_string(n_columns) + "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() % 256);
  bytes += static_cast<char>(header.size() / 256);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return bytes;
}

}  // namespace coppice
