// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/vectorizer_sections.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <variant>

#include "coppice/core/error.h"
#include "coppice/model/json_section.h"

namespace coppice {
namespace {

/// The file of the stop words is the user's; its words are in the options.
nlohmann::ordered_json to_json(VectorizerOptions options) {
  options.stop_words_file.clear();
  OptionTable table;
  describe(table, options);
  return table.get();
}

VectorizerOptions vectorizer_options(const nlohmann::json& object, const ModelFile& file) {
  VectorizerOptions options;
  OptionTable table;
  describe(table, options);
  try {
    table.set(object);
    validate(options);
  } catch (const Error& error) {
    refuse_file(file, std::string("the options of its vectorizer: ") + error.what());
  }
  return options;
}

void add_hash(ModelFileWriter& writer, const PilotHash& hash, nlohmann::ordered_json& object) {
  const PilotHash::Tables& tables = hash.tables();
  object["perfect_hash"] = "pilots";
  object["n_keys"] = tables.n_keys;
  object["seed"] = tables.seed;
  object["buckets_per_part"] = tables.buckets_per_part;
  writer.add({SectionType::feature_parts}, tables.first_slot);
  writer.add({SectionType::feature_pilots}, tables.pilots);
  writer.add({SectionType::feature_remap}, tables.remap);
}

void add_hash(ModelFileWriter& writer, const LevelHash& hash, nlohmann::ordered_json& object) {
  const LevelHash::Tables& tables = hash.tables();
  object["perfect_hash"] = "levels";
  object["n_keys"] = tables.n_keys;
  writer.add({SectionType::feature_levels}, tables.level_words);
  writer.add({SectionType::feature_bits}, tables.bits);
  writer.add({SectionType::feature_ranks}, tables.ranks);
}

KeyIndex::Hash read_hash(const ModelFile& file, const nlohmann::json& object) {
  const auto kind = object.find("perfect_hash");
  const uint64_t n_keys = number_at(object, "n_keys", UINT32_MAX, file);
  if (kind != object.end() && *kind == "pilots") {
    PilotHash::Tables tables;
    tables.n_keys = n_keys;
    tables.seed = number_at(object, "seed", UINT64_MAX, file);
    tables.buckets_per_part = static_cast<uint32_t>(number_at(object, "buckets_per_part", UINT32_MAX, file));
    tables.first_slot = file.array<uint32_t>({SectionType::feature_parts});
    tables.pilots = file.array<uint8_t>({SectionType::feature_pilots});
    tables.remap = file.array<uint32_t>({SectionType::feature_remap});
    return PilotHash(std::move(tables));
  }
  if (kind != object.end() && *kind == "levels") {
    LevelHash::Tables tables;
    tables.n_keys = n_keys;
    tables.level_words = file.array<uint64_t>({SectionType::feature_levels});
    tables.bits = file.array<uint64_t>({SectionType::feature_bits});
    tables.ranks = file.array<uint32_t>({SectionType::feature_ranks});
    return LevelHash(std::move(tables));
  }
  refuse_file(file, "its features have an unknown perfect hash");
}

/// Keys whose hashes stand in the file: a machine or program that hashes otherwise would find no feature.
constexpr std::string_view kHashTests[] = {"", "a", "window", "a key of more than sixteen bytes",
                                           "\xC3\xA4\xE2\x82\xAC"};

nlohmann::ordered_json hash_tests(const VectorizerOptions& options) {
  nlohmann::ordered_json hashes = nlohmann::ordered_json::array();
  for (const std::string_view text : kHashTests) hashes.push_back(feature_hash(options, std::string(text)));
  return hashes;
}

void add_keys(ModelFileWriter& writer, const Vectorizer& vectorizer) {
  const KeyIndex& keys = *vectorizer.tables().keys;
  nlohmann::ordered_json object;
  std::visit([&](const auto& hash) { add_hash(writer, hash, object); }, keys.hash());
  object["fingerprint_bits"] = keys.fingerprint_bits();
  object["hash_tests"] = hash_tests(vectorizer.options());
  writer.add_text({SectionType::feature_keys}, ElementType::json, object.dump());
  writer.add({SectionType::feature_fingerprints}, keys.fingerprints());
}

KeyIndex read_keys(const ModelFile& file, const VectorizerOptions& options) {
  const nlohmann::json object = json_section(file, SectionType::feature_keys);
  const auto tests = object.find("hash_tests");
  if (tests == object.end() || *tests != nlohmann::json(hash_tests(options))) {
    refuse_file(file, "its features were hashed otherwise than this program does");
  }
  const auto bits = static_cast<uint32_t>(number_at(object, "fingerprint_bits", 16, file));
  return {read_hash(file, object), bits, file.array<uint8_t>({SectionType::feature_fingerprints})};
}

}  // namespace

void add_vectorizer(ModelFileWriter& writer, const Vectorizer& vectorizer) {
  const VectorizerTables& tables = vectorizer.tables();
  nlohmann::ordered_json object{{"n_features", tables.n_features}};
  if (!tables.keys) object["bucket_seed"] = tables.bucket_seed;
  object["options"] = to_json(vectorizer.options());
  writer.add_text({SectionType::vectorizer}, ElementType::json, object.dump());
  writer.add({SectionType::vectorizer_idf}, tables.idf);
  if (!tables.idf_codes.empty()) writer.add({SectionType::feature_idf_codes}, tables.idf_codes);
  if (tables.keys) return add_keys(writer, vectorizer);
  writer.add({SectionType::vectorizer_buckets}, tables.buckets);
  writer.add({SectionType::vectorizer_name_offsets}, tables.name_offsets, SectionNeed::optional);
  writer.add({SectionType::vectorizer_name_bytes}, tables.name_bytes, SectionNeed::optional);
}

std::optional<Vectorizer> read_vectorizer(const ModelFile& file) {
  if (!file.has({SectionType::vectorizer})) return std::nullopt;
  const nlohmann::json object = json_section(file, SectionType::vectorizer);
  if (!object.contains("options")) refuse_file(file, "the section vectorizer has no options");
  VectorizerOptions options = vectorizer_options(object["options"], file);
  VectorizerTables tables;
  tables.n_features = static_cast<uint32_t>(number_at(object, "n_features", UINT32_MAX, file));
  tables.idf = file.array<float>({SectionType::vectorizer_idf});
  if (file.has({SectionType::feature_keys})) {
    tables.keys = read_keys(file, options);
    if (file.has({SectionType::feature_idf_codes})) {
      tables.idf_codes = file.array<uint8_t>({SectionType::feature_idf_codes});
    }
    return Vectorizer(std::move(options), std::move(tables));
  }
  tables.bucket_seed = number_at(object, "bucket_seed", UINT64_MAX, file);
  tables.buckets = file.array<uint32_t>({SectionType::vectorizer_buckets});
  if (file.has({SectionType::vectorizer_name_offsets}) && file.has({SectionType::vectorizer_name_bytes})) {
    tables.name_offsets = file.array<uint64_t>({SectionType::vectorizer_name_offsets});
    tables.name_bytes = file.array<char>({SectionType::vectorizer_name_bytes});
  }
  return Vectorizer(std::move(options), std::move(tables));
}

}  // namespace coppice
