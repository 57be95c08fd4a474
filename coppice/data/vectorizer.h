// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/parallel.h"
#include "coppice/core/progress.h"
#include "coppice/data/examples.h"
#include "coppice/data/packed_names.h"
#include "coppice/data/tokenizer.h"
#include "coppice/math/array.h"
#include "coppice/math/csr.h"
#include "coppice/math/key_index.h"

namespace coppice {

enum class TermFrequency : uint8_t { count, sublinear, binary };
enum class InverseDocumentFrequency : uint8_t { smooth, pecos, none };
enum class FeatureNorm : uint8_t { l2, l1, none };
enum class Compounds : uint8_t { off, add };

/// How text becomes features.
struct VectorizerOptions {
  TokenizerOptions tokenizer;
  std::vector<std::string> stop_words;
  std::string stop_words_file;  ///< read by the builder into `stop_words`
  uint32_t max_tokens = 0;
  Compounds compounds = Compounds::off;

  std::vector<uint32_t> word_ngrams = {1, 2};  ///< shortest, longest; empty = none
  std::vector<uint32_t> char_ngrams;
  std::vector<uint32_t> char_wb_ngrams;
  float word_weight = 1;
  float char_weight = 1;
  float char_wb_weight = 1;

  TermFrequency tf = TermFrequency::count;
  InverseDocumentFrequency idf = InverseDocumentFrequency::smooth;
  bool pecos_idf_smooth = true;
  bool pecos_idf_add_one = false;
  FeatureNorm norm = FeatureNorm::l2;

  uint32_t min_df = 1;
  uint32_t max_df = 0;  ///< 0 = no limit
  double min_df_share = 0;
  double max_df_share = 1;
  uint32_t max_features = 0;  ///< 0 = no limit
  uint32_t hash_bits = 0;     ///< 0 = a vocabulary
  bool hash_signed = false;
  uint64_t hash_seed = 0;
  bool feature_names = true;
};

void describe(OptionTable& table, VectorizerOptions& options);

/// Of them those that say which features there are, not what each of them counts for.
void describe_features(OptionTable& table, VectorizerOptions& options);

/// Throws `ErrorCode::usage` when options contradict each other (an empty range, no analyzer at all), or when a stop
/// word is no UTF-8.
void validate(const VectorizerOptions& options);

/// The learned tables of a vectorizer: plain arrays, as they lie in the model file.
///
/// Feature numbers go by descending document frequency (ties by the bytes of the name): hot features are low.
/// Shapes: d = n_features. Byte-level description: docs/text_features.md.
struct VectorizerTables {
  uint32_t n_features = 0;       ///< with feature hashing 2^hash_bits, unless there are `keys`
  uint64_t bucket_seed = 0;      ///< with it no two features of a bucket share a fingerprint
  Array<uint32_t> buckets;       ///< 16 words each: 8 fingerprints, 8 feature numbers; empty with feature hashing
  Array<float> idf;              ///< d, or empty = all 1; with codes 16
  Array<uint8_t> idf_codes;      ///< d of four bits: which of `idf`; or empty = each feature has its own
  Array<uint64_t> name_offsets;  ///< ceil(d / 16) + 1 places in `name_bytes`, or empty = names not kept
  Array<char> name_bytes;        ///< front-coded names, blocks of 16
  std::optional<KeyIndex> keys;  ///< in place of the buckets: numbers without stored features, see select_features
  std::shared_ptr<const PackedNames> names;  ///< with `keys`: the names of the features, or none were kept
};

/// Text -> sparse features, the one path for training, programs, servers and bindings.
///
/// Immutable once fitted. Threads: const methods are thread-safe, each thread with its own `State`.
class Vectorizer {
 public:
  /// Scratch memory of one thread; nothing is allocated once it has seen texts as long and as varied as the next.
  class State {
   public:
    State();
    ~State();
    State(State&&) noexcept;
    State& operator=(State&&) noexcept;

   private:
    friend class Vectorizer;
    struct Scratch;
    std::unique_ptr<Scratch> scratch_;
  };

  Vectorizer();

  /// Throws `ErrorCode::data` when the tables do not fit together. Looks at sizes only: opening costs nothing; what
  /// is not checked (see `verify`), `transform` clamps.
  Vectorizer(VectorizerOptions options, VectorizerTables tables);

  uint32_t n_features() const noexcept;
  const VectorizerOptions& options() const noexcept;
  const VectorizerTables& tables() const noexcept;

  /// The features of one text, in `state` until the next call: columns ascending, values finite and not zero.
  SparseRow transform(std::string_view text, State& state) const;

  /// The features of many texts, one row each. Same values as one at a time, for any number of threads.
  Csr transform(const Texts& texts, ThreadPool& pool) const;

  /// The text of a feature ("window manager"), or "" when the names were not kept.
  std::string feature_name(uint32_t feature) const;

  /// Throws `ErrorCode::data` naming the first broken invariant of the tables. Cost: linear in their size.
  void verify() const;

 private:
  struct Plan;
  std::shared_ptr<const Plan> plan_;  ///< options, tables and what is derived from them
};

/// Learns the vocabulary and its weights from blocks of texts; the same tables for any block size and thread count.
///
/// Memory: some 60 bytes plus its name (at most 1 KiB) for each distinct feature seen, whatever `min_df` is, and some
/// 60 MB for the work in progress (more where one text alone exceeds 2 MB); with feature hashing 8 bytes per bucket.
class VectorizerBuilder {
 public:
  VectorizerBuilder(VectorizerOptions options, ThreadPool& pool);
  ~VectorizerBuilder();
  VectorizerBuilder(VectorizerBuilder&&) noexcept;

  void add(const Texts& texts);

  /// Throws `ErrorCode::data` when two features have the same 64-bit hash, naming both (some 3 in a million runs with
  /// 10 million features); another `hash_seed` cures it.
  Vectorizer build();

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

/// A feature of a vocabulary made elsewhere.
struct ImportedFeature {
  enum class Analyzer : uint8_t { word, character, character_wb, compound };
  Analyzer analyzer = Analyzer::word;
  std::string name;  ///< words joined by one space; characters side by side
  float idf = 1;
};

/// A vectorizer with a given vocabulary: feature i is `features[i]`. Names are taken as they are, not normalised.
/// Throws `ErrorCode::data` when a feature occurs twice.
Vectorizer make_vectorizer(VectorizerOptions options, std::span<const ImportedFeature> features);

/// The hash of a word as these options have it: for checks that files and machines agree.
uint64_t feature_hash(const VectorizerOptions& options, const std::string& word);

struct SelectOptions {
  KeyIndexOptions keys;
  bool keep_names = false;  ///< packed, for people who ask (`feature_name`)
};

/// Some of a vectorizer's features, known by a perfect hash and fingerprints alone.
struct SelectedFeatures {
  static constexpr uint32_t kNone = KeyIndex::kNone;

  Vectorizer vectorizer;
  std::vector<uint32_t> numbers;  ///< by old number: the new one, or kNone
  /// By new number: what weights of the feature are to be multiplied by, for its idf is no longer quite what it was;
  /// empty = nothing.
  std::vector<float> weight_factors;
  uint32_t n_lost = 0;  ///< features asked for whose names are cut short, so that they cannot be hashed
};

/// Keeps the features for which `wanted` (one entry for each) is true, in a few bits each: `options.fingerprint_bits`
/// and 2.6 more. A text's other features are taken for one of these with probability 2^-fingerprint_bits. Names go,
/// unless they are to be kept.
///
/// Throws `ErrorCode::unsupported` when features have no names (feature hashing, which needs none, aside), for then
/// their hashes are not known; `ErrorCode::usage` when nothing is wanted.
SelectedFeatures select_features(const Vectorizer& vectorizer, const std::vector<bool>& wanted,
                                 const SelectOptions& options, ThreadPool& pool);

}  // namespace coppice
