// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as text: both paths of the tokenizer give the same tokens, and the vectorizer's rows keep their promises,
// whatever the options. The first byte chooses the options; the rest are texts, one a line.
#include "coppice/data/tokenizer.h"
#include "coppice/data/unicode.h"
#include "coppice/data/vectorizer.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

using coppice::require;

coppice::TokenizerOptions tokenizer_options(unsigned choice) {
  coppice::TokenizerOptions options;
  options.normalization = static_cast<coppice::Normalization>(choice % 3);
  options.split = static_cast<coppice::TokenSplit>(choice / 3 % 3);
  options.punctuation = static_cast<coppice::PunctuationTokens>(choice / 9 % 2);
  options.symbols = static_cast<coppice::SymbolTokens>(choice / 9 % 3);
  options.cjk = static_cast<coppice::CjkTokens>(choice / 27 % 2);
  options.split_letters_numbers = choice / 54 % 2 == 1;
  return options;
}

/// By contract split at spaces without normalisation keeps bytes that are no UTF-8, and so never takes the slow path.
bool keeps_bytes(const coppice::TokenizerOptions& options) {
  return options.split == coppice::TokenSplit::space && options.normalization == coppice::Normalization::none;
}

void compare_paths(const coppice::TokenizerOptions& options, std::string_view text) {
  const coppice::Tokenizer tokenizer(options);
  coppice::UnicodeTable table(options.normalization);
  coppice::TokenizedText fast, slow;
  tokenizer.tokenize(text, table, fast);
  for (size_t i = 0; i < fast.n_tokens; ++i) {
    require(fast.starts[i] < fast.ends[i] && fast.ends[i] <= fast.size);
    require(i == 0 || fast.starts[i] >= fast.ends[i - 1]);
  }
  if (keeps_bytes(options) && !coppice::is_valid_utf8(text)) return;
  tokenizer.tokenize_any(text, table, slow);
  require(fast.n_tokens == slow.n_tokens);
  for (size_t i = 0; i < fast.n_tokens; ++i) require(fast.token(i) == slow.token(i));
}

coppice::Texts lines_of(std::string_view text) {
  coppice::Texts texts;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    texts.add(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return texts;
}

void fit_and_transform(coppice::VectorizerOptions options, const coppice::Texts& texts) {
  static coppice::ThreadPool pool(1);
  coppice::VectorizerBuilder builder(options, pool);
  builder.add(texts);
  const coppice::Vectorizer vectorizer = builder.build();
  vectorizer.verify();
  const coppice::Csr rows = vectorizer.transform(texts, pool);
  rows.validate("features");
  require(rows.n_rows() == texts.size() && rows.n_columns == vectorizer.n_features());
  coppice::Vectorizer::State state;
  for (size_t i = 0; i < texts.size(); ++i) {
    const coppice::SparseRow one = vectorizer.transform(texts[i], state);
    require(std::equal(one.columns.begin(), one.columns.end(), rows.row(i).columns.begin(), rows.row(i).columns.end()));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const unsigned choice = size > 0 ? bytes[0] : 0;
  const std::string_view text = coppice::text_of(bytes, size).substr(size > 0 ? 1 : 0);
  coppice::VectorizerOptions options;
  options.tokenizer = tokenizer_options(choice);
  if (choice % 4 == 1) options.char_ngrams = {1, 3};
  if (choice % 4 == 2) options.char_wb_ngrams = {2, 4};
  if (choice % 8 == 3) options.hash_bits = 10;
  if (choice % 8 == 7) options.compounds = coppice::Compounds::add;
  try {
    compare_paths(options.tokenizer, text);
    fit_and_transform(options, lines_of(text));
  } catch (const coppice::Error& error) {
    require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::usage);
  }
  return 0;
}
