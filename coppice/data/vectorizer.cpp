// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/feature_names.h"
#include "coppice/data/idf_codes.h"
#include "coppice/data/number_sorter.h"
#include "coppice/data/vectorizer_analysis.h"
#include "coppice/data/vectorizer_hash.h"
#include "coppice/data/vectorizer_table.h"
#include "coppice/math/growing_array.h"

namespace coppice {
namespace {

constexpr size_t kTfTable = 64;
constexpr size_t kPartBytes = size_t{64} << 10;
constexpr size_t kRoundParts = 64;

template <class T>
void make_room(std::vector<T>& values, size_t size) {
  if (values.size() < size) values.resize(std::max(size, values.size() + values.size() / 2));
}

float term_weight(TermFrequency tf, uint32_t count) {
  if (tf == TermFrequency::binary) return 1;
  return tf == TermFrequency::count ? static_cast<float>(count) : static_cast<float>(1 + std::log(double{1} * count));
}

void scale_to_norm(FeatureNorm norm, std::span<float> values, float weight) {
  double sum = 0;
  if (norm == FeatureNorm::none) {
    sum = 1;
  } else if (norm == FeatureNorm::l1) {
    for (const float value : values) sum += std::abs(double{value});
  } else {
    for (const float value : values) sum += double{value} * value;
    sum = std::sqrt(sum);
  }
  const float factor = sum > 0 ? static_cast<float>(weight / sum) : 0;
  for (float& value : values) value *= factor;
}

}  // namespace

struct Vectorizer::State::Scratch {
  explicit Scratch(Normalization normalization) : analysis(normalization) {}

  AnalysisScratch analysis;
  NumberSorter sorter;
  std::vector<KeyHash> keys;
  std::vector<uint32_t> found, spare;
  std::vector<uint32_t> columns;
  std::vector<float> values;
  std::vector<uint64_t> order;
  std::vector<uint32_t> merged_columns;
  std::vector<float> merged_values;
};

Vectorizer::State::State() = default;
Vectorizer::State::~State() = default;
Vectorizer::State::State(State&&) noexcept = default;
Vectorizer::State& Vectorizer::State::operator=(State&&) noexcept = default;

struct Vectorizer::Plan {
  Plan(VectorizerOptions given, VectorizerTables learned)
      : options(std::move(given)), tables(std::move(learned)), analysis(options) {
    for (uint32_t count = 0; count < kTfTable; ++count) tf[count] = count == 0 ? 0 : term_weight(options.tf, count);
    block_weights = {options.word_weight, options.char_weight, options.char_wb_weight};
    const bool words = !options.word_ngrams.empty() || options.compounds != Compounds::off;
    n_blocks = size_t{words} + !options.char_ngrams.empty() + !options.char_wb_ngrams.empty();
  }

  size_t transform(std::string_view text, State::Scratch& scratch) const;
  size_t find(std::span<const uint64_t> hashes, State::Scratch& scratch) const;
  size_t find_keys(std::span<const uint64_t> hashes, State::Scratch& scratch) const;
  size_t weigh(size_t found, size_t at, State::Scratch& scratch) const;
  size_t weigh_hashed(size_t found, size_t at, State::Scratch& scratch) const;
  size_t merge(size_t size, State::Scratch& scratch) const;

  float weight_of(uint32_t count) const { return count < kTfTable ? tf[count] : term_weight(options.tf, count); }
  float idf_of(uint32_t number) const noexcept {
    if (tables.idf.empty()) return 1.0F;
    return tables.idf[tables.idf_codes.empty() ? number : IdfCodes::code_at(tables.idf_codes.data(), number)];
  }
  void prefetch_idf(uint32_t number) const noexcept {
    if (!tables.idf_codes.empty())
      __builtin_prefetch(tables.idf_codes.data() + number / 2);
    else if (!tables.idf.empty())
      __builtin_prefetch(tables.idf.data() + number);
  }
  void sort_found(size_t count, State::Scratch& scratch) const;

  VectorizerOptions options;
  VectorizerTables tables;
  Analysis analysis;
  std::array<float, kTfTable> tf{};
  std::array<float, kAnalyzers> block_weights{};
  size_t n_blocks = 0;
};

// With feature hashing a number comes with its sign in the lowest bit.
size_t Vectorizer::Plan::find(std::span<const uint64_t> hashes, State::Scratch& scratch) const {
  make_room(scratch.found, hashes.size());
  if (tables.keys) return find_keys(hashes, scratch);
  if (options.hash_bits == 0) {
    return feature_table::find(tables.buckets, tables.bucket_seed, tables.n_features, hashes, scratch.found.data());
  }
  const uint32_t shift = 64 - options.hash_bits;
  const uint32_t sign = options.hash_signed ? 1 : 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    scratch.found[i] = static_cast<uint32_t>(hashes[i] >> shift) << 1 | (static_cast<uint32_t>(hashes[i]) & sign);
  }
  return hashes.size();
}

size_t Vectorizer::Plan::find_keys(std::span<const uint64_t> hashes, State::Scratch& scratch) const {
  make_room(scratch.keys, hashes.size());
  for (size_t i = 0; i < hashes.size(); ++i) scratch.keys[i] = feature_key(hashes[i], options.hash_bits);
  uint32_t* const found = scratch.found.data();
  tables.keys->find({scratch.keys.data(), hashes.size()}, found);
  const uint32_t sign = options.hash_signed ? 1 : 0;
  size_t count = 0;
  for (size_t i = 0; i < hashes.size(); ++i) {
    const uint32_t number = found[i];
    found[count] = options.hash_bits == 0 ? number : number << 1 | (static_cast<uint32_t>(hashes[i]) & sign);
    count += number != KeyIndex::kNone ? 1 : 0;
  }
  return count;
}

// VQSort's networks up to 128 numbers; beyond that it draws random pivots by a system call, so radix sort instead.
void Vectorizer::Plan::sort_found(size_t count, State::Scratch& scratch) const {
  if (count <= 128) {
    scratch.sorter.sort(std::span(scratch.found).first(count));
    return;
  }
  constexpr size_t kDigits = 256;
  const uint32_t highest = options.hash_bits == 0 ? tables.n_features - 1 : 2 * tables.n_features - 1;
  make_room(scratch.spare, count);
  for (uint32_t shift = 0; shift < 32 && highest >> shift > 0; shift += 8) {
    std::array<uint32_t, kDigits> places{};
    for (size_t i = 0; i < count; ++i) ++places[scratch.found[i] >> shift & (kDigits - 1)];
    uint32_t total = 0;
    for (uint32_t& place : places) total += std::exchange(place, total);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t number = scratch.found[i];
      scratch.spare[places[number >> shift & (kDigits - 1)]++] = number;
    }
    scratch.found.swap(scratch.spare);
  }
}

// From sorted numbers to columns and tf * idf, written from place `at` on; returns the place behind.
size_t Vectorizer::Plan::weigh(size_t found, size_t at, State::Scratch& scratch) const {
  const uint32_t* const numbers = scratch.found.data();
  for (size_t i = 0; i < found;) {
    const uint32_t number = numbers[i];
    size_t next = i + 1;
    while (next < found && numbers[next] == number) ++next;
    prefetch_idf(numbers[std::min(i + 8, found - 1)]);
    const float value = weight_of(static_cast<uint32_t>(next - i)) * idf_of(number);
    scratch.columns[at] = number;
    scratch.values[at] = value;
    at += value != 0 && std::isfinite(value) ? 1 : 0;
    i = next;
  }
  return at;
}

size_t Vectorizer::Plan::weigh_hashed(size_t found, size_t at, State::Scratch& scratch) const {
  const uint32_t* const numbers = scratch.found.data();
  for (size_t i = 0; i < found;) {
    const uint32_t number = numbers[i] >> 1;
    int64_t count = 0;
    for (; i < found && numbers[i] >> 1 == number; ++i) count += (numbers[i] & 1) != 0 ? -1 : 1;
    const float value = weight_of(static_cast<uint32_t>(std::abs(count))) * idf_of(number);
    scratch.columns[at] = number;
    scratch.values[at] = count < 0 ? -value : value;
    at += count != 0 && value != 0 && std::isfinite(value) ? 1 : 0;
  }
  return at;
}

// Sorts the blocks' entries into one row; equal columns (feature hashing only) add up in the order of the blocks.
size_t Vectorizer::Plan::merge(size_t size, State::Scratch& scratch) const {
  make_room(scratch.order, size);
  make_room(scratch.merged_columns, size);
  make_room(scratch.merged_values, size);
  for (size_t i = 0; i < size; ++i) scratch.order[i] = uint64_t{scratch.columns[i]} << 32 | i;
  scratch.sorter.sort(std::span(scratch.order).first(size));
  size_t kept = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto column = static_cast<uint32_t>(scratch.order[i] >> 32);
    const float value = scratch.values[static_cast<uint32_t>(scratch.order[i])];
    if (kept > 0 && scratch.merged_columns[kept - 1] == column) {
      scratch.merged_values[kept - 1] += value;
    } else {
      scratch.merged_columns[kept] = column;
      scratch.merged_values[kept++] = value;
    }
  }
  scratch.columns.swap(scratch.merged_columns);
  scratch.values.swap(scratch.merged_values);
  size_t size_without_zeros = 0;
  for (size_t i = 0; i < kept; ++i) {
    scratch.columns[size_without_zeros] = scratch.columns[i];
    scratch.values[size_without_zeros] = scratch.values[i];
    size_without_zeros += scratch.values[i] != 0 ? 1 : 0;
  }
  return size_without_zeros;
}

size_t Vectorizer::Plan::transform(std::string_view text, State::Scratch& scratch) const {
  analysis.analyze(text, scratch.analysis);
  const FeatureOccurrences& features = scratch.analysis.features;
  make_room(scratch.columns, features.size);
  make_room(scratch.values, features.size);
  size_t size = 0;
  size_t begin = 0;
  for (size_t block = 0; block < kAnalyzers; ++block) {
    const size_t end = features.block_ends[block];
    if (begin == end) continue;
    const size_t found = find({features.hashes.data() + begin, end - begin}, scratch);
    sort_found(found, scratch);
    const size_t behind = options.hash_bits == 0 ? weigh(found, size, scratch) : weigh_hashed(found, size, scratch);
    if (n_blocks > 1) {
      scale_to_norm(options.norm, {scratch.values.data() + size, behind - size}, block_weights[block]);
    }
    size = behind;
    begin = end;
  }
  if (n_blocks > 1) size = merge(size, scratch);
  scale_to_norm(options.norm, {scratch.values.data(), size}, 1);
  return size;
}

Vectorizer::Vectorizer() : Vectorizer(VectorizerOptions{}, VectorizerTables{}) {}

Vectorizer::Vectorizer(VectorizerOptions options, VectorizerTables tables) {
  validate(options);
  const auto refuse = [](const char* what) { throw Error(ErrorCode::data, std::string("vectorizer: ") + what); };
  if (tables.n_features > feature_table::kMostFeatures) refuse("more features than 2^31 - 2");
  if (tables.keys) {
    if (tables.keys->size() != tables.n_features) refuse("as many keys as features expected");
  } else if (options.hash_bits > 0 && tables.n_features != uint32_t{1} << options.hash_bits) {
    refuse("as many features as hash_bits says expected");
  }
  if (tables.buckets.size() % feature_table::kWords != 0) refuse("a table of whole buckets expected");
  if (!tables.idf_codes.empty()) {
    if (tables.idf_codes.size() != IdfCodes::bytes_for(tables.n_features)) refuse("a code of an idf each expected");
    if (tables.idf.size() != IdfCodes::kValues) refuse("16 values for the codes of idf expected");
  } else if (!tables.idf.empty() && tables.idf.size() != tables.n_features) {
    refuse("one idf for each feature expected");
  }
  const size_t blocks = (size_t{tables.n_features} + FeatureNames::kBlock - 1) / FeatureNames::kBlock;
  if (!tables.name_offsets.empty() && tables.name_offsets.size() != blocks + 1) {
    refuse("one name offset for each 16 features expected");
  }
  plan_ = std::make_shared<const Plan>(std::move(options), std::move(tables));
}

uint32_t Vectorizer::n_features() const noexcept {
  return plan_->tables.n_features;
}
const VectorizerOptions& Vectorizer::options() const noexcept {
  return plan_->options;
}
const VectorizerTables& Vectorizer::tables() const noexcept {
  return plan_->tables;
}

SparseRow Vectorizer::transform(std::string_view text, State& state) const {
  const Normalization normalization = plan_->options.tokenizer.normalization;
  if (!state.scratch_ || state.scratch_->analysis.unicode.normalization() != normalization) {
    state.scratch_ = std::make_unique<State::Scratch>(normalization);
  }
  State::Scratch& scratch = *state.scratch_;
  const size_t size = plan_->transform(text, scratch);
  return {{scratch.columns.data(), size}, {scratch.values.data(), size}};
}

namespace {

/// Ranges of rows of about `kPartBytes` of text each; they depend on the texts alone.
std::vector<size_t> cut_by_bytes(const Texts& texts) {
  std::vector<size_t> cuts{0};
  for (size_t i = 0; i < texts.size(); ++i) {
    if (texts.offsets[i + 1] - texts.offsets[cuts.back()] >= kPartBytes) cuts.push_back(i + 1);
  }
  if (cuts.back() != texts.size()) cuts.push_back(texts.size());
  return cuts;
}

struct RowsPart {
  std::vector<uint32_t> columns;
  std::vector<float> values;
  uint32_t* columns_to = nullptr;
  float* values_to = nullptr;
};

}  // namespace

// Round by round: the parts of a round are transformed into buffers that the next round uses again, then copied to
// their place, so that the peak is the result and little more.
Csr Vectorizer::transform(const Texts& texts, ThreadPool& pool) const {
  const std::vector<size_t> cuts = cut_by_bytes(texts);
  std::vector<RowsPart> parts(std::min(cuts.size() - 1, kRoundParts));
  std::vector<uint64_t> offsets(texts.size() + 1);
  std::vector<State> states(pool.threads());
  GrowingArray<uint32_t> columns;
  GrowingArray<float> values;
  for (size_t first = 0; first + 1 < cuts.size(); first += kRoundParts) {
    const size_t count = std::min(kRoundParts, cuts.size() - 1 - first);
    pool.run(count, [&](size_t part, size_t worker) {
      RowsPart& out = parts[part];
      out.columns.clear();
      out.values.clear();
      for (size_t i = cuts[first + part]; i < cuts[first + part + 1]; ++i) {
        const SparseRow row = transform(texts[i], states[worker]);
        out.columns.insert(out.columns.end(), row.columns.begin(), row.columns.end());
        out.values.insert(out.values.end(), row.values.begin(), row.values.end());
        offsets[i + 1] = row.size();
      }
    });
    size_t size = 0;
    for (size_t part = 0; part < count; ++part) size += parts[part].columns.size();
    uint32_t* columns_to = columns.extend(size);
    float* values_to = values.extend(size);
    for (size_t part = 0; part < count; ++part) {
      parts[part].columns_to = std::exchange(columns_to, columns_to + parts[part].columns.size());
      parts[part].values_to = std::exchange(values_to, values_to + parts[part].values.size());
    }
    pool.run(count, [&](size_t part, size_t) {
      std::copy(parts[part].columns.begin(), parts[part].columns.end(), parts[part].columns_to);
      std::copy(parts[part].values.begin(), parts[part].values.end(), parts[part].values_to);
    });
  }
  for (size_t i = 0; i < texts.size(); ++i) offsets[i + 1] += offsets[i];
  Csr result;
  result.n_columns = n_features();
  result.offsets = std::move(offsets);
  result.columns = columns.finish();
  result.values = values.finish();
  return result;
}

std::string Vectorizer::feature_name(uint32_t feature) const {
  if (feature >= n_features()) return {};
  if (plan_->tables.names) return plan_->tables.names->name(feature);
  return decode_feature_name(plan_->tables.name_offsets, plan_->tables.name_bytes, feature);
}

void Vectorizer::verify() const {
  const VectorizerTables& tables = plan_->tables;
  const auto refuse = [](const std::string& what) { throw Error(ErrorCode::data, "vectorizer: " + what); };
  for (size_t i = 0; i < tables.idf.size(); ++i) {
    if (!std::isfinite(tables.idf[i])) refuse("the idf of feature " + std::to_string(i) + " is not finite");
  }
  if (!tables.name_offsets.empty() &&
      !feature_names_intact(tables.name_offsets, tables.name_bytes, tables.n_features)) {
    refuse("the feature names are damaged");
  }
  if (tables.names) tables.names->verify();
  if (tables.keys) return tables.keys->verify();
  if (plan_->options.hash_bits > 0) return;
  std::vector<bool> seen(tables.n_features);
  size_t count = 0;
  for (size_t i = 0; i < tables.buckets.size(); ++i) {
    if (i % feature_table::kWords < feature_table::kSlots) continue;
    const uint32_t number = tables.buckets[i] & ~feature_table::kPassed;
    if (number == feature_table::kEmpty) continue;
    if (number >= tables.n_features) refuse("the table holds feature " + std::to_string(number));
    if (seen[number]) refuse("the table holds feature " + std::to_string(number) + " twice");
    seen[number] = true;
    ++count;
  }
  if (count != tables.n_features) refuse("the table lacks a feature");
}

}  // namespace coppice
