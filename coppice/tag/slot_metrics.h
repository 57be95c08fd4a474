// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/parallel.h"
#include "coppice/tag/bio.h"
#include "coppice/tag/tagger.h"

namespace coppice {

/// Slots that are there, slots that were found, and how many are both: of one type, with the same first and last byte.
struct SlotCounts {
  uint64_t there = 0;
  uint64_t found = 0;
  uint64_t right = 0;

  /// In percent; nothing found has precision 0, nothing there recall 0.
  double precision() const noexcept { return share(right, found); }
  double recall() const noexcept { return share(right, there); }
  /// 2 right / (there + found): the harmonic mean of both.
  double f1() const noexcept { return share(2 * right, there + found); }

  SlotCounts& operator+=(const SlotCounts& other) noexcept;

 private:
  static double share(uint64_t part, uint64_t whole) noexcept {
    return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
  }
};

/// How well a tagger finds the slots of texts that are known. A slot counts if it is found whole, as in the scoring
/// program of CoNLL-2000.
struct SlotMetrics {
  SlotCounts all;                  ///< micro: over all types
  std::vector<std::string> names;  ///< of the types, those that only the texts have too
  std::vector<SlotCounts> by_type;
  uint64_t n_texts = 0;
  uint64_t n_right_texts = 0;  ///< with all slots right, and no other found
};

/// `texts.slot_names` begins with those of the tagger, as `read_bio` gives them when told. The same for any number of
/// threads.
SlotMetrics evaluate_tagger(const Tagger& tagger, const TaggedTexts& texts, ThreadPool& pool);

nlohmann::ordered_json to_json(const SlotMetrics& metrics);

/// For people: all, then each type, by name.
std::string to_table(const SlotMetrics& metrics);

}  // namespace coppice
