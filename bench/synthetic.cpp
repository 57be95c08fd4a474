// SPDX-License-Identifier: Apache-2.0
#include "bench/synthetic.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <span>
#include <vector>

#include "coppice/core/random.h"

namespace coppice::bench {
namespace {

constexpr size_t kRowsPerPart = 8192;

/// Draws 0..n-1 with probability proportional to (rank + shift)^-exponent.
class Zipf {
 public:
  Zipf(uint32_t n, double exponent, double shift) : cumulative_(n) {
    double sum = 0;
    for (uint32_t rank = 0; rank < n; ++rank) cumulative_[rank] = sum += std::pow(rank + 1 + shift, -exponent);
  }
  uint32_t draw(Random& random) const { return draw_between(0, static_cast<uint32_t>(cumulative_.size()), random); }
  uint32_t draw_between(uint32_t begin, uint32_t end, Random& random) const {
    const double low = begin == 0 ? 0 : cumulative_[begin - 1];
    const double at = low + random.uniform() * (cumulative_[end - 1] - low);
    const auto first = cumulative_.begin();
    return static_cast<uint32_t>(
        std::min<ptrdiff_t>(std::upper_bound(first + begin, first + end, at) - first, end - 1));
  }

 private:
  std::vector<double> cumulative_;
};

std::vector<uint32_t> permutation(uint32_t n, Random random) {
  std::vector<uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0u);
  random.shuffle(std::span(order));
  return order;
}

uint32_t poisson(double mean, Random& random) {
  if (mean > 30) {  // a normal is near enough for word counts
    const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
    const double normal = radius * std::cos(6.283185307179586 * random.uniform());
    return static_cast<uint32_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal)));
  }
  const double limit = std::exp(-mean);
  uint32_t count = 0;
  for (double product = random.uniform(); product > limit; product *= random.uniform()) ++count;
  return count;
}

/// Everything rows are drawn from. Labels are numbered by weight; topic = label % n_topics.
class World {
 public:
  explicit World(const SyntheticOptions& o)
      : options_(o),
        n_topics_(std::max(1u, o.labels / o.labels_per_topic)),
        label_weights_(o.labels, o.label_zipf, 6),
        topic_word_weights_(o.topic_words, 1, 0),
        background_(o.features, o.background_zipf, 5),
        label_name_(permutation(o.labels, Random(o.seed, 1))),
        feature_name_(permutation(o.features, Random(o.seed, 2))) {}

  /// The labels of a row by weight rank; the first is the main one.
  std::vector<uint32_t> draw_labels(Random& random) const {
    std::vector<uint32_t> labels{label_weights_.draw(random)};
    const uint32_t topic = labels[0] % n_topics_;
    for (uint32_t extra = poisson(options_.extra_labels, random); extra > 0; --extra) {
      labels.push_back(random.uniform() < options_.same_topic ? draw_in_topic(topic, random)
                                                              : label_weights_.draw(random));
    }
    return labels;
  }

  uint32_t draw_word(const std::vector<uint32_t>& labels, Random& random) const {
    const double kind = random.uniform();
    if (kind < options_.signature_share) {
      const uint32_t label = labels[random.below(static_cast<uint32_t>(labels.size()))];
      return owned_word(3, label, random.below(options_.signature_words));
    }
    if (kind < options_.signature_share + options_.topic_share) {
      return owned_word(4, labels[0] % n_topics_, topic_word_weights_.draw(random));
    }
    return feature_name_[background_.draw(random)];
  }

  uint32_t label_name(uint32_t label) const { return label_name_[label]; }

 private:
  uint32_t draw_in_topic(uint32_t topic, Random& random) const {
    const uint32_t members = (options_.labels - topic + n_topics_ - 1) / n_topics_;
    // Weights inside a topic fall like those of all labels: draw a rank block by weight, take the topic's label there.
    const uint32_t rank = label_weights_.draw(random) / n_topics_;
    return topic + n_topics_ * std::min(rank, members - 1);
  }

  /// Word `place` of the list that belongs to `owner`: a hash, so no list is stored.
  uint32_t owned_word(uint64_t list, uint64_t owner, uint32_t place) const {
    return Random(options_.seed + list, owner * 1000 + place).below(options_.features);
  }

  SyntheticOptions options_;
  uint32_t n_topics_;
  Zipf label_weights_, topic_word_weights_, background_;
  std::vector<uint32_t> label_name_, feature_name_;
};

struct Part {
  CsrBuilder features, labels;
};

void draw_rows(const World& world, const SyntheticOptions& options, size_t part_number, size_t rows, Part& part) {
  Random random(options.seed + 100, part_number);
  for (size_t i = 0; i < rows; ++i) {
    const std::vector<uint32_t> labels = world.draw_labels(random);
    std::vector<uint32_t> distinct;
    for (const uint32_t label : labels) distinct.push_back(world.label_name(label));
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    for (const uint32_t label : distinct) part.labels.add(label, 1);
    part.labels.end_row();
    for (uint32_t word = std::max(3u, poisson(options.words_per_row, random)); word > 0; --word) {
      part.features.add(world.draw_word(labels, random), 1);
    }
    part.features.end_row();
  }
}

std::vector<float> inverse_document_frequencies(const Csr& counts) {
  std::vector<float> idf(counts.n_columns);
  for (const uint32_t column : counts.columns) ++idf[column];
  const double n = static_cast<double>(counts.n_rows());
  for (float& value : idf) value = static_cast<float>(std::max(0.0, std::log(n / (value + 1.0))));
  return idf;
}

Csr weighted(const Csr& counts, const std::vector<float>& idf, ThreadPool& pool) {
  std::vector<float> values(counts.values.begin(), counts.values.end());
  for (size_t j = 0; j < values.size(); ++j) values[j] *= idf[counts.columns[j]];
  return normalize_rows_l2({counts.n_columns, counts.offsets, counts.columns, std::move(values)}, pool);
}

std::pair<Csr, Csr> draw_part(const World& world, const SyntheticOptions& options, uint32_t rows, size_t first_stream,
                              ThreadPool& pool) {
  const size_t parts = (rows + kRowsPerPart - 1) / kRowsPerPart;
  std::vector<Csr> features(parts), labels(parts);
  pool.for_ranges(rows, kRowsPerPart, [&](size_t begin, size_t end, size_t) {
    Part part{CsrBuilder(options.features), CsrBuilder(options.labels)};
    const size_t number = begin / kRowsPerPart;
    draw_rows(world, options, first_stream + number, end - begin, part);
    features[number] = part.features.build();
    labels[number] = part.labels.build();
  });
  return {concatenate_rows(std::move(features)), concatenate_rows(std::move(labels))};
}

}  // namespace

SyntheticSet make_synthetic(const SyntheticOptions& options, ThreadPool& pool) {
  const World world(options);
  auto [train_counts, train_labels] = draw_part(world, options, options.train_rows, 0, pool);
  auto [test_counts, test_labels] = draw_part(world, options, options.test_rows, size_t{1} << 32, pool);
  const std::vector<float> idf = inverse_document_frequencies(train_counts);
  return {weighted(train_counts, idf, pool), weighted(test_counts, idf, pool), std::move(train_labels),
          std::move(test_labels)};
}

}  // namespace coppice::bench
