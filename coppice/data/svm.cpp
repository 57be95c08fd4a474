// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "coppice/core/quantity.h"
#include "coppice/data/parsers.h"

namespace coppice {
namespace {

constexpr std::string_view kSpaces = " \t";
constexpr const char* kGuessedHint =
    "line 1, three whole numbers, was read as the header: rows, features, labels; if it is a row, set svm_header to "
    "absent";

struct SvmHeaderNumbers {
  uint64_t rows;
  uint32_t features;
  uint32_t labels;
};

class SvmParser final : public RowParser {
 public:
  explicit SvmParser(const ReadOptions& options)
      : header_option_(options.svm_header),
        one_based_(options.one_based),
        n_features_(options.n_features),
        in_header_(options.svm_header == SvmHeader::present) {}

  Outcome parse(Line line, Row& row) override {
    if (line.number == 1 && header_option_ != SvmHeader::absent && read_header(line.text)) return Outcome::header;
    // Editors and scripts leave an empty line at the end: the header says that it is no row.
    if (header_ && line.number - 1 > header_->rows && trimmed(line.text).empty()) return Outcome::blank;
    const size_t begin = parse_labels(line.text, row);
    parse_features(line.text, begin, row);
    row.has_features = true;
    return Outcome::row;
  }

  bool in_header() const override { return in_header_; }

  void finish(uint64_t n_rows) override {
    if (!header_ || header_->rows == n_rows) return;
    std::string hint =
        n_rows < header_->rows ? "is the file cut off?" : "were rows added and the header left as it was?";
    if (guessed()) hint += std::string(" ") + kGuessedHint;
    throw BadLine{
        1, "the header promises " + counted(header_->rows, "row") + ", the file holds " + std::to_string(n_rows), hint};
  }

  std::optional<uint32_t> n_features() const override {
    return header_ ? std::optional(header_->features) : std::nullopt;
  }
  std::optional<uint32_t> n_labels() const override { return header_ ? std::optional(header_->labels) : std::nullopt; }
  const char* size_hint() const override { return guessed() ? kGuessedHint : RowParser::size_hint(); }

 private:
  /// Nobody said that the first line is a header; it looks like one.
  bool guessed() const noexcept { return header_ && header_option_ == SvmHeader::automatic; }

  /// The three words of a line of exactly three whole numbers.
  static std::optional<std::array<std::string_view, 3>> three_numbers(std::string_view line) {
    std::array<std::string_view, 3> words;
    size_t count = 0;
    for (size_t begin = line.find_first_not_of(kSpaces); begin < line.size(); ++count) {
      const size_t end = std::min(line.find_first_of(kSpaces, begin), line.size());
      const std::string_view word = line.substr(begin, end - begin);
      if (count == 3 || word.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
      words[count] = word;
      begin = line.find_first_not_of(kSpaces, end);
    }
    if (count < 3) return std::nullopt;
    return words;
  }

  /// False if the line is no header and need not be one.
  bool read_header(std::string_view line) {
    const auto words = three_numbers(line);
    if (!words && header_option_ == SvmHeader::automatic) return false;
    in_header_ = true;
    if (!words) {
      throw BadLine{1, "the first line is " + shown(line) + ", expected the header: rows, features, labels",
                    "set svm_header to absent if there is none"};
    }
    const auto size_at = [&](size_t i, uint64_t highest) {
      const size_t column = static_cast<size_t>((*words)[i].data() - line.data()) + 1;
      const char* const hint = header_option_ == SvmHeader::automatic ? kGuessedHint : "is the header damaged?";
      return parse_index((*words)[i], column, {highest, hint}, "size in the header");
    };
    header_ = SvmHeaderNumbers{size_at(0, UINT64_MAX), static_cast<uint32_t>(size_at(1, UINT32_MAX)),
                               static_cast<uint32_t>(size_at(2, uint64_t{1} << 31))};
    in_header_ = false;
    return true;
  }

  /// Reads the labels in front, if any; returns where the features start.
  static size_t parse_labels(std::string_view line, Row& row) {
    if (line.empty() || kSpaces.find(line.front()) != std::string_view::npos) return 0;
    const size_t end = std::min(line.find_first_of(kSpaces), line.size());
    const std::string_view token = line.substr(0, end);
    const size_t colon = token.find(':');
    const bool is_feature = colon != std::string_view::npos && token.substr(colon, 2) != "::";
    if (is_feature) return 0;
    parse_label_ids(token, 1, ",", row);
    return end;
  }

  void parse_features(std::string_view line, size_t begin, Row& row) const {
    const IndexLimit limit = feature_limit();
    begin = line.find_first_not_of(kSpaces, begin);
    if (begin < line.size() && n_features_ == 0 && n_features() == 0U) {
      throw BadLine{begin + 1, "the row has a feature, expected none: the header says that there are 0", size_hint()};
    }
    while (begin < line.size()) {
      const size_t end = std::min(line.find_first_of(kSpaces, begin), line.size());
      const std::string_view token = line.substr(begin, end - begin);
      const size_t colon = token.find(':');
      uint64_t index = parse_index(token.substr(0, colon), begin + 1, limit, "feature index");
      if (one_based_ && index-- == 0) {
        throw BadLine{begin + 1, "feature index is 0, expected indices from 1", "leave one_based out"};
      }
      const float value = colon == std::string_view::npos
                              ? 1.0f
                              : parse_value(token.substr(colon + 1), begin + colon + 2, "feature value");
      row.features.push_back({static_cast<uint32_t>(index), value});
      begin = line.find_first_not_of(kSpaces, end);
    }
  }

  IndexLimit feature_limit() const {
    const uint32_t size = n_features_ > 0 ? n_features_ : n_features().value_or(0);
    const char* const hint = n_features_ > 0 ? RowParser::size_hint() : size_hint();
    IndexLimit limit = index_limit(size, hint, "set n_features if such indices are meant");
    if (one_based_) ++limit.highest;
    return limit;
  }

  SvmHeader header_option_;
  bool one_based_;
  uint32_t n_features_;
  bool in_header_;  ///< line 1 is one, as the user says or as it looks
  std::optional<SvmHeaderNumbers> header_;
};

}  // namespace

std::unique_ptr<RowParser> make_svm_parser(const ReadOptions& options) {
  return std::make_unique<SvmParser>(options);
}

}  // namespace coppice
