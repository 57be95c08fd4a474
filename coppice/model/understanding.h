// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/parallel.h"
#include "coppice/data/examples.h"
#include "coppice/model/answer.h"
#include "coppice/model/model.h"

namespace coppice {

/// A slot of a text: what it is ("artist"), its words as they stand there, and which bytes [begin, end) they are.
struct FoundSlot {
  std::string name;
  std::string text;
  uint32_t begin;
  uint32_t end;
};

/// What an utterance means: the label that the model's ranker finds best, the domain it belongs to, and the slots that
/// the tagger finds.
struct Understanding {
  std::optional<std::string> domain;  ///< of the intent; none where the model knows none
  std::optional<NamedScore> intent;   ///< none where the model has no ranker
  std::vector<FoundSlot> slots;       ///< from left to right; none where the model has no tagger
};

/// The model's tagger. Throws `ErrorCode::usage` when it has none.
const Tagger& tagger_of(const Model& model);

/// Understands each text of a block, in their order, with the ranker, the tagger or both, as the model has them. Throws
/// `ErrorCode::data` for rows without texts, and as `features_for`. The same for any number of threads.
std::vector<Understanding> understand(const Model& model, const Examples& rows, ThreadPool& pool);

/// The same for one text. Cost: allocates.
Understanding understand(const Model& model, std::string_view text);

}  // namespace coppice
