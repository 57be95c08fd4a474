// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/data/row.h"
#include "coppice/data/utf8.h"
#include "coppice/data/vectorizer.h"

namespace coppice {
namespace {

void describe_tokens(OptionTable& table, VectorizerOptions& options) {
  TokenizerOptions& tokenizer = options.tokenizer;
  table.add("normalize", tokenizer.normalization,
            {{Normalization::fold, "fold"}, {Normalization::nfkc, "nfkc"}, {Normalization::none, "none"}},
            "What happens to characters first: fold = Unicode NFKC, case folding and dropping of invisible characters "
            "(scikit-learn's lowercase, and more); nfkc = NFKC alone, case kept; none = bytes as they are.");
  table.add("tokens", tokenizer.split,
            {{TokenSplit::words, "words"}, {TokenSplit::whitespace, "whitespace"}, {TokenSplit::space, "space"}},
            "Where a text is cut: words = runs of letters and numbers; whitespace = for text tokenised before; space "
            "= at the byte 0x20 only, which is what PECOS does.");
  table.add("punctuation", tokenizer.punctuation,
            {{PunctuationTokens::drop, "drop"}, {PunctuationTokens::keep, "keep"}},
            "Whether each punctuation character is a token of its own. Dropped, it only ends words. Used with tokens "
            "words.");
  table.add("symbols", tokenizer.symbols,
            {{SymbolTokens::drop, "drop"}, {SymbolTokens::pictographs, "pictographs"}, {SymbolTokens::keep, "keep"}},
            "Which symbols are tokens: none, emoji and other pictographs, or all of them (+ = $ < too). Used with "
            "tokens words.");
  table.add("cjk", tokenizer.cjk, {{CjkTokens::characters, "characters"}, {CjkTokens::runs, "runs"}},
            "Scripts written without spaces (Chinese, Japanese kana, Thai, Lao, Khmer, Burmese): characters = each is "
            "a token, so that word n-grams find words; runs = a run of them is one token, for text that has spaces. "
            "Used with tokens "
            "words.");
  table.add("split_letters_numbers", tokenizer.split_letters_numbers,
            "Cut words where letters and numbers meet: mp3 becomes mp and 3. Used with tokens words.");
  table.add("compounds", options.compounds, {{Compounds::off, "off"}, {Compounds::add, "add"}},
            "Add a feature for words joined by one of . _ - / : + @ ' & # without spaces (2.3.1, libfoo-dev, "
            "ip_input.c), beside their parts. Costs one feature for each; helps where names and versions matter.");
  table.add("max_tokens", options.max_tokens, 0, UINT32_MAX,
            "Take only so many tokens from the beginning of a text; 0 = all. PECOS: truncate_length.");
  table.add("stop_words", options.stop_words, "Words that are left out before n-grams are made.");
  table.add(
      "stop_words_file", options.stop_words_file,
      "A file of such words, one a line, in UTF-8; a line that starts with # is a comment. The words are stored in "
      "the model, the file is not needed again.");
}

void describe_ngrams(OptionTable& table, VectorizerOptions& options) {
  const char* const range = " Shortest and longest, as in 1,2; an empty list turns the analyzer off.";
  table.add("word_ngrams", options.word_ngrams, 1, 16,
            std::string("Runs of so many words are features (scikit-learn: ngram_range, analyzer word).") + range);
  table.add("char_ngrams", options.char_ngrams, 1, 64,
            std::string("Runs of so many characters are features, across words too; white space counts as one space. "
                        "Costs a feature for each character and length.") +
                range);
  table.add("char_wb_ngrams", options.char_wb_ngrams, 1, 64,
            std::string("Runs of so many characters inside words, a space standing at either end of a word "
                        "(scikit-learn: analyzer char_wb). Robust against misspelling and inflection.") +
                range);
}

void describe_analyzer_weights(OptionTable& table, VectorizerOptions& options) {
  const char* const weight =
      " With several analyzers each one's features are normalised by themselves, multiplied by the analyzer's weight, "
      "and the row is normalised as a whole.";
  table.add("word_weight", options.word_weight, 0, 1e6, std::string("Weight of word n-grams and compounds.") + weight);
  table.add("char_weight", options.char_weight, 0, 1e6, "Weight of character n-grams; see word_weight.");
  table.add("char_wb_weight", options.char_wb_weight, 0, 1e6, "Weight of n-grams inside words; see word_weight.");
}

void describe_weighting(OptionTable& table, VectorizerOptions& options) {
  using Idf = InverseDocumentFrequency;
  table.add(
      "tf", options.tf,
      {{TermFrequency::count, "count"}, {TermFrequency::sublinear, "sublinear"}, {TermFrequency::binary, "binary"}},
      "Weight of a feature that occurs t times in a text: count = t; sublinear = 1 + ln t; binary = 1.");
  table.add("idf", options.idf, {{Idf::smooth, "smooth"}, {Idf::pecos, "pecos"}, {Idf::none, "none"}},
            "Weight of a feature that df of N texts have: smooth = ln((1 + N) / (1 + df)) + 1, scikit-learn's; pecos = "
            "max(ln(N / (df + s)), 0) + a, with s and a from the next two options; none = 1.");
  table.add("pecos_idf_smooth", options.pecos_idf_smooth, "s = 1 in the pecos formula, else 0 (PECOS: smooth_idf).");
  table.add("pecos_idf_add_one", options.pecos_idf_add_one, "a = 1 in the pecos formula, else 0 (PECOS: add_one_idf).");
  table.add("feature_norm", options.norm,
            {{FeatureNorm::l2, "l2"}, {FeatureNorm::l1, "l1"}, {FeatureNorm::none, "none"}},
            "Each text's features are divided by their Euclidean length (l2), by their sum (l1), or not.");
}

void describe_document_frequencies(OptionTable& table, VectorizerOptions& options) {
  table.add("min_df", options.min_df, 1, UINT32_MAX,
            "Leave out features that fewer texts have. 2 halves most vocabularies and the model with them.");
  table.add("max_df", options.max_df, 0, UINT32_MAX, "Leave out features that more texts have; 0 = no limit.");
  table.add("min_df_share", options.min_df_share, 0, 1,
            "Leave out features that a smaller share of the texts has (scikit-learn: min_df below 1).");
  table.add("max_df_share", options.max_df_share, 0, 1,
            "Leave out features that a larger share of the texts has (scikit-learn: max_df up to 1.0).");
  table.add("max_features", options.max_features, 0, 0x7FFFFFFE,
            "Keep only so many features, those that most texts have; ties go by the bytes of the name. 0 = all.");
}

void describe_hashing(OptionTable& table, VectorizerOptions& options) {
  table.add("hash_bits", options.hash_bits, 0, 30,
            "Feature hashing: a feature's number is so many bits of its hash, no vocabulary is stored, unseen features "
            "count too, colliding ones add up. 0 = off. Document-frequency limits and names do not apply.");
  table.add("hash_signed", options.hash_signed,
            "With hash_bits: a hash bit decides whether a feature counts plus or minus, so that collisions cancel on "
            "average (scikit-learn: alternate_sign).");
}

void describe_keys(OptionTable& table, VectorizerOptions& options) {
  table.add("hash_seed", options.hash_seed, 0, UINT64_MAX,
            "Another seed gives other hashes; needed after a collision.");
  table.add("feature_names", options.feature_names,
            "Store the text of each feature, which explain shows; costs some 8 bytes a feature in the model file.");
}

void check_range(const char* name, const std::vector<uint32_t>& range) {
  if (range.empty()) return;
  if (range.size() <= 2 && range.front() >= 1 && range.front() <= range.back()) return;
  throw Error(ErrorCode::usage, std::string("option ") + name + " is no range: expected shortest,longest as in 1,2");
}

/// One analyzer alone is not weighed; of several, one at least needs a weight.
void expect_weight(const VectorizerOptions& options) {
  const bool words = !options.word_ngrams.empty() || options.compounds == Compounds::add;
  const std::pair<bool, float> analyzers[] = {{words, options.word_weight},
                                              {!options.char_ngrams.empty(), options.char_weight},
                                              {!options.char_wb_ngrams.empty(), options.char_wb_weight}};
  size_t n_on = 0;
  float largest = 0;
  for (const auto& [on, weight] : analyzers) {
    n_on += on ? 1 : 0;
    largest = on ? std::max(largest, weight) : largest;
  }
  if (n_on < 2 || largest > 0) return;
  throw Error(ErrorCode::usage, "every analyzer has the weight 0: no feature would be left", {},
              "set word_weight, char_weight or char_wb_weight");
}

/// The words go into the model, as JSON.
void expect_utf8(const std::vector<std::string>& stop_words) {
  for (const std::string& word : stop_words) {
    if (is_valid_utf8(word)) continue;
    throw Error(ErrorCode::usage, "option stop_words holds " + shown(repair_utf8(word)) + ", which is not valid UTF-8",
                {}, "write it in UTF-8");
  }
}

}  // namespace

void describe(OptionTable& table, VectorizerOptions& options) {
  describe_tokens(table, options);
  describe_ngrams(table, options);
  describe_analyzer_weights(table, options);
  describe_weighting(table, options);
  describe_document_frequencies(table, options);
  describe_hashing(table, options);
  describe_keys(table, options);
}

void describe_features(OptionTable& table, VectorizerOptions& options) {
  describe_tokens(table, options);
  describe_ngrams(table, options);
  describe_document_frequencies(table, options);
  describe_keys(table, options);
}

void validate(const VectorizerOptions& options) {
  check_range("word_ngrams", options.word_ngrams);
  check_range("char_ngrams", options.char_ngrams);
  check_range("char_wb_ngrams", options.char_wb_ngrams);
  const bool none = options.word_ngrams.empty() && options.char_ngrams.empty() && options.char_wb_ngrams.empty() &&
                    options.compounds == Compounds::off;
  if (none) {
    throw Error(ErrorCode::usage, "every analyzer is off", {},
                "set word_ngrams, char_ngrams, char_wb_ngrams or compounds");
  }
  expect_weight(options);
  expect_utf8(options.stop_words);
  if (options.hash_bits > 30) throw Error(ErrorCode::usage, "option hash_bits is above 30");
  if (options.min_df_share > options.max_df_share || (options.max_df > 0 && options.min_df > options.max_df)) {
    throw Error(ErrorCode::usage, "no feature can satisfy both the smallest and the largest document frequency");
  }
}

}  // namespace coppice
