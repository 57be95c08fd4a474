// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>

#include "coppice/core/quantity.h"
#include "coppice/data/parsers.h"

namespace coppice {
namespace {

constexpr std::string_view kSpaces = " \t";
constexpr const char* kGuessedHint =
    "line 1, three whole numbers, was read as the header: rows, features, labels; if it is a row, set svm_header to "
    "absent (--svm-header absent)";

struct SvmHeaderNumbers {
  uint64_t rows;
  uint32_t features;
  uint32_t labels;
};

class SvmParser final : public RowParser {
 public:
  explicit SvmParser(const ReadOptions& options)
      : header_option_(options.svm_header), one_based_(options.one_based), n_features_(options.n_features) {}

  Outcome parse(Line line, Row& row) override {
    if (line.number == 1 && header_option_ != SvmHeader::absent && read_header(line.text)) return Outcome::header;
    const size_t begin = parse_labels(line.text, row);
    parse_features(line.text, begin, row);
    row.has_features = true;
    return Outcome::row;
  }

  void finish(uint64_t n_rows) override {
    if (header_ && header_->rows != n_rows) {
      throw BadLine{
          1, "the header promises " + counted(header_->rows, "row") + ", the file holds " + std::to_string(n_rows),
          guessed() ? std::string("is the file cut off? ") + kGuessedHint : "is the file cut off?"};
    }
  }

  uint32_t n_features() const override { return header_ ? header_->features : 0; }
  uint32_t n_labels() const override { return header_ ? header_->labels : 0; }
  const char* size_hint() const override { return guessed() ? kGuessedHint : RowParser::size_hint(); }

 private:
  /// Nobody said that the first line is a header; it looks like one.
  bool guessed() const noexcept { return header_ && header_option_ == SvmHeader::automatic; }

  /// True if the line is three whole numbers and no more.
  bool read_header(std::string_view line) {
    uint64_t numbers[3];
    const uint64_t highest[3] = {UINT64_MAX, UINT32_MAX, uint64_t{1} << 31};
    size_t begin = 0;
    size_t count = 0;
    for (begin = line.find_first_not_of(kSpaces); begin < line.size(); ++count) {
      const size_t end = std::min(line.find_first_of(kSpaces, begin), line.size());
      const std::string_view token = line.substr(begin, end - begin);
      if (count == 3 || token.find_first_not_of("0123456789") != std::string_view::npos) break;
      numbers[count] = parse_index(token, begin + 1, {highest[count], kGuessedHint}, "size in the header");
      begin = std::min(line.find_first_not_of(kSpaces, end), line.size());
    }
    const bool is_header = count == 3 && begin == line.size();
    if (!is_header && header_option_ == SvmHeader::present) {
      throw BadLine{1, "the first line is " + shown(line) + ", expected the header: rows, features, labels",
                    "set svm_header to absent if there is none", true};
    }
    if (is_header) {
      header_ = SvmHeaderNumbers{numbers[0], static_cast<uint32_t>(numbers[1]), static_cast<uint32_t>(numbers[2])};
    }
    return is_header;
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
    for (begin = line.find_first_not_of(kSpaces, begin); begin < line.size();) {
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
    const uint32_t size = n_features_ > 0 ? n_features_ : n_features();
    const char* const hint = n_features_ > 0 ? RowParser::size_hint() : size_hint();
    IndexLimit limit = index_limit(size, hint, "set n_features if such indices are meant");
    if (one_based_) ++limit.highest;
    return limit;
  }

  SvmHeader header_option_;
  bool one_based_;
  uint32_t n_features_;
  std::optional<SvmHeaderNumbers> header_;
};

}  // namespace

std::unique_ptr<RowParser> make_svm_parser(const ReadOptions& options) {
  return std::make_unique<SvmParser>(options);
}

}  // namespace coppice
