// SPDX-License-Identifier: Apache-2.0
#include "bench/intent_learner.h"

#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice::bench {
namespace {

constexpr uint32_t kWords = 2048, kHidden = 48;
constexpr size_t kHiddenBias = size_t{kWords} * kHidden, kOut = kHiddenBias + kHidden;

uint32_t number_of(const std::string& name, std::vector<std::string>& names) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found != names.end()) return static_cast<uint32_t>(found - names.begin());
  names.push_back(name);
  return static_cast<uint32_t>(names.size() - 1);
}

}  // namespace

IntentRows read_intents(const std::string& path, std::vector<std::string>& names) {
  std::ifstream file(path);
  if (!file) throw Error(ErrorCode::io, "cannot read the rows", path);
  IntentRows rows;
  for (std::string line; std::getline(file, line);) {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos) continue;
    rows.intents.push_back(number_of(line.substr(0, tab), names));
    std::istringstream text(line.substr(tab + 1));
    std::string before;
    std::vector<uint32_t>& words = rows.words.emplace_back();
    for (std::string word; text >> word; before = word) {
      const std::string pair = before + " " + word;
      for (const std::string& one : {word, pair}) {
        words.push_back(static_cast<uint32_t>(XXH3_64bits(one.data(), one.size()) % kWords));
      }
    }
  }
  return rows;
}

IntentLearner::IntentLearner(const IntentRows& rows, const Shape& shape)
    : rows_(rows),
      shape_(shape),
      parameters_(kOut + size_t{kHidden} * shape.n_intents + shape.n_intents),
      hidden_(kHidden),
      scores_(shape.n_intents),
      slopes_(kHidden) {
  Random random(shape.seed);
  for (float& parameter : parameters_) parameter = static_cast<float>(0.2 * (random.uniform() - 0.5));
}

const std::vector<uint32_t>& IntentLearner::order_of(uint64_t epoch) {
  if (epoch == epoch_) return order_;
  order_.resize(rows_.words.size());
  std::iota(order_.begin(), order_.end(), 0U);
  Random(shape_.seed, epoch + 1).shuffle(std::span(order_));
  epoch_ = epoch;
  return order_;
}

BatchResult IntentLearner::compute_gradient(uint64_t minibatch, std::span<float> gradient) {
  std::fill(gradient.begin(), gradient.end(), 0.0F);
  const std::vector<uint32_t>& order = order_of(minibatch / minibatches_of_epoch());
  const size_t first = minibatch % minibatches_of_epoch() * shape_.minibatch;
  BatchResult result{shape_.minibatch, 0};
  for (size_t i = first; i < first + shape_.minibatch; ++i) result.loss += add_gradient(order[i], gradient);
  return result;
}

void IntentLearner::forward(const std::vector<uint32_t>& words) {
  std::copy_n(parameters_.begin() + kHiddenBias, kHidden, hidden_.begin());
  for (const uint32_t word : words) {
    for (uint32_t h = 0; h < kHidden; ++h) hidden_[h] += parameters_[size_t{word} * kHidden + h];
  }
  for (float& value : hidden_) value = std::max(value, 0.0F);
  const float* at = parameters_.data() + kOut;
  for (uint32_t c = 0; c < shape_.n_intents; ++c, at += kHidden) {
    scores_[c] = parameters_[kOut + size_t{kHidden} * shape_.n_intents + c];
    for (uint32_t h = 0; h < kHidden; ++h) scores_[c] += at[h] * hidden_[h];
  }
}

double IntentLearner::add_gradient(size_t row, std::span<float> gradient) {
  forward(rows_.words[row]);
  const float top = *std::max_element(scores_.begin(), scores_.end());
  float sum = 0;
  for (float& score : scores_) sum += score = std::exp(score - top);
  const double loss = -std::log(static_cast<double>(scores_[rows_.intents[row]]) / static_cast<double>(sum) + 1e-30);
  std::fill(slopes_.begin(), slopes_.end(), 0.0F);
  for (uint32_t c = 0; c < shape_.n_intents; ++c) {
    const float slope = scores_[c] / sum - (c == rows_.intents[row] ? 1.0F : 0.0F);
    const size_t at = kOut + size_t{c} * kHidden;
    for (uint32_t h = 0; h < kHidden; ++h) {
      gradient[at + h] += slope * hidden_[h];
      slopes_[h] += slope * parameters_[at + h];
    }
    gradient[kOut + size_t{kHidden} * shape_.n_intents + c] += slope;
  }
  for (uint32_t h = 0; h < kHidden; ++h) {
    if (hidden_[h] <= 0) continue;
    gradient[kHiddenBias + h] += slopes_[h];
    for (const uint32_t word : rows_.words[row]) gradient[size_t{word} * kHidden + h] += slopes_[h];
  }
  return loss;
}

double IntentLearner::error_rate(const IntentRows& rows) {
  size_t n_wrong = 0;
  for (size_t row = 0; row < rows.words.size(); ++row) {
    forward(rows.words[row]);
    const auto best = std::max_element(scores_.begin(), scores_.end());
    if (static_cast<uint32_t>(best - scores_.begin()) != rows.intents[row]) ++n_wrong;
  }
  return static_cast<double>(n_wrong) / static_cast<double>(std::max<size_t>(rows.words.size(), 1));
}

}  // namespace coppice::bench
