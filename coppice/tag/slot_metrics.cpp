// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/slot_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

namespace coppice {
namespace {

constexpr size_t kGrain = 64;  // texts that a thread takes at a time

/// What the texts of one part come to.
struct PartCounts {
  std::vector<SlotCounts> by_type;
  uint64_t n_right_texts = 0;

  void add(std::span<const Slot> there, std::span<const Slot> found) {
    for (const Slot& slot : there) ++by_type[slot.type].there;
    for (const Slot& slot : found) {
      ++by_type[slot.type].found;
      by_type[slot.type].right += std::ranges::find(there, slot) != there.end();
    }
    n_right_texts += std::ranges::equal(there, found);
  }
};

std::vector<size_t> by_name(const SlotMetrics& metrics) {
  std::vector<size_t> order(metrics.names.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t type) { return metrics.names[type]; });
  return order;
}

nlohmann::ordered_json to_json(const SlotCounts& counts) {
  return {{"precision", counts.precision()}, {"recall", counts.recall()}, {"f1", counts.f1()},
          {"slots", counts.there},           {"found", counts.found},     {"right", counts.right}};
}

std::string line(const std::string& name, const SlotCounts& counts) {
  return fmt::format("{:<32} {:>9.2f} {:>9.2f} {:>9.2f} {:>9} {:>9} {:>9}\n", name, counts.precision(), counts.recall(),
                     counts.f1(), counts.there, counts.found, counts.right);
}

}  // namespace

SlotCounts& SlotCounts::operator+=(const SlotCounts& other) noexcept {
  there += other.there;
  found += other.found;
  right += other.right;
  return *this;
}

SlotMetrics evaluate_tagger(const Tagger& tagger, const TaggedTexts& texts, ThreadPool& pool) {
  const size_t n_parts = (texts.rows.size() + kGrain - 1) / kGrain;
  std::vector<PartCounts> parts(n_parts, {std::vector<SlotCounts>(texts.slot_names.size())});
  std::vector<Tagger::State> states(pool.threads());
  pool.for_ranges(texts.rows.size(), kGrain, [&](size_t begin, size_t end, size_t worker) {
    for (size_t i = begin; i < end; ++i) {
      parts[begin / kGrain].add(texts.rows[i].slots, tagger.tag(texts.rows[i].text, states[worker]));
    }
  });
  SlotMetrics metrics;
  metrics.names = texts.slot_names;
  metrics.by_type.resize(texts.slot_names.size());
  metrics.n_texts = texts.rows.size();
  for (const PartCounts& part : parts) {
    metrics.n_right_texts += part.n_right_texts;
    for (size_t type = 0; type < part.by_type.size(); ++type) metrics.by_type[type] += part.by_type[type];
  }
  for (const SlotCounts& counts : metrics.by_type) metrics.all += counts;
  return metrics;
}

nlohmann::ordered_json to_json(const SlotMetrics& metrics) {
  nlohmann::ordered_json json{{"texts", metrics.n_texts}, {"texts_right", metrics.n_right_texts}};
  json.update(to_json(metrics.all));
  nlohmann::ordered_json types = nlohmann::ordered_json::object();
  for (const size_t type : by_name(metrics)) types[metrics.names[type]] = to_json(metrics.by_type[type]);
  json["types"] = std::move(types);
  return json;
}

std::string to_table(const SlotMetrics& metrics) {
  std::string text = fmt::format("{:<32} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}\n", "slots", "precision", "recall", "F1",
                                 "there", "found", "right");
  text += line("all", metrics.all);
  for (const size_t type : by_name(metrics)) text += line(metrics.names[type], metrics.by_type[type]);
  return text +
         fmt::format("{} of {} texts have all slots right and no other\n", metrics.n_right_texts, metrics.n_texts);
}

}  // namespace coppice
