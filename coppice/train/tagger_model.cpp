// SPDX-License-Identifier: Apache-2.0
#include "coppice/train/tagger_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/model/understanding.h"

namespace coppice {
namespace {

nlohmann::ordered_json options_object(TaggerOptions options) {
  OptionTable table;
  describe(table, options.features);
  describe(table, options);
  return table.get();
}

/// The members of `json`, and one more in the place of one of that name.
std::string with_member(const std::string& json, const std::string& name, nlohmann::ordered_json value) {
  auto object = nlohmann::ordered_json::parse(json);
  object[name] = std::move(value);
  return object.dump();
}

double to_four_places(double value) {
  return std::round(value * 1e4) / 1e4;
}

bool same_slots(const std::vector<FoundSlot>& found, const TaggedText& row, const std::vector<std::string>& names) {
  return std::ranges::equal(found, row.slots, [&](const FoundSlot& one, const Slot& other) {
    return one.begin == other.begin && one.end == other.end && one.name == names[other.type];
  });
}

std::optional<IntentCounts> judge_intents(const Model& model, const TaggedTexts& texts, ThreadPool& pool) {
  std::vector<const TaggedText*> judged;
  Examples rows;
  for (const TaggedText& row : texts.rows) {
    if (row.intent.empty()) continue;
    judged.push_back(&row);
    rows.texts.add(row.text);
  }
  if (judged.empty() || !model.has_ranker()) return std::nullopt;
  const std::vector<Understanding> understood = understand(model, rows, pool);
  IntentCounts counts;
  counts.texts = judged.size();
  for (size_t i = 0; i < judged.size(); ++i) {
    if (!understood[i].intent || understood[i].intent->name != judged[i]->intent) continue;
    ++counts.right;
    counts.frames += same_slots(understood[i].slots, *judged[i], texts.slot_names);
  }
  return counts;
}

double percent(uint64_t part, uint64_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

void describe(OptionTable& table, TaggerInput& input) {
  table.add(
      "gazetteer", input.gazetteers,
      "Lists of phrases that tell slots, such as names of cities: NAME=FILE, a phrase a line, several separated by "
      "commas. They are kept in the model, some 19 bits a phrase.");
  describe(table, input.read);
}

TaggerMaterial read_tagger_material(const TaggerInput& input, Job job) {
  TaggerMaterial material;
  std::set<std::string> names;
  for (const std::string& text : input.gazetteers) {
    const GazetteerFile file = gazetteer_file(text);
    if (!names.insert(file.name).second) {
      throw Error(ErrorCode::usage, "two gazetteers have the name '" + file.name + "'");
    }
    material.gazetteers.push_back(read_gazetteer(file, job.pool, &job.progress));
  }
  material.texts = read_bio(input.path, {}, input.read);
  return material;
}

Model with_tagger(const Model* model, const TaggerTraining& training, const TaggerOptions& options,
                  const SlotMetrics* measured) {
  ModelParts parts;
  if (model != nullptr) {
    parts = model->parts();
  } else {
    parts.n_training_rows = training.n_texts;
  }
  parts.tagger = training.tagger;
  parts.options_json = with_member(parts.options_json, "tagger", options_object(options));
  if (measured != nullptr) {
    const SlotCounts& all = measured->all;
    parts.metrics_json = with_member(parts.metrics_json, "slot_texts", measured->n_texts);
    parts.metrics_json = with_member(parts.metrics_json, "slot_precision", to_four_places(all.precision()));
    parts.metrics_json = with_member(parts.metrics_json, "slot_recall", to_four_places(all.recall()));
    parts.metrics_json = with_member(parts.metrics_json, "slot_f1", to_four_places(all.f1()));
  }
  return Model(std::move(parts));
}

SlotEvaluation evaluate_slots(const Model& model, const std::string& path, const BioOptions& options,
                              ThreadPool& pool) {
  const Tagger& tagger = tagger_of(model);
  TaggedTexts texts = read_bio(path, tagger.slot_names(), options);
  SlotEvaluation evaluation{evaluate_tagger(tagger, texts, pool), judge_intents(model, texts, pool), {}};
  evaluation.report = std::move(texts.report);
  return evaluation;
}

nlohmann::ordered_json to_json(const SlotEvaluation& evaluation) {
  nlohmann::ordered_json json = to_json(evaluation.metrics);
  if (!evaluation.intents) return json;
  const IntentCounts& intents = *evaluation.intents;
  json["intents"] = {{"texts", intents.texts},
                     {"right", intents.right},
                     {"accuracy", percent(intents.right, intents.texts)},
                     {"frames_right", intents.frames},
                     {"frame_accuracy", percent(intents.frames, intents.texts)}};
  return json;
}

std::string to_table(const SlotEvaluation& evaluation) {
  std::string text = to_table(evaluation.metrics);
  if (!evaluation.intents) return text;
  const IntentCounts& intents = *evaluation.intents;
  return text + fmt::format("{} of {} intents are right ({:.2f} %), {} of them with all slots right ({:.2f} %)\n",
                            intents.right, intents.texts, percent(intents.right, intents.texts), intents.frames,
                            percent(intents.frames, intents.texts));
}

}  // namespace coppice
