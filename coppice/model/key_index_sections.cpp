// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/key_index_sections.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "coppice/model/json_section.h"

namespace coppice {
namespace {

using Json = nlohmann::ordered_json;

void add_hash(ModelFileWriter& writer, const KeyIndexPlaces& places, const PilotHash& hash, Json& object) {
  const PilotHash::Tables& tables = hash.tables();
  object["perfect_hash"] = "pilots";
  object["n_keys"] = tables.n_keys;
  object["seed"] = tables.seed;
  object["buckets_per_part"] = tables.buckets_per_part;
  writer.add({places.parts, places.index}, tables.first_slot);
  writer.add({places.pilots, places.index}, tables.pilots);
  writer.add({places.remap, places.index}, tables.remap);
}

void add_hash(ModelFileWriter& writer, const KeyIndexPlaces& places, const LevelHash& hash, Json& object) {
  const LevelHash::Tables& tables = hash.tables();
  object["perfect_hash"] = "levels";
  object["n_keys"] = tables.n_keys;
  writer.add({places.levels, places.index}, tables.level_words);
  writer.add({places.bits, places.index}, tables.bits);
  writer.add({places.ranks, places.index}, tables.ranks);
}

KeyIndex::Hash read_hash(const ModelFile& file, const KeyIndexPlaces& places, const nlohmann::json& object) {
  const std::string& kind = text_at(object, "perfect_hash", file);
  const uint64_t n_keys = number_at(object, "n_keys", UINT32_MAX, file);
  if (kind == "pilots") {
    PilotHash::Tables tables;
    tables.n_keys = n_keys;
    tables.seed = number_at(object, "seed", UINT64_MAX, file);
    tables.buckets_per_part = static_cast<uint32_t>(number_at(object, "buckets_per_part", UINT32_MAX, file));
    tables.first_slot = file.array<uint32_t>({places.parts, places.index});
    tables.pilots = file.array<uint8_t>({places.pilots, places.index});
    tables.remap = file.array<uint32_t>({places.remap, places.index});
    return PilotHash(std::move(tables));
  }
  if (kind == "levels") {
    LevelHash::Tables tables;
    tables.n_keys = n_keys;
    tables.level_words = file.array<uint64_t>({places.levels, places.index});
    tables.bits = file.array<uint64_t>({places.bits, places.index});
    tables.ranks = file.array<uint32_t>({places.ranks, places.index});
    return LevelHash(std::move(tables));
  }
  refuse_file(file, "its features have an unknown perfect hash");
}

}  // namespace

void add_key_index(ModelFileWriter& writer, const KeyIndexPlaces& places, const KeyIndex& keys, Json& object) {
  std::visit([&](const auto& hash) { add_hash(writer, places, hash, object); }, keys.hash());
  object["fingerprint_bits"] = keys.fingerprint_bits();
  writer.add({places.fingerprints, places.index}, keys.fingerprints());
}

KeyIndex read_key_index(const ModelFile& file, const KeyIndexPlaces& places, const nlohmann::json& object) {
  const auto bits = static_cast<uint32_t>(number_at(object, "fingerprint_bits", 16, file));
  return {read_hash(file, places, object), bits, file.array<uint8_t>({places.fingerprints, places.index})};
}

}  // namespace coppice
