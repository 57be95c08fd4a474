// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/job.h"
#include "coppice/model/model.h"
#include "coppice/tag/bio.h"
#include "coppice/tag/slot_metrics.h"
#include "coppice/tag/tagger_training.h"

namespace coppice {

/// Texts with tags, and what a tagger may know beside them.
struct TaggerInput {
  std::string path = "-";               ///< "-" = standard input
  std::vector<std::string> gazetteers;  ///< NAME=FILE each
  BioOptions read;
};

void describe(OptionTable& table, TaggerInput& input);

/// What was read.
struct TaggerMaterial {
  TaggedTexts texts;
  std::vector<Gazetteer> gazetteers;
};

/// Throws as the readers do, and `ErrorCode::usage` for two gazetteers of one name.
TaggerMaterial read_tagger_material(const TaggerInput& input, Job job);

/// The model with the tagger in place of its own, if it had one; with no model (null) one of the tagger alone. Keeps
/// the tagger's options, and what it was measured to (null: nothing).
Model with_tagger(const Model* model, const TaggerTraining& training, const TaggerOptions& options,
                  const SlotMetrics* measured);

/// How often the best label of a text is the intent that its file names.
struct IntentCounts {
  uint64_t texts = 0;  ///< with an intent
  uint64_t right = 0;
  uint64_t frames = 0;  ///< of these, those with all slots right and no other
};

struct SlotEvaluation {
  SlotMetrics metrics;
  std::optional<IntentCounts> intents;  ///< where the model has a ranker and the file names intents
  BioReport report;                     ///< what was repaired while reading
};

/// Finds the slots of texts that are known, and their intents, and judges what was found. Throws `ErrorCode::usage` for
/// a model without a tagger, and as `read_bio` and `understand`. The same for any number of threads.
SlotEvaluation evaluate_slots(const Model& model, const std::string& path, const BioOptions& options, ThreadPool& pool);

nlohmann::ordered_json to_json(const SlotEvaluation& evaluation);
std::string to_table(const SlotEvaluation& evaluation);

}  // namespace coppice
