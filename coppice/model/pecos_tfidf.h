// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace coppice {

/// A tf-idf vectorizer as PECOS stores it, with each feature spelled out as text.
///
/// PECOS numbers its tokens and keys its n-grams by those numbers; a feature here is the text of its tokens: words
/// joined by one space, characters side by side.
struct PecosTfidf {
  enum class Analyzer { word, character };
  enum class Norm { l1, l2 };

  struct Part {
    Analyzer analyzer = Analyzer::word;
    uint32_t min_ngram = 1;
    uint32_t max_ngram = 1;
    uint32_t max_tokens = 0;  ///< a text is cut after so many tokens; 0 = never
    bool binary = false;
    bool use_idf = true;
    bool sublinear_tf = false;
    Norm norm = Norm::l2;
    std::vector<std::string> features;  ///< by feature number
    std::vector<float> idf;
  };

  std::vector<Part> parts;  ///< side by side; feature numbers of a part follow those of the one before
  Norm norm = Norm::l2;     ///< of the whole row
};

/// Reads the folder that PECOS' `Vectorizer.save` or `Tfidf.save` wrote.
///
/// Throws `ErrorCode::data` with file and line for a damaged file, `unsupported` for a vectorizer of another kind.
/// Source: the files as written by amzn/pecos 1.2 (pecos/core/utils/tfidf.hpp). Its character n-grams inside words
/// (char_wb) are fitted with padding at word borders, but applied as plain character n-grams; they are read as what
/// is applied, so that the scores are those PECOS gives.
PecosTfidf read_pecos_tfidf(const std::string& folder);

}  // namespace coppice
