// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/flow/template/template.h"

namespace coppice::templates {

/// Where something stands in the file: line and column of its first byte, from 1.
struct Place {
  size_t line = 1, column = 1;
};

enum class TokenKind {
  data,            ///< text as it is
  variable_begin,  ///< {{
  variable_end,
  block_begin,  ///< {%
  block_end,
  name,
  text,  ///< a literal, its escapes resolved
  integer,
  real,
  symbol,  ///< an operator or a bracket
  end
};

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text;
  Place place;

  bool is(TokenKind wanted, std::string_view wanted_text) const { return kind == wanted && text == wanted_text; }
  bool is_symbol(std::string_view wanted) const { return is(TokenKind::symbol, wanted); }
  bool is_name(std::string_view wanted) const { return is(TokenKind::name, wanted); }
};

/// Cuts a template, or an expression without braces, into tokens; the last one is `end`.
///
/// As Jinja with trim_blocks, lstrip_blocks and keep_trailing_newline: comments and {% raw %} are gone, blanks that
/// tags take away are taken away, each end of line is '\n'. Throws `ErrorCode::usage` with the place.
std::vector<Token> template_tokens(std::string_view text, const TextPlace& place);
std::vector<Token> expression_tokens(std::string_view text, const TextPlace& place);

/// "file:line:column", or "line:column" where the file has no name.
std::string where(const std::string& file, const Place& place);

/// Throws `ErrorCode::usage`: a fault of the template.
[[noreturn]] void fail_syntax(const std::string& file, const Place& place, const std::string& what,
                              const std::string& hint = {});

}  // namespace coppice::templates
