// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/vectorizer_sections.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/model/json_section.h"
#include "coppice/model/key_index_sections.h"
#include "coppice/model/packed_name_sections.h"

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

constexpr KeyIndexPlaces kFeaturePlaces{SectionType::feature_parts,       SectionType::feature_pilots,
                                        SectionType::feature_remap,       SectionType::feature_levels,
                                        SectionType::feature_bits,        SectionType::feature_ranks,
                                        SectionType::feature_fingerprints};

constexpr PackedNamePlaces kFeatureNamePlaces{
    SectionType::feature_name_entries,       SectionType::feature_name_blocks, SectionType::feature_name_symbols,
    SectionType::feature_name_symbol_begins, SectionType::feature_name_ranks,  SectionNeed::optional};

/// Keys whose hashes stand in the file: a machine or program that hashes otherwise would find no feature.
constexpr std::string_view kHashTests[] = {"", "a", "window", "a key of more than sixteen bytes",
                                           "\xC3\xA4\xE2\x82\xAC"};

std::vector<uint64_t> hash_tests(const VectorizerOptions& options) {
  std::vector<uint64_t> hashes;
  for (const std::string_view text : kHashTests) hashes.push_back(feature_hash(options, std::string(text)));
  return hashes;
}

void add_keys(ModelFileWriter& writer, const Vectorizer& vectorizer) {
  const KeyIndex& keys = *vectorizer.tables().keys;
  nlohmann::ordered_json object;
  add_key_index(writer, kFeaturePlaces, keys, object);
  object["hash_tests"] = hash_tests(vectorizer.options());
  writer.add_text({SectionType::feature_keys}, ElementType::json, object.dump());
  if (vectorizer.tables().names) add_packed_names(writer, kFeatureNamePlaces, *vectorizer.tables().names);
}

KeyIndex read_keys(const ModelFile& file, const VectorizerOptions& options) {
  const HeldJson section = json_section(file, SectionType::feature_keys);
  const nlohmann::json& object = section.value;
  const auto tests = object.find("hash_tests");
  if (tests == object.end() || !holds_numbers(*tests, hash_tests(options))) {
    refuse_file(file, "its features were hashed otherwise than this program does");
  }
  return read_key_index(file, kFeaturePlaces, object);
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
  const HeldJson section = json_section(file, SectionType::vectorizer);
  const nlohmann::json& object = section.value;
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
    if (file.has({SectionType::feature_name_entries})) {
      tables.names =
          std::make_shared<const PackedNames>(read_packed_names(file, kFeatureNamePlaces, tables.n_features));
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
