// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/tagger_sections.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/json_section.h"
#include "coppice/model/key_index_sections.h"
#include "coppice/model/ranker_sections.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

constexpr KeyIndexPlaces kFeaturePlaces{
    SectionType::tagger_parts, SectionType::tagger_pilots, SectionType::tagger_remap,       SectionType::tagger_levels,
    SectionType::tagger_bits,  SectionType::tagger_ranks,  SectionType::tagger_fingerprints};
constexpr LevelPlaces kWeightPlaces{SectionType::tagger_chunk, SectionType::tagger_bias, SectionType::tagger_payload};

/// Gazetteers have no hash by levels: a file that says so lacks the sections.
constexpr KeyIndexPlaces gazetteer_places(uint32_t index) {
  return {SectionType::gazetteer_parts,
          SectionType::gazetteer_pilots,
          SectionType::gazetteer_remap,
          {},
          {},
          {},
          SectionType::gazetteer_fingerprints,
          index};
}

/// Features whose hashes stand in the file: a machine or program that hashes otherwise would find none.
std::vector<std::array<uint64_t, 2>> hash_tests() {
  std::vector<std::array<uint64_t, 2>> hashes;
  for (const std::string_view text : {"", "a", "wFplay", "a feature of more than sixteen bytes"}) {
    const KeyHash hash = hash_tag_feature(text);
    hashes.push_back({hash.low, hash.high});
  }
  return hashes;
}

Json to_json(TagFeatureOptions options) {
  OptionTable table;
  describe(table, options);
  return table.get();
}

TagFeatureOptions read_options(const ModelFile& file, const nlohmann::json& object) {
  TagFeatureOptions options;
  OptionTable table;
  describe(table, options);
  try {
    table.set(object);
  } catch (const Error& error) {
    refuse_file(file, std::string("the options of its tagger: ") + error.what());
  }
  return options;
}

std::vector<Gazetteer> read_gazetteers(const nlohmann::json& object, const ModelFile& file) {
  std::vector<Gazetteer> gazetteers;
  for (const nlohmann::json& entry : list_at(object, "gazetteers", kMostSections, file)) {
    if (!entry.is_object()) refuse_file(file, "a gazetteer is no JSON object");
    const auto index = static_cast<uint32_t>(gazetteers.size());
    const auto most_words = static_cast<uint32_t>(number_at(entry, "most_words", Gazetteer::kMostWords, file));
    gazetteers.emplace_back(text_at(entry, "name", file), most_words,
                            read_key_index(file, gazetteer_places(index), entry));
  }
  return gazetteers;
}

TagFeatureIndex read_features(const nlohmann::json& object, const ModelFile& file) {
  const auto features = object.find("features");
  if (features == object.end() || !features->is_object()) refuse_file(file, "its tagger has no features");
  const std::vector<std::array<uint64_t, 2>> expected = hash_tests();
  const nlohmann::json& tests = list_at(*features, "hash_tests", expected.size(), file);
  if (!std::equal(tests.begin(), tests.end(), expected.begin(), expected.end(), holds_numbers)) {
    refuse_file(file, "the features of its tagger were hashed otherwise than this program does");
  }
  Array<uint64_t> hashes;
  if (file.has({SectionType::tagger_hashes})) hashes = file.array<uint64_t>({SectionType::tagger_hashes});
  return {read_key_index(file, kFeaturePlaces, *features), std::move(hashes)};
}

}  // namespace

void add_tagger(ModelFileWriter& writer, const Tagger& tagger) {
  const TaggerParts& parts = tagger.parts();
  Json features = Json::object(), gazetteers = Json::array();
  add_key_index(writer, kFeaturePlaces, parts.features.index(), features);
  features["hash_tests"] = hash_tests();
  for (uint32_t index = 0; index < parts.gazetteers.size(); ++index) {
    const Gazetteer& gazetteer = parts.gazetteers[index];
    Json entry{{"name", gazetteer.name()}, {"most_words", gazetteer.most_words()}};
    add_key_index(writer, gazetteer_places(index), gazetteer.phrases(), entry);
    gazetteers.push_back(std::move(entry));
  }
  const Json object{{"slots", parts.slot_names},
                    {"options", to_json(parts.options)},
                    {"features", std::move(features)},
                    {"gazetteers", std::move(gazetteers)}};
  writer.add_text({SectionType::tagger}, ElementType::json, object.dump());
  if (parts.features.has_hashes()) writer.add({SectionType::tagger_hashes}, parts.features.hashes());
  add_weights(writer, kWeightPlaces, parts.weights);
}

std::optional<Tagger> read_tagger(const ModelFile& file) {
  if (!file.has({SectionType::tagger})) return std::nullopt;
  const HeldJson section = json_section(file, SectionType::tagger);
  const nlohmann::json& object = section.value;
  if (!object.contains("options")) refuse_file(file, "its tagger has no options");
  TaggerParts parts;
  parts.slot_names = texts_at(object, "slots", Tagger::kMostSlots, file);
  parts.options = read_options(file, object["options"]);
  parts.gazetteers = read_gazetteers(object, file);
  parts.features = read_features(object, file);
  const uint64_t n_features =
      uint64_t{parts.features.size()} + Tags{static_cast<uint32_t>(parts.slot_names.size())}.count();
  if (n_features > UINT32_MAX) refuse_file(file, "its tagger has more features than there can be");
  parts.weights = read_weights(file, kWeightPlaces, static_cast<uint32_t>(n_features));
  return Tagger(std::move(parts));
}

}  // namespace coppice
