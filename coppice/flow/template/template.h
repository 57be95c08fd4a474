// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/flow/template/static_type.h"

namespace coppice {

/// Where a text stands in a file, for messages: the file's name, and line and column of its first byte, from 1.
struct TextPlace {
  std::string file;
  size_t line = 1, column = 1;
  size_t indent = 0;  ///< by how many columns each later line stands to the right (a block of YAML)
};

/// What names in a template stand for: JSON values by name. Later ones hide earlier ones. Values are borrowed.
using TemplateScope = std::vector<std::pair<std::string_view, const nlohmann::json*>>;

/// What a template reads: a path of constant names and numbers, {"steps", "writer", "output", "sections", "0"} of
/// `steps.writer.output.sections[0]`; what is computed, and a slice, end it.
struct TemplateReference {
  std::vector<std::string> path;
  size_t line = 1, column = 1;  ///< in the file
  bool has_default = false;     ///< stands before `default(...)` or `is defined`: it may be absent
};

/// Bounds, so that no template and no data can use up time or memory.
struct TemplateLimits {
  size_t output_bytes = size_t{16} << 20;
  /// Pieces of text, tests and loops passed; 16 bytes of a value that is read or made count as one, too, so that what
  /// is made on the way takes 160 MB at most.
  size_t steps = 10'000'000;
};

/// A text with {{ expressions }}, {% if %} {% elif %} {% else %} {% endif %}, {% for x in list if test %} {% else %}
/// {% endfor %}, {% set name = expression %}, {% raw %} and {# comments #}: a strict subset of Jinja.
///
/// What is not defined is an error, wherever it stands but before `default` and `is defined`: there a whole path may be
/// absent, a.b.c, where Jinja lets its last part alone be. There is no include, no import, no macro, no call of
/// anything: nothing but the values in scope can be reached, and what they hold is never read as a template. Text is
/// not escaped for HTML; the filter `escape` does that (and `tojson`, unlike Jinja's, does not).
///
/// Expressions: literals, lists, objects, names, a.b, a["b"], a[0], a[-1], a[1:3]; not, and, or, ==, !=, <, <=, >, >=,
/// in, not in; + - * / // % ~ (joins as text); a if b else c; is [not] defined undefined none string number integer
/// float boolean true false mapping sequence iterable odd even divisibleby(n) eq ne lt le gt ge in. Filters: abs batch
/// capitalize count default escape first float indent int items join keys last length list lower map max min reject
/// rejectattr replace reverse round select selectattr sort split string sum title tojson trim truncate truncate_tokens
/// unique upper values wordcount. In loops: loop.index, index0, revindex, revindex0, first, last, length. `{%-` and
/// `-%}` trim blanks; the end of the line after a block and the blanks before one that begins its line are no text
/// (trim_blocks, lstrip_blocks).
///
/// Values are those of JSON, not of Python. A text is printed as it is, all else as JSON: true, null, 1.0,
/// ["a", {"b": 2}]; no HTML escapes, and letters of all scripts as they are. The keys of an object are in the order of
/// their bytes. true is no number, and does not equal 1. Whole numbers have 64 bits; a result that leaves them, and one
/// that is infinite, is an error. A text is no list: looping over it is an error. What has no member is never a method:
/// a.items is the member of that name, `a | items` the pairs. split, keys, values and truncate_tokens(n, end), which
/// counts four bytes as a token, are filters of our own.
/// Threads: const methods from any.
/// Source: the semantics are those of Jinja 3.1 with StrictUndefined but for the above; tests/cli compares them where
/// that is installed.
class Template {
 public:
  /// Throws `ErrorCode::usage` with file:line:column.
  static Template parse(std::string_view text, const TextPlace& place);

  /// The text. Throws `ErrorCode::data` with file:line:column, for what is undefined naming the nearest name there is.
  std::string render(const TemplateScope& scope, const TemplateLimits& limits = {}) const;

  /// Of a template that is one {{ expression }} and nothing else, its value with its type; else the text.
  nlohmann::json evaluate(const TemplateScope& scope, const TemplateLimits& limits = {}) const;

  /// Whether an expression without braces, as in `if:`, is true, as Jinja sees truth.
  static Template parse_expression(std::string_view text, const TextPlace& place);
  bool is_true(const TemplateScope& scope, const TemplateLimits& limits = {}) const;

  /// What it reads from outside, each path once per place; names of loops and of {% set %} are not among them.
  std::vector<TemplateReference> references() const;

  /// Where it is {{ a.path.of.names }} and nothing else: what it reads.
  std::optional<TemplateReference> single_reference() const;

  /// Is it one {{ expression }} and nothing else, whose value keeps its type?
  bool is_single_expression() const noexcept;

  /// Has it no expression and no block?
  bool is_plain_text() const noexcept;

  /// Where it is text and {{ expressions }} without blocks, that text, with `stand_in` in place of each expression.
  std::optional<std::string> outline(std::string_view stand_in) const;

  /// What is known of the value of `evaluate` before it is there.
  struct Typed {
    StaticType type;
    std::vector<TypeFault> faults;    ///< what is sure to fail
    std::vector<std::string> tested;  ///< what it asks for its type, for the `tested` of those that stand behind it
  };
  Typed type(const TypeScope& scope) const;

 private:
  struct Parsed;
  explicit Template(std::shared_ptr<const Parsed> parsed);
  std::shared_ptr<const Parsed> parsed_;
};

}  // namespace coppice
