// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "coppice/core/random.h"
#include "coppice/tag/tagger_training.h"

namespace coppice::testing {

/// Requests for music and tables whose slots follow from words, forms and neighbours.
inline TaggedTexts sample_tagged_texts(size_t count, uint64_t seed) {
  static const std::vector<std::string> kArtists{"miles davis", "Nina Simone", "abba", "R&B Allstars", "bach"};
  static const std::vector<std::string> kCities{"paris", "New York", "Z\xC3\xBCrich", "st. louis", "oslo"};
  static const std::vector<std::string> kTimes{"4pm", "noon", "7 o'clock", "11 am"};
  Random random(seed);
  TaggedTexts texts;
  texts.slot_names = {"artist", "city", "time"};
  const auto one_of = [&](const std::vector<std::string>& list) {
    return list[random.below(static_cast<uint32_t>(list.size()))];
  };
  for (size_t i = 0; i < count; ++i) {
    TaggedText row;
    const auto add_slot = [&](uint32_t type, const std::string& words) {
      const auto begin = static_cast<uint32_t>(row.text.size());
      row.text += words;
      row.slots.push_back({type, begin, static_cast<uint32_t>(row.text.size())});
    };
    if (random.below(2) == 0) {
      row.text = random.below(2) == 0 ? "play something by " : "I'd like to hear ";
      add_slot(0, one_of(kArtists));
      const uint32_t ending = random.below(3);
      row.text += ending == 0 ? ", please." : ending == 1 ? "." : "";
    } else {
      row.text = "book a table in ";
      add_slot(1, one_of(kCities));
      row.text += " at ";
      add_slot(2, one_of(kTimes));
    }
    texts.rows.push_back(std::move(row));
  }
  return texts;
}

/// Quick to train, and sure of itself.
inline TaggerOptions quick_options() {
  TaggerOptions options;
  options.l1 = 0.05;
  options.l2 = 0.05;
  options.min_count = 1;
  options.iterations = 40;
  return options;
}

inline Tagger sample_tagger(std::vector<Gazetteer> gazetteers = {}, size_t threads = 1) {
  ThreadPool pool(threads);
  Progress progress;
  return train_tagger(sample_tagged_texts(60, 1), std::move(gazetteers), quick_options(), {pool, progress}).tagger;
}

}  // namespace coppice::testing
