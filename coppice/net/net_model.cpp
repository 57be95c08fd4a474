// SPDX-License-Identifier: Apache-2.0
#include "coppice/net/net_model.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/net/net_batch.h"
#include "coppice/net/net_sections.h"
#include "coppice/net/network.h"
#include "coppice/net/torch_learner.h"
#include "coppice/net/torch_threads.h"

namespace coppice {
namespace {

constexpr size_t kRowsAtOnce = 64;

std::unique_ptr<Network> network_of(const NetModelParts& parts) {
  const NetworkShape shape{parts.features.task, parts.network, parts.features.n_inputs(), parts.n_labels};
  std::unique_ptr<Network> network;
  if (parts.module.empty()) {
    // Before memory is asked for: a damaged file may ask for any width.
    if (count_parameters(shape) != parts.parameters.size()) {
      throw Error(ErrorCode::data, "the network has another number of parameters than its layers");
    }
    network = make_network(shape, 0);
  } else {
    const std::string bytes(parts.module.span().begin(), parts.module.span().end());
    network = load_module(bytes, parts.n_labels, "the module of the model");
  }
  set_parameters(*network, parts.parameters);
  set_buffers(*network, parts.buffers);
  return network;
}

/// The best scores of one row.
void take_best(std::span<const float> scores, uint32_t row, std::vector<uint32_t>& order, Predictions& predictions) {
  order.resize(scores.size());
  std::iota(order.begin(), order.end(), 0U);
  const uint32_t n = std::min<uint32_t>(predictions.top_k, static_cast<uint32_t>(scores.size()));
  std::partial_sort(order.begin(), order.begin() + n, order.end(),
                    [&](uint32_t a, uint32_t b) { return scores[a] != scores[b] ? scores[a] > scores[b] : a < b; });
  predictions.counts[row] = n;
  for (uint32_t r = 0; r < n; ++r) {
    predictions.labels[row * size_t{predictions.top_k} + r] = order[r];
    predictions.scores[row * size_t{predictions.top_k} + r] = scores[order[r]];
  }
}

}  // namespace

/// A network answers one thread at a time: there is one for each that ever asked at the same time.
class NetModel::Networks {
 public:
  explicit Networks(const NetModelParts& parts) { idle_.push_back(network_of(parts)); }

  std::unique_ptr<Network> take(const NetModelParts& parts) {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto network = std::move(idle_.back());
        idle_.pop_back();
        return network;
      }
    }
    return network_of(parts);
  }
  void give_back(std::unique_ptr<Network> network) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(network));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Network>> idle_;
};

NetModel::NetModel(NetModelParts parts) : parts_(std::move(parts)), networks_(std::make_unique<Networks>(parts_)) {}
NetModel::~NetModel() = default;
NetModel::NetModel(NetModel&&) noexcept = default;
NetModel& NetModel::operator=(NetModel&&) noexcept = default;

NetModel NetModel::load(const std::string& path) {
  return load(ModelFile::map(path));
}

NetModel NetModel::load(const ModelFile& file) {
  file.verify();
  try {
    return NetModel(read_network(file));
  } catch (const Error& error) {
    if (!error.where().empty()) throw;
    throw Error(error.code(), error.what(), file.where(), error.hint());
  }
}

void NetModel::save(const std::string& path) const {
  OutputFile file(path);
  network_sections(parts_).write(file);
  file.commit();
}

Predictions NetModel::predict(const NetExamples& examples, uint32_t top_k, Job job) const {
  use_no_threads_of_torch();  // rows are shared out here
  Predictions predictions;
  predictions.top_k = std::min(top_k, parts_.n_labels);
  predictions.labels.resize(examples.size() * predictions.top_k);
  predictions.scores.resize(examples.size() * predictions.top_k);
  predictions.counts.resize(examples.size());
  job.progress.stage("predicting", examples.size());
  job.pool.for_ranges(examples.size(), kRowsAtOnce, [&](size_t begin, size_t end, size_t) {
    job.progress.throw_if_stopped();
    const torch::NoGradGuard no_gradients;
    std::vector<uint32_t> rows(end - begin), order;
    std::iota(rows.begin(), rows.end(), static_cast<uint32_t>(begin));
    auto network = networks_->take(parts_);
    const auto inputs = make_inputs(examples, rows, parts_.features.task);
    const torch::Tensor scores = answers(parts_.network.loss, network->scores(inputs, {})).contiguous();
    networks_->give_back(std::move(network));
    for (const uint32_t row : rows) {
      const float* const own = scores.data_ptr<float>() + (row - begin) * parts_.n_labels;
      take_best({own, parts_.n_labels}, row, order, predictions);
    }
    job.progress.advance(end - begin);
  });
  return predictions;
}

}  // namespace coppice
