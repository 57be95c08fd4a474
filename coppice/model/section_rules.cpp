// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/section_rules.h"

#include <algorithm>
#include <string>

#include "coppice/core/error.h"

namespace coppice {
namespace {

bool is_optional(SectionType type) noexcept {
  switch (type) {
    case SectionType::options:
    case SectionType::metrics:
    case SectionType::fingerprint:
    case SectionType::label_counts:
    case SectionType::domain_names:
    case SectionType::label_domains:
    case SectionType::passage_bytes:
    case SectionType::passage_offsets:
    case SectionType::vectorizer_name_offsets:
    case SectionType::vectorizer_name_bytes:
    case SectionType::feature_name_entries:
    case SectionType::feature_name_blocks:
    case SectionType::feature_name_symbols:
    case SectionType::feature_name_symbol_begins:
    case SectionType::feature_name_ranks:
      return true;
    default:
      return false;
  }
}

uint32_t count_of(SectionType type, uint32_t depth, uint32_t n_gazetteers) noexcept {
  switch (type) {
    case SectionType::tree_first_child:
    case SectionType::weights_chunks:
    case SectionType::weights_bias:
    case SectionType::weights_payload:
      return depth;
    case SectionType::gazetteer_parts:
    case SectionType::gazetteer_pilots:
    case SectionType::gazetteer_remap:
    case SectionType::gazetteer_fingerprints:
      return n_gazetteers;
    default:
      return 1;
  }
}

[[noreturn]] void fail(const ModelFile& file, const std::string& what) {
  throw Error(ErrorCode::data, "the model file is damaged: " + what, file.where());
}

/// Whatever its encoding, so that one of a later version counts, too.
bool has_type(const ModelFile& file, SectionType type) {
  const auto entries = file.sections();
  return std::any_of(entries.begin(), entries.end(),
                     [&](const SectionEntry& entry) { return entry.type == static_cast<uint32_t>(type); });
}

void check_needs(const ModelFile& file, SectionType type, SectionType needed) {
  if (!has_type(file, type) || has_type(file, needed)) return;
  fail(file, "it has a section " + std::string(section_name(static_cast<uint32_t>(type))) + ", but none " +
                 std::string(section_name(static_cast<uint32_t>(needed))));
}

/// Two forms of the same: which of them counts?
void expect_one_of(const ModelFile& file, SectionType one, SectionType other) {
  if (!has_type(file, one) || !has_type(file, other)) return;
  fail(file, "it has both a section " + std::string(section_name(static_cast<uint32_t>(one))) + " and one " +
                 std::string(section_name(static_cast<uint32_t>(other))));
}

}  // namespace

void check_sections(const ModelFile& file, uint32_t depth, uint32_t n_gazetteers) {
  for (const SectionEntry& entry : file.sections()) {
    if (section_name(entry.type).empty()) continue;
    const auto type = static_cast<SectionType>(entry.type);
    if (entry.required() == is_optional(type)) {
      fail(file, describe_section(entry) + " is marked as " + (entry.required() ? "required" : "optional") +
                     ", which its type is not");
    }
    if (entry.index >= count_of(type, depth, n_gazetteers)) {
      fail(file, describe_section(entry) + " has an index that means nothing");
    }
  }
  using enum SectionType;
  for (const SectionType part :
       {vectorizer_buckets, vectorizer_idf, vectorizer_name_offsets, vectorizer_name_bytes, feature_keys}) {
    check_needs(file, part, vectorizer);
  }
  for (const SectionType part : {feature_parts, feature_pilots, feature_remap, feature_levels, feature_bits,
                                 feature_ranks, feature_fingerprints, feature_idf_codes, feature_name_entries}) {
    check_needs(file, part, feature_keys);
  }
  for (const SectionType part : {label_name_blocks, label_name_symbols, label_name_symbol_begins, label_name_ranks}) {
    check_needs(file, part, label_name_entries);
  }
  for (const SectionType part :
       {feature_name_blocks, feature_name_symbols, feature_name_symbol_begins, feature_name_ranks}) {
    check_needs(file, part, feature_name_entries);
    check_needs(file, feature_name_entries, part);
  }
  for (const SectionType part : {tagger_hashes, tagger_parts, tagger_pilots, tagger_remap, tagger_levels, tagger_bits,
                                 tagger_ranks, tagger_fingerprints, tagger_chunk, tagger_bias, tagger_payload,
                                 gazetteer_parts, gazetteer_pilots, gazetteer_remap, gazetteer_fingerprints}) {
    check_needs(file, part, tagger);
  }
  expect_one_of(file, tagger_parts, tagger_levels);
  expect_one_of(file, vectorizer_buckets, feature_keys);
  expect_one_of(file, label_name_bytes, label_name_entries);
  check_needs(file, domain_names, label_domains);
  check_needs(file, label_domains, domain_names);
  check_needs(file, passage_bytes, passage_offsets);
  check_needs(file, passage_offsets, passage_bytes);
  check_needs(file, vectorizer_name_offsets, vectorizer_name_bytes);
  check_needs(file, vectorizer_name_bytes, vectorizer_name_offsets);
}

}  // namespace coppice
