// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace coppice {

/// Follows the quotes of a csv row through its bytes, part by part, and tells whether the row goes on behind a line
/// end.
///
/// As the parser has it: a quote opens a field only at the field's start; what is no csv, such as a quote inside a
/// field without quotes, ends the row with its line, since it is a bad one. Cost: a step per byte. Threads: one at a
/// time.
class QuoteScanner {
 public:
  explicit QuoteScanner(char separator) noexcept : separator_(separator) {}

  /// At the start of a row.
  void start_row() noexcept { state_ = State::field_start; }

  /// At the start of a line that lies inside quotes.
  void start_inside() noexcept { state_ = State::quoted; }

  /// The next bytes of the row, without the end of their line.
  void take(std::string_view part) noexcept;

  /// Does a quote stand open behind what was taken?
  bool is_open() const noexcept { return state_ == State::quoted; }

 private:
  enum class State { field_start, unquoted, quoted, behind_quote, broken };

  State next(char c) const noexcept;

  char separator_;
  State state_ = State::field_start;
};

}  // namespace coppice
