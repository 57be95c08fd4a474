// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/quote_scanner.h"

namespace coppice {

void QuoteScanner::take(std::string_view part) noexcept {
  for (const char c : part) state_ = next(c);
}

QuoteScanner::State QuoteScanner::next(char c) const noexcept {
  const bool quote = c == '"';
  switch (state_) {
    case State::field_start:
      return quote ? State::quoted : c == separator_ ? State::field_start : State::unquoted;
    case State::unquoted:
      return quote ? State::broken : c == separator_ ? State::field_start : State::unquoted;
    case State::quoted:
      return quote ? State::behind_quote : State::quoted;
    case State::behind_quote:  // the second of two, or the closing one
      return quote ? State::quoted : c == separator_ ? State::field_start : State::broken;
    case State::broken:
      break;
  }
  return State::broken;
}

}  // namespace coppice
