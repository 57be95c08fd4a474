// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/vectorizer_analysis.h"

#include <algorithm>
#include <cstring>

namespace coppice {
namespace {

constexpr size_t kLongestCompound = 128;

bool is_joiner(char c) noexcept {
  return std::string_view("._-/:+@'&#").find(c) != std::string_view::npos;
}
bool is_blank(char c) noexcept {
  return static_cast<uint8_t>(c) <= 0x20 || c == 0x7F;
}
bool begins_character(char c) noexcept {
  return (static_cast<uint8_t>(c) & 0xC0) != 0x80;
}

template <class T>
void make_room(std::vector<T>& values, size_t size) {
  if (values.size() < size) values.resize(std::max(size, values.size() + values.size() / 2));
}

/// Room for `more` occurrences behind those there are; returns the place of the first.
template <bool kNames>
size_t extend(FeatureOccurrences& features, size_t more) {
  const size_t first = features.size;
  features.size += more;
  make_room(features.hashes, features.size);
  if constexpr (kNames) {
    make_room(features.checks, features.size);
    make_room(features.places, features.size);
  }
  return first;
}

template <bool kNames>
void put_slice(FeatureOccurrences& features, size_t at, FeatureHash hash, NamePlace place) {
  features.hashes[at] = hash.hash;
  if constexpr (kNames) {
    features.checks[at] = hash.check;
    features.places[at] = place;
  }
}

}  // namespace

Analysis::NgramRange Analysis::range_of(const std::vector<uint32_t>& option) {
  if (option.empty()) return {};
  return {option.front(), option.back()};
}

Analysis::Analysis(const VectorizerOptions& options)
    : tokenizer_(options.tokenizer),
      words_(range_of(options.word_ngrams)),
      characters_(range_of(options.char_ngrams)),
      characters_wb_(range_of(options.char_wb_ngrams)),
      max_tokens_(options.max_tokens),
      compounds_(options.compounds),
      raw_slices_(options.tokenizer.split == TokenSplit::space) {
  for (size_t i = 0; i < seeds_.size(); ++i) {
    seeds_[i] = fold_multiply(options.hash_seed ^ kHashMix[7], kHashMix[i] ^ (i + 1));
  }
  AnalysisScratch scratch(options.tokenizer.normalization);
  for (const std::string& entry : options.stop_words) {
    tokenizer_.tokenize(entry, scratch.unicode, scratch.text);
    hash_tokens<false>(scratch);
    stop_words_.insert(scratch.tokens.begin(), scratch.tokens.begin() + static_cast<ptrdiff_t>(scratch.text.n_tokens));
  }
}

void Analysis::analyze(std::string_view text, AnalysisScratch& scratch) const {
  analyze_as<false>(text, scratch);
}

void Analysis::analyze_with_names(std::string_view text, AnalysisScratch& scratch) const {
  analyze_as<true>(text, scratch);
}

template <bool kNames>
void Analysis::analyze_as(std::string_view text, AnalysisScratch& scratch) const {
  FeatureOccurrences& features = scratch.features;
  features.size = 0;
  tokenizer_.tokenize(text, scratch.unicode, scratch.text);
  if (max_tokens_ > 0) scratch.text.n_tokens = std::min<size_t>(scratch.text.n_tokens, max_tokens_);
  if (words_.longest > 0 || compounds_ == Compounds::add) {
    hash_tokens<kNames>(scratch);
    if (compounds_ == Compounds::add) find_compounds(scratch);
    if (!stop_words_.empty()) drop_stop_words(scratch);
    add_words<kNames>(scratch);
    if (compounds_ == Compounds::add) add_compounds<kNames>(scratch);
  }
  features.block_ends[0] = features.size;
  if (characters_.longest > 0 || characters_wb_.longest > 0) prepare_slices(scratch);
  if (characters_.longest > 0) add_characters<kNames>(scratch);
  features.block_ends[1] = features.size;
  if (characters_wb_.longest > 0) add_characters_in_words<kNames>(scratch);
  features.block_ends[2] = features.size;
}

template <bool kNames>
void Analysis::hash_tokens(AnalysisScratch& scratch) const {
  const TokenizedText& text = scratch.text;
  make_room(scratch.tokens, text.n_tokens);
  if constexpr (kNames) make_room(scratch.token_checks, text.n_tokens);
  const char* const bytes = text.bytes.data();
  for (size_t i = 0; i < text.n_tokens; ++i) {
    const FeatureHash hash = hash_bytes(bytes + text.starts[i], text.ends[i] - text.starts[i], seeds_[0]);
    scratch.tokens[i] = hash.hash;
    if constexpr (kNames) scratch.token_checks[i] = hash.check;
  }
}

void Analysis::drop_stop_words(AnalysisScratch& scratch) const {
  TokenizedText& text = scratch.text;
  size_t kept = 0;
  for (size_t i = 0; i < text.n_tokens; ++i) {
    if (stop_words_.count(scratch.tokens[i]) > 0) continue;
    scratch.tokens[kept] = scratch.tokens[i];
    if (i < scratch.token_checks.size()) scratch.token_checks[kept] = scratch.token_checks[i];
    text.starts[kept] = text.starts[i];
    text.ends[kept] = text.ends[i];
    ++kept;
  }
  text.n_tokens = kept;
}

template <bool kNames>
void Analysis::add_words(AnalysisScratch& scratch) const {
  const size_t tokens = scratch.text.n_tokens;
  FeatureOccurrences& features = scratch.features;
  const uint64_t* previous = scratch.tokens.data();
  const uint32_t* previous_checks = scratch.token_checks.data();
  if (words_.longest > 1) make_room(scratch.ngrams, tokens);
  if (kNames && words_.longest > 1) make_room(scratch.ngram_checks, tokens);
  for (uint32_t order = 1; order <= words_.longest && order <= tokens; ++order) {
    const size_t count = tokens - order + 1;
    if (order > 1) {
      const uint64_t* const last = scratch.tokens.data() + order - 1;
      for (size_t i = 0; i < count; ++i) scratch.ngrams[i] = extend_hash(previous[i], last[i]);
      previous = scratch.ngrams.data();
      if constexpr (kNames) {
        const uint32_t* const last_check = scratch.token_checks.data() + order - 1;
        for (size_t i = 0; i < count; ++i) scratch.ngram_checks[i] = extend_check(previous_checks[i], last_check[i]);
        previous_checks = scratch.ngram_checks.data();
      }
    }
    if (order < words_.shortest) continue;
    const size_t first = extend<kNames>(features, count);
    std::memcpy(features.hashes.data() + first, previous, count * sizeof(uint64_t));
    if constexpr (kNames) {
      std::memcpy(features.checks.data() + first, previous_checks, count * sizeof(uint32_t));
      for (size_t i = 0; i < count; ++i) features.places[first + i] = {static_cast<uint32_t>(i), order, 0};
    }
  }
}

// A compound is a chain of at least two tokens with one joining character between each two: 2.3.1, libfoo-dev.
void Analysis::find_compounds(AnalysisScratch& scratch) const {
  const TokenizedText& text = scratch.text;
  const auto is_mark = [&](size_t i) {
    return text.ends[i] - text.starts[i] == 1 && is_joiner(text.bytes[text.starts[i]]);
  };
  scratch.compounds.clear();
  uint32_t begin = 0, end = 0, links = 0;
  const auto close = [&] {
    if (links > 0 && end - begin <= kLongestCompound) {
      scratch.compounds.push_back(begin);
      scratch.compounds.push_back(end);
    }
    links = 0;
  };
  for (size_t i = 0; i < text.n_tokens; ++i) {
    if (is_mark(i) && text.bytes[text.starts[i]] != '_') continue;  // punctuation kept as a token
    if (end > begin && text.starts[i] == end + 1 && is_joiner(text.bytes[end])) {
      ++links;
    } else {
      close();
      begin = text.starts[i];
    }
    end = text.ends[i];
  }
  close();
}

template <bool kNames>
void Analysis::add_compounds(AnalysisScratch& scratch) const {
  const size_t count = scratch.compounds.size() / 2;
  const size_t first = extend<kNames>(scratch.features, count);
  // Their names are slices too: of the text, behind which the character analyzers' own slices are kept apart.
  for (size_t i = 0; i < count; ++i) {
    const uint32_t begin = scratch.compounds[2 * i];
    const uint32_t size = scratch.compounds[2 * i + 1] - begin;
    const FeatureHash hash = hash_bytes(scratch.text.bytes.data() + begin, size, seeds_[3]);
    put_slice<kNames>(scratch.features, first + i, hash, {begin, NamePlace::kText, size});
  }
}

// White space runs become one space and none at the ends, so that a trailing newline changes nothing.
void Analysis::prepare_slices(AnalysisScratch& scratch) const {
  const std::string_view text = scratch.text.text();
  make_room(scratch.slices, text.size() + 2 + TokenizedText::kPadding);
  make_room(scratch.characters, text.size() + 3);
  char* out = scratch.slices.data();
  *out++ = ' ';
  if (raw_slices_) {
    out = std::copy(text.begin(), text.end(), out);
  } else {
    for (const char c : text) {
      if (!is_blank(c)) {
        *out++ = c;
      } else if (out[-1] != ' ') {
        *out++ = ' ';
      }
    }
    if (out - scratch.slices.data() > 1 && out[-1] == ' ') --out;
  }
  *out++ = ' ';
  const size_t size = static_cast<size_t>(out - scratch.slices.data());
  size_t count = 0;
  for (size_t i = 0; i < size; ++i) {
    scratch.characters[count] = static_cast<uint32_t>(i);
    count += begins_character(scratch.slices[i]) ? 1 : 0;
  }
  scratch.characters[count] = static_cast<uint32_t>(size);
  scratch.n_characters = count;
}

template <bool kNames>
void Analysis::add_characters(AnalysisScratch& scratch) const {
  const uint32_t* const at = scratch.characters.data() + 1;  // without the spaces around the whole
  const size_t length = scratch.n_characters - 2;
  for (uint32_t order = characters_.shortest; order <= characters_.longest && order <= length; ++order) {
    const size_t count = length - order + 1;
    const size_t first = extend<kNames>(scratch.features, count);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t size = at[i + order] - at[i];
      put_slice<kNames>(scratch.features, first + i, hash_bytes(scratch.slices.data() + at[i], size, seeds_[1]),
                        {at[i], NamePlace::kSlice, size});
    }
  }
}

// As scikit-learn's char_wb: each word with a space at either side; a word shorter than n gives itself once.
template <bool kNames>
void Analysis::add_characters_in_words(AnalysisScratch& scratch) const {
  const uint32_t* const at = scratch.characters.data();
  const char* const bytes = scratch.slices.data();
  for (size_t left = 0; left + 1 < scratch.n_characters;) {
    size_t right = left + 1;
    while (bytes[at[right]] != ' ') ++right;
    const size_t length = right - left + 1;
    for (uint32_t order = characters_wb_.shortest; length > 2 && order <= characters_wb_.longest; ++order) {
      const size_t size = std::min<size_t>(order, length);
      const size_t count = length - size + 1;
      const size_t first = extend<kNames>(scratch.features, count);
      for (size_t i = 0; i < count; ++i) {
        const uint32_t begin = at[left + i];
        const uint32_t bytes_in = at[left + i + size] - begin;
        put_slice<kNames>(scratch.features, first + i, hash_bytes(bytes + begin, bytes_in, seeds_[2]),
                          {begin, NamePlace::kSlice, bytes_in});
      }
      if (order >= length) break;
    }
    left = right;
  }
}

FeatureHash Analysis::hash_of(const ImportedFeature& feature) const {
  std::string padded = feature.name + std::string(TokenizedText::kPadding, '\0');
  if (feature.analyzer != ImportedFeature::Analyzer::word) {
    const uint64_t seed = seeds_[static_cast<size_t>(feature.analyzer)];
    return hash_bytes(padded.data(), feature.name.size(), seed);
  }
  FeatureHash result{};
  size_t begin = 0;
  for (bool first = true; begin <= feature.name.size(); first = false) {
    const size_t end = std::min(feature.name.find(' ', begin), feature.name.size());
    const FeatureHash token = hash_bytes(padded.data() + begin, end - begin, seeds_[0]);
    result = first ? token : FeatureHash{extend_hash(result.hash, token.hash), extend_check(result.check, token.check)};
    begin = end + 1;
  }
  return result;
}

uint64_t feature_hash(const VectorizerOptions& options, const std::string& word) {
  return Analysis(options).hash_of({ImportedFeature::Analyzer::word, word}).hash;
}

}  // namespace coppice
