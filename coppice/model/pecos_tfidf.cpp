// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/pecos_tfidf.h"

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"
#include "coppice/model/pecos_json.h"

namespace coppice {
namespace {

constexpr int kWordTokens = 10;
constexpr int kCharacterTokens = 20;
constexpr int kCharacterTokensInWords = 30;
constexpr uint32_t kMostFeatures = 0x7FFFFFFF;

/// Walks over the lines of a file and the fields of a line.
class LineCursor {
 public:
  LineCursor(std::string_view text, std::string path) : rest_(text), path_(std::move(path)) {}

  bool next_line() {
    if (rest_.empty()) return false;
    ++line_number_;
    const size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return true;
  }

  template <class T>
  T number(const char* what, T most) {
    T value{};
    while (!line_.empty() && (line_.front() == ' ' || line_.front() == '\t')) line_.remove_prefix(1);
    const auto [end, error] = std::from_chars(line_.data(), line_.data() + line_.size(), value);
    if (error != std::errc() || !(value >= T{} && value <= most)) fail(std::string("expected ") + what);
    line_.remove_prefix(static_cast<size_t>(end - line_.data()));
    return value;
  }

  std::string_view line() const { return line_; }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::data, what, path_ + ":" + std::to_string(line_number_));
  }

 private:
  std::string_view rest_;
  std::string_view line_;
  std::string path_;
  size_t line_number_ = 0;
};

/// The first line: how many entries follow, at the least two bytes each.
uint32_t read_count(LineCursor& cursor, size_t file_bytes) {
  if (!cursor.next_line()) cursor.fail("the file is empty, expected a count in its first line");
  const auto count = cursor.number<uint32_t>("the count of entries", kMostFeatures);
  if (count > file_bytes / 2) cursor.fail("a count of " + std::to_string(count) + " does not fit the size of the file");
  return count;
}

/// Lines "number<TAB>token" in any order.
std::vector<std::string_view> read_tokens(std::string_view text, const std::string& path) {
  LineCursor cursor(text, path);
  std::vector<std::string_view> tokens(read_count(cursor, text.size()));
  size_t found = 0;
  while (cursor.next_line()) {
    const auto number = cursor.number<uint32_t>("the number of a token", kMostFeatures);
    if (number >= tokens.size()) cursor.fail("token " + std::to_string(number) + " is beyond the count in line 1");
    if (cursor.line().size() < 2 || cursor.line().front() != '\t') cursor.fail("expected NUMBER<TAB>TOKEN");
    if (!tokens[number].empty()) cursor.fail("token " + std::to_string(number) + " stands here twice");
    tokens[number] = cursor.line().substr(1);
    ++found;
  }
  if (found != tokens.size()) {
    cursor.fail("the file ends after " + std::to_string(found) + " of " + counted(tokens.size(), "token"));
  }
  return tokens;
}

/// The tokens of one n-gram as one text.
std::string read_ngram(LineCursor& cursor, std::span<const std::string_view> tokens, PecosTfidf::Analyzer analyzer) {
  const auto length = cursor.number<uint32_t>("the length of the n-gram", 1000);
  if (length == 0) cursor.fail("an n-gram of no tokens");
  std::string text;
  for (uint32_t i = 0; i < length; ++i) {
    const auto token = cursor.number<uint32_t>("the number of a token", kMostFeatures);
    if (token >= tokens.size()) cursor.fail("token " + std::to_string(token) + " is not in vocab.txt");
    if (i > 0 && analyzer == PecosTfidf::Analyzer::word) text += ' ';
    text += tokens[token];
  }
  return text;
}

/// Lines "feature<TAB>idf<TAB>length<TAB>token token ..." in any order.
void read_features(PecosTfidf::Part& part, std::span<const std::string_view> tokens, const std::string& path) {
  const std::string text = read_whole_file(path);
  LineCursor cursor(text, path);
  const uint32_t count = read_count(cursor, text.size());
  part.features.resize(count);
  part.idf.resize(count);
  size_t found = 0;
  while (cursor.next_line()) {
    const auto feature = cursor.number<uint32_t>("the number of a feature", kMostFeatures);
    if (feature >= count) cursor.fail("feature " + std::to_string(feature) + " is beyond the count in line 1");
    if (!part.features[feature].empty()) cursor.fail("feature " + std::to_string(feature) + " stands here twice");
    part.idf[feature] = cursor.number<float>("the idf, a finite number not below 0", 3.0e38F);
    part.features[feature] = read_ngram(cursor, tokens, part.analyzer);
    ++found;
  }
  if (found != count) {
    cursor.fail("the file ends after " + std::to_string(found) + " of " + counted(count, "feature"));
  }
}

PecosTfidf::Analyzer read_analyzer(const std::string& path) {
  const PecosJson config(path);
  const auto type = config.get<int>("token_type");
  if (type == kWordTokens) return PecosTfidf::Analyzer::word;
  if (type == kCharacterTokens || type == kCharacterTokensInWords) return PecosTfidf::Analyzer::character;
  config.fail("token_type is " + std::to_string(type) + ", expected 10 (word), 20 (char) or 30 (char_wb)");
}

PecosTfidf::Norm read_norm(const PecosJson& kwargs) {
  const nlohmann::json& value = kwargs.at("norm_p");
  if (value == "l1" || value == 1) return PecosTfidf::Norm::l1;
  if (value == "l2" || value == 2) return PecosTfidf::Norm::l2;
  kwargs.fail("norm_p is " + json_value_text(value) + ", expected l1 or l2");
}

PecosTfidf::Part read_part(const std::string& folder) {
  PecosTfidf::Part part;
  const PecosJson config(folder + "/vectorizer/config.json");
  const PecosJson kwargs = config.object("kwargs");
  const auto range = kwargs.get<std::vector<uint32_t>>("ngram_range");
  if (range.size() != 2 || range[0] == 0 || range[0] > range[1] || range[1] > 1000) {
    kwargs.fail("ngram_range is no pair of lengths from 1");
  }
  part.min_ngram = range[0];
  part.max_ngram = range[1];
  const auto max_tokens = kwargs.get<int>("max_length");
  part.max_tokens = max_tokens > 0 ? static_cast<uint32_t>(max_tokens) : 0;
  part.binary = kwargs.get<bool>("binary");
  part.use_idf = kwargs.get<bool>("use_idf");
  part.sublinear_tf = kwargs.get<bool>("sublinear_tf");
  part.norm = read_norm(kwargs);
  part.analyzer = read_analyzer(folder + "/tokenizer/config.json");

  const std::string vocabulary_path = folder + "/tokenizer/vocab.txt";
  const std::string vocabulary = read_whole_file(vocabulary_path);
  const std::vector<std::string_view> tokens = read_tokens(vocabulary, vocabulary_path);
  read_features(part, tokens, folder + "/vectorizer/tfidf-model.txt");
  return part;
}

void check_kind(const std::string& path) {
  if (!std::filesystem::exists(path)) return;
  const PecosJson config(path);
  const auto kind = config.get<std::string>("type");
  if (kind != "tfidf") {
    throw Error(ErrorCode::unsupported, "a PECOS vectorizer of type " + kind + ", expected tfidf", path,
                "Import the model without its vectorizer and give it features (svm or npz)");
  }
}

}  // namespace

PecosTfidf read_pecos_tfidf(const std::string& folder) {
  PecosTfidf result;
  check_kind(folder + "/config.json");
  if (!std::filesystem::exists(folder + "/meta.json")) {
    result.parts.push_back(read_part(folder));
    result.norm = result.parts[0].norm;
    return result;
  }
  const PecosJson kwargs = PecosJson(folder + "/meta.json").object("kwargs");
  const auto count = kwargs.get<uint32_t>("num_base_vect");
  if (count == 0 || count > 1000) kwargs.fail("num_base_vect is " + std::to_string(count) + ", expected 1 to 1000");
  result.norm = read_norm(kwargs);
  for (uint32_t i = 0; i < count; ++i) result.parts.push_back(read_part(folder + "/" + std::to_string(i) + ".base"));
  return result;
}

}  // namespace coppice
