// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/tree_over_ranks_predictions.h"

#include <string>

#include "coppice/core/error.h"
#include "coppice/dist/tree_over_ranks_message.h"

namespace coppice {
namespace {

void write(TreeMessageWriter& message, const Predictions& part) {
  message.put(part.top_k);
  message.put_all(std::span<const uint32_t>(part.labels));
  message.put_all(std::span<const float>(part.scores));
  message.put_all(std::span<const uint32_t>(part.counts));
}

Predictions read_predictions(TreeMessageReader& message) {
  Predictions part;
  part.top_k = message.get<uint32_t>();
  part.labels = message.get_all<uint32_t>();
  part.scores = message.get_all<float>();
  part.counts = message.get_all<uint32_t>();
  const size_t room = part.counts.size() * part.top_k;
  bool fits = part.labels.size() == room && part.scores.size() == room;
  for (const uint32_t count : part.counts) fits = fits && count <= part.top_k;
  if (!fits) throw Error(ErrorCode::remote, "a message of another worker is damaged: its parts do not fit");
  return part;
}

}  // namespace

PredictionTurns::PredictionTurns(Transport* transport, const Progress& stop) : transport_(transport), stop_(stop) {
  if (transport != nullptr) abort_.emplace(*transport, stop);
}

std::vector<Predictions> PredictionTurns::next(size_t n_rows,
                                               const std::function<std::vector<Predictions>()>& predict) {
  try {
    return next_of(n_rows, predict);
  } catch (const Error&) {
    stop_.throw_if_stopped();
    throw;
  }
}

std::vector<Predictions> PredictionTurns::next_of(size_t n_rows,
                                                  const std::function<std::vector<Predictions>()>& predict) {
  const auto turn = static_cast<uint32_t>(transport_ == nullptr ? 0 : n_blocks_++ % transport_->size());
  if (transport_ == nullptr || turn == transport_->rank()) {
    std::vector<Predictions> parts = predict();
    if (is_first()) return parts;
    TreeMessageWriter message(TreeMessage::predictions);
    for (const Predictions& part : parts) write(message, part);
    transport_->send(message.bytes(), 0);
    return {};
  }
  if (!is_first()) return {};
  TreeMessageReader message(transport_->receive(turn));
  std::vector<Predictions> parts;
  size_t n_predicted = 0;
  while (!message.at_end()) {
    parts.push_back(read_predictions(message));
    n_predicted += parts.back().n_rows();
  }
  if (n_predicted == n_rows) return parts;
  throw Error(ErrorCode::data,
              "worker " + std::to_string(turn) + " has " + std::to_string(n_predicted) + " rows where worker 0 has " +
                  std::to_string(n_rows),
              {}, "all workers need the same rows");
}

}  // namespace coppice
