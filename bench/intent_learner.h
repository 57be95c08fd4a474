// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coppice/dist/learner.h"

namespace coppice::bench {

/// Texts with one intent each: the words' hashes, and the intent's number.
struct IntentRows {
  std::vector<std::vector<uint32_t>> words;
  std::vector<uint32_t> intents;
};

/// Rows `intent<TAB>text` of a file. `names` are the intents by their numbers, and grow. Throws `ErrorCode::io`.
IntentRows read_intents(const std::string& path, std::vector<std::string>& names);

/// A network of one hidden layer over hashed words, with gradients by hand: small, real, and without any library.
/// Minibatch m of the training has the same rows whoever computes it: of epoch e, whose order is drawn with e.
class IntentLearner final : public Learner {
 public:
  struct Shape {
    uint32_t n_intents = 0;
    uint32_t minibatch = 1;
    uint64_t seed = 0;  ///< of the first parameters and of the order of rows
  };
  IntentLearner(const IntentRows& rows, const Shape& shape);

  std::span<float> parameters() noexcept override { return parameters_; }
  BatchResult compute_gradient(uint64_t minibatch, std::span<float> gradient) override;

  uint64_t minibatches_of_epoch() const noexcept { return rows_.words.size() / shape_.minibatch; }
  /// The share of rows whose best intent is another one.
  double error_rate(const IntentRows& rows);

 private:
  /// Scores of a row; the hidden layer stays in `hidden_`.
  void forward(const std::vector<uint32_t>& words);
  double add_gradient(size_t row, std::span<float> gradient);
  const std::vector<uint32_t>& order_of(uint64_t epoch);

  const IntentRows& rows_;
  Shape shape_;
  std::vector<float> parameters_, hidden_, scores_, slopes_;
  std::vector<uint32_t> order_;
  uint64_t epoch_ = ~uint64_t{0};
};

}  // namespace coppice::bench
