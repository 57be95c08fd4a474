// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/understanding.h"

#include <utility>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kGrain = 16;  // texts that a thread takes at a time

std::vector<FoundSlot> found_slots(const Tagger& tagger, std::string_view text, Tagger::State& state) {
  std::vector<FoundSlot> found;
  for (const Slot& slot : tagger.tag(text, state)) {
    found.push_back({tagger.slot_names()[slot.type], std::string(text.substr(slot.begin, slot.end - slot.begin)),
                     slot.begin, slot.end});
  }
  return found;
}

void add_slots(const Tagger& tagger, const Examples& rows, std::vector<Understanding>& all, ThreadPool& pool) {
  std::vector<Tagger::State> states(pool.threads());
  pool.for_ranges(all.size(), kGrain, [&](size_t begin, size_t end, size_t worker) {
    for (size_t i = begin; i < end; ++i) all[i].slots = found_slots(tagger, rows.texts[i], states[worker]);
  });
}

void add_intents(const Model& model, const Examples& rows, std::vector<Understanding>& all, ThreadPool& pool) {
  PredictOptions options;
  options.top_k = 1;
  const Predictions best = predict_batch(model.ranker(), features_for(model, rows, pool), options, pool);
  for (size_t i = 0; i < all.size(); ++i) {
    if (best.counts[i] == 0) continue;
    const uint32_t label = best.row_labels(i)[0];
    all[i].intent = NamedScore{label_text(model, label), best.row_scores(i)[0], label};
    if (const auto domain = model.domains().of(label)) all[i].domain = model.domains().names()[*domain];
  }
}

}  // namespace

const Tagger& tagger_of(const Model& model) {
  if (model.tagger() != nullptr) return *model.tagger();
  throw Error(ErrorCode::usage, "the model has no slot tagger", {}, "coppice train-tagger --model adds one to it");
}

std::vector<Understanding> understand(const Model& model, const Examples& rows, ThreadPool& pool) {
  if (rows.texts.size() == 0 && rows.size() > 0) {
    throw Error(ErrorCode::data, "the rows have features but no text, expected texts to understand");
  }
  std::vector<Understanding> all(rows.size());
  if (model.tagger() != nullptr) add_slots(*model.tagger(), rows, all, pool);
  if (model.has_ranker()) add_intents(model, rows, all, pool);
  return all;
}

Understanding understand(const Model& model, std::string_view text) {
  Examples row;
  row.texts.add(text);
  ThreadPool inline_pool(1);
  return std::move(understand(model, row, inline_pool).front());
}

}  // namespace coppice
