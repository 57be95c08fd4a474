// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/network_options.h"

#include "coppice/core/error.h"

namespace coppice {

std::string_view name(NetTask task) noexcept {
  switch (task) {
    case NetTask::speech:
      return "speech";
    case NetTask::text:
      return "text";
    case NetTask::features:
      return "features";
  }
  return "";
}

void describe(OptionTable& table, NetworkOptions& options) {
  table.add(
      "architecture", options.architecture,
      {{Architecture::feed_forward, "feed_forward"}, {Architecture::lstm, "lstm"}},
      "Of speech: layers that see some frames on either side, or a long short-term memory; the mean over the frames "
      "is classified. Texts and features always have feed-forward layers.");
  table.add(
      "hidden", options.hidden, 1, 65536,
      "The widths of the hidden layers, from the input on: 512,512. Of rectified units, or of cells of the LSTM.");
  table.add("embedding", options.embedding, 1, 65536,
            "Of texts: the numbers of each feature's vector; a text is the sum of its features' vectors.");
  table.add("context", options.context, 0, 100,
            "Of feed-forward speech: frames on either side that a frame is seen with.");
  table.add("dropout", options.dropout, 0, 0.95, "The share of hidden units that are left out of a row in training.");
  table.add(
      "loss", options.loss,
      {{NetLoss::cross_entropy, "cross_entropy"}, {NetLoss::logistic, "logistic"}, {NetLoss::squared, "squared"}},
      "What is made small: cross_entropy of softmax, for one answer (several labels of a row share it); logistic, "
      "each label by itself (PyTorch: BCEWithLogitsLoss); squared, of scores and relevances (MSELoss). Scores "
      "are probabilities by the first two.");
}

uint64_t count_parameters(const NetworkShape& shape) {
  const NetworkOptions& options = shape.options;
  const bool lstm = shape.task == NetTask::speech && options.architecture == Architecture::lstm;
  if (lstm && options.hidden.empty()) {
    throw Error(ErrorCode::usage, "an LSTM without layers", {}, "hidden gives their widths");
  }
  uint64_t count = 0, width = shape.n_inputs;
  if (shape.task == NetTask::text) {
    count = width * options.embedding;
    width = options.embedding;
  } else if (shape.task == NetTask::speech && !lstm) {
    width *= 2 * uint64_t{options.context} + 1;
  }
  for (const uint64_t units : options.hidden) {
    count += lstm ? 4 * units * (width + units + 2) : units * (width + 1);
    width = units;
  }
  return count + shape.n_outputs * (width + 1);
}

}  // namespace coppice
