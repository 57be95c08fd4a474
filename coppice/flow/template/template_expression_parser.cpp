// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "coppice/core/options.h"
#include "coppice/flow/template/template_parser.h"

namespace coppice::templates {

using nlohmann::json;

void Parser::deepen(Expression& node, const Expression& operand) const {
  node.depth = std::max(node.depth, operand.depth + 1);
  if (node.depth > kDeepestNesting) fail_nesting();
}

/// a if b else c. Without an else, in a chain, the next condition is asked of all that stands before it.
ExpressionPtr Parser::parse_conditional() {
  const Nesting nesting(*this);
  ExpressionPtr left = parse_or();
  while (current().is_name("if")) {
    auto choice = node<Conditional>(take().place);
    choice->then = std::move(left);
    choice->condition = parse_or();
    deepen(*choice, *choice->then);
    deepen(*choice, *choice->condition);
    if (skip_name("else")) {
      choice->otherwise = parse_conditional();
      deepen(*choice, *choice->otherwise);
    }
    left = std::move(choice);
  }
  return left;
}

ExpressionPtr Parser::parse_or() {
  return parse_logical(false);
}

ExpressionPtr Parser::parse_and() {
  return parse_logical(true);
}

ExpressionPtr Parser::parse_logical(bool is_and) {
  const char* const word = is_and ? "and" : "or";
  ExpressionPtr first = is_and ? parse_not() : parse_and();
  if (!current().is_name(word)) return first;
  auto logical = node<Logical>(first->place);
  logical->is_and = is_and;
  deepen(*logical, *first);
  logical->operands.push_back(std::move(first));
  while (skip_name(word)) {
    logical->operands.push_back(is_and ? parse_not() : parse_and());
    deepen(*logical, *logical->operands.back());
  }
  return logical;
}

ExpressionPtr Parser::parse_not() {
  if (!current().is_name("not")) return parse_comparison();
  const Nesting nesting(*this);
  auto logical = node<LogicalNot>(take().place);
  logical->operand = parse_not();
  deepen(*logical, *logical->operand);
  return logical;
}

namespace {

std::optional<Comparison> comparison_of(const Token& token) {
  if (token.is_name("in")) return Comparison::in;
  if (token.kind != TokenKind::symbol) return std::nullopt;
  static constexpr std::array<std::pair<std::string_view, Comparison>, 6> kSymbols{{{"==", Comparison::equal},
                                                                                    {"!=", Comparison::not_equal},
                                                                                    {"<", Comparison::less},
                                                                                    {"<=", Comparison::less_equal},
                                                                                    {">", Comparison::greater},
                                                                                    {">=", Comparison::greater_equal}}};
  for (const auto& [symbol, comparison] : kSymbols) {
    if (token.text == symbol) return comparison;
  }
  return std::nullopt;
}

}  // namespace

ExpressionPtr Parser::parse_comparison() {
  ExpressionPtr first = parse_sum();
  std::unique_ptr<Compare> compare;
  for (;;) {
    const bool is_not_in = current().is_name("not") && following().is_name("in");
    const std::optional<Comparison> comparison = is_not_in ? Comparison::not_in : comparison_of(current());
    if (!comparison) break;
    if (!compare) {
      compare = node<Compare>(current().place);
      deepen(*compare, *first);
      compare->first = std::move(first);
    }
    if (is_not_in) take();
    take();
    compare->rest.emplace_back(*comparison, parse_sum());
    deepen(*compare, *compare->rest.back().second);
  }
  if (compare) return compare;
  return first;
}

ExpressionPtr Parser::parse_sum() {
  ExpressionPtr left = parse_concatenation();
  while (current().is_symbol("+") || current().is_symbol("-")) {
    auto sum = node<Calculation>(current().place);
    sum->operation = take().text == "+" ? Arithmetic::add : Arithmetic::subtract;
    sum->left = std::move(left);
    sum->right = parse_concatenation();
    deepen(*sum, *sum->left);
    deepen(*sum, *sum->right);
    left = std::move(sum);
  }
  return left;
}

ExpressionPtr Parser::parse_concatenation() {
  ExpressionPtr first = parse_product();
  if (!current().is_symbol("~")) return first;
  auto joined = node<Concatenation>(current().place);
  deepen(*joined, *first);
  joined->operands.push_back(std::move(first));
  while (skip_symbol("~")) {
    joined->operands.push_back(parse_product());
    deepen(*joined, *joined->operands.back());
  }
  return joined;
}

namespace {

std::optional<Arithmetic> product_of(const Token& token) {
  if (token.is_symbol("*")) return Arithmetic::multiply;
  if (token.is_symbol("/")) return Arithmetic::divide;
  if (token.is_symbol("//")) return Arithmetic::divide_floor;
  if (token.is_symbol("%")) return Arithmetic::modulo;
  return std::nullopt;
}

}  // namespace

ExpressionPtr Parser::parse_product() {
  ExpressionPtr left = parse_unary();
  while (const std::optional<Arithmetic> operation = product_of(current())) {
    auto product = node<Calculation>(take().place);
    product->operation = *operation;
    product->left = std::move(left);
    product->right = parse_unary();
    deepen(*product, *product->left);
    deepen(*product, *product->right);
    left = std::move(product);
  }
  return left;
}

/// Filters bind closer than any operator but the sign: -1 | abs is 1.
ExpressionPtr Parser::parse_unary() {
  return parse_filters(parse_signed());
}

ExpressionPtr Parser::parse_signed() {
  if (!current().is_symbol("-") && !current().is_symbol("+")) return parse_postfix(parse_primary());
  const Nesting nesting(*this);
  auto negation = node<Negation>(current().place);
  negation->keeps_sign = take().text == "+";
  negation->operand = parse_signed();
  deepen(*negation, *negation->operand);
  return parse_postfix(std::move(negation));
}

ExpressionPtr Parser::parse_primary() {
  switch (current().kind) {
    case TokenKind::name:
      return parse_name();
    case TokenKind::text:
      return parse_text_literal();
    case TokenKind::integer:
    case TokenKind::real:
      return parse_number();
    default:
      break;
  }
  if (current().is_symbol("[")) return parse_list();
  if (current().is_symbol("{")) return parse_object();
  if (!skip_symbol("(")) fail("got " + got() + ", expected an expression");
  ExpressionPtr inner = parse_conditional();
  if (current().is_symbol(",")) fail("got ',', expected ')'", "a list is written [a, b]");
  expect_symbol(")");
  return inner;
}

ExpressionPtr Parser::parse_name() {
  Token token = take();
  auto constant = node<Constant>(token.place);
  if (token.text == "true" || token.text == "True") constant->value = true;
  if (token.text == "false" || token.text == "False") constant->value = false;
  if (!constant->value.is_null() || token.text == "none" || token.text == "None") return constant;
  if (token.text == "loop" && n_loops_ > 0) return parse_loop_value(token.place);
  static constexpr std::array<std::string_view, 7> kOperators{"and", "or", "not", "in", "is", "if", "else"};
  if (std::find(kOperators.begin(), kOperators.end(), token.text) != kOperators.end()) {
    fail_at(token.place, "got '" + token.text + "', expected an expression");
  }
  auto path = node<Path>(token.place);
  Names::Found found = names_.find(token.text);
  if (found.slots.empty() && token.text.size() <= 64) path->near = nearest_name(token.text, names_.visible());
  path->root = std::move(token.text);
  path->slots = std::move(found.slots);
  if (found.may_be_outside) {
    path->reference = parsed_.references.size();
    parsed_.references.push_back({{path->root}, token.place.line, token.place.column, false});
  }
  return path;
}

ExpressionPtr Parser::parse_loop_value(const Place& place) {
  static const std::vector<std::string> kFields{"index", "index0", "revindex", "revindex0", "first", "last", "length"};
  const std::string hint = "there is: loop.index, index0, revindex, revindex0, first, last, length";
  if (!skip_symbol(".")) fail_at(place, "got 'loop', expected one of its values", hint);
  const Place field_place = current().place;
  const std::string field = expect_name("a value of the loop");
  const auto found = std::find(kFields.begin(), kFields.end(), field);
  if (found == kFields.end()) {
    const std::string nearest = nearest_name(field, kFields);
    fail_at(field_place, "a loop has no '" + field + "'", nearest.empty() ? hint : "did you mean '" + nearest + "'?");
  }
  auto value = node<LoopValue>(place);
  value->field = static_cast<LoopField>(found - kFields.begin());
  value->loop = n_loops_ - 1;
  return value;
}

ExpressionPtr Parser::parse_text_literal() {
  auto constant = node<Constant>(current().place);
  std::string text = take().text;
  while (current().kind == TokenKind::text) text += take().text;
  constant->value = std::move(text);
  return constant;
}

namespace {

template <class Number>
std::optional<Number> number_of(const std::string& digits) {
  Number number{};
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return result.ec == std::errc() ? std::optional(number) : std::nullopt;
}

}  // namespace

ExpressionPtr Parser::parse_number() {
  auto constant = node<Constant>(current().place);
  if (current().kind == TokenKind::real) {
    const auto real = number_of<double>(current().text);
    if (!real) fail("got a number that is too large or too small");
    constant->value = *real;
  } else if (const auto integer = number_of<int64_t>(current().text)) {
    constant->value = *integer;
  } else {
    const auto large = number_of<uint64_t>(current().text);
    if (!large) fail("got a whole number that is too large");
    constant->value = *large;
  }
  take();
  return constant;
}

ExpressionPtr Parser::parse_list() {
  auto list = node<ListLiteral>(take().place);
  while (!skip_symbol("]")) {
    if (!list->items.empty()) expect_symbol(",");
    if (skip_symbol("]")) break;
    list->items.push_back(parse_conditional());
    deepen(*list, *list->items.back());
  }
  return list;
}

ExpressionPtr Parser::parse_object() {
  auto object = node<ObjectLiteral>(take().place);
  while (!skip_symbol("}")) {
    if (!object->members.empty()) expect_symbol(",");
    if (skip_symbol("}")) break;
    ExpressionPtr key = parse_conditional();
    expect_symbol(":");
    object->members.emplace_back(std::move(key), parse_conditional());
    deepen(*object, *object->members.back().first);
    deepen(*object, *object->members.back().second);
  }
  return object;
}

ExpressionPtr Parser::parse_postfix(ExpressionPtr expression) {
  for (;;) {
    if (current().is_symbol(".")) {
      expression = parse_member(std::move(expression));
    } else if (current().is_symbol("[")) {
      expression = parse_subscript(std::move(expression));
    } else if (current().is_symbol("(")) {
      fail("got '(', which would call something: templates here call nothing",
           "filters are written after a bar: a | items, a | upper");
    } else {
      return expression;
    }
  }
}

namespace {

Path::Step step_of(const Token& number, bool is_negative) {
  Path::Step step{(is_negative ? "-" : "") + number.text, std::nullopt};
  step.index = number_of<int64_t>(step.name);
  return step;
}

}  // namespace

ExpressionPtr Parser::parse_member(ExpressionPtr base) {
  const Place place = take().place;
  if (current().kind == TokenKind::name) return with_step(std::move(base), {take().text, std::nullopt}, place);
  if (current().kind != TokenKind::integer) fail("got " + got() + ", expected a name or a number after the dot");
  const Path::Step step = step_of(current(), false);
  if (!step.index) fail("got a number that is too large for an index");
  take();
  return with_step(std::move(base), step, place);
}

ExpressionPtr Parser::parse_subscript(ExpressionPtr base) {
  const Place place = take().place;
  if (current().is_symbol(":")) return parse_slice(std::move(base), nullptr, place);
  ExpressionPtr index = parse_conditional();
  if (current().is_symbol(":")) return parse_slice(std::move(base), std::move(index), place);
  expect_symbol("]");
  const auto* const negation = dynamic_cast<const Negation*>(index.get());
  const auto* const constant = dynamic_cast<const Constant*>(negation ? negation->operand.get() : index.get());
  if (constant && constant->value.is_string() && !negation) {
    return with_step(std::move(base), {constant->value.get<std::string>(), std::nullopt}, place);
  }
  if (constant && constant->value.is_number_integer() && !constant->value.is_number_unsigned()) {
    const int64_t number = constant->value.get<int64_t>();
    const int64_t position = negation && !negation->keeps_sign ? -number : number;
    return with_step(std::move(base), {std::to_string(position), position}, place);
  }
  auto subscript = node<Subscript>(place);
  deepen(*subscript, *base);
  deepen(*subscript, *index);
  subscript->base = std::move(base);
  subscript->index = std::move(index);
  return subscript;
}

ExpressionPtr Parser::parse_slice(ExpressionPtr base, ExpressionPtr begin, const Place& place) {
  auto slice = node<Slice>(place);
  slice->base = std::move(base);
  slice->begin = std::move(begin);
  expect_symbol(":");
  const auto ends = [&] { return current().is_symbol(":") || current().is_symbol("]"); };
  if (!ends()) slice->end = parse_conditional();
  if (skip_symbol(":") && !ends()) slice->stride = parse_conditional();
  expect_symbol("]");
  for (const ExpressionPtr* part : {&slice->base, &slice->begin, &slice->end, &slice->stride}) {
    if (*part) deepen(*slice, **part);
  }
  return slice;
}

ExpressionPtr Parser::with_step(ExpressionPtr base, Path::Step step, const Place& place) {
  auto* const path = dynamic_cast<Path*>(base.get());
  if (path) {
    if (path->reference) parsed_.references[*path->reference].path.push_back(step.name);
    path->steps.push_back(std::move(step));
    return base;
  }
  auto longer = node<Path>(place);
  deepen(*longer, *base);
  longer->base = std::move(base);
  longer->steps.push_back(std::move(step));
  return longer;
}

void Parser::may_be_absent(Expression& expression) {
  if (auto* const path = dynamic_cast<Path*>(&expression)) {
    if (path->base) may_be_absent(*path->base);
    if (path->reference) parsed_.references[*path->reference].has_default = true;
  } else if (auto* const subscript = dynamic_cast<Subscript*>(&expression)) {
    may_be_absent(*subscript->base);
  } else if (auto* const choice = dynamic_cast<Conditional*>(&expression)) {
    may_be_absent(*choice->then);
    if (choice->otherwise) may_be_absent(*choice->otherwise);
  }
}

}  // namespace coppice::templates
