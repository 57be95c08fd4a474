// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "coppice/core/options.h"

namespace coppice::templates {
namespace {

constexpr std::array<std::string_view, 11> kKeywords{"and",  "or",   "not",   "in",   "is",  "if",
                                                     "else", "true", "false", "none", "loop"};

}  // namespace

ParsedTemplate Parser::parse_template() {
  parsed_.body = parse_body();
  if (current().kind == TokenKind::block_begin) {
    fail_at(following().place, "got '{% " + following().text + " %}', which ends nothing here");
  }
  parsed_.n_slots = names_.n_slots();
  return std::move(parsed_);
}

ParsedTemplate Parser::parse_expression_alone() {
  if (current().is_symbol("{") && following().is_symbol("{")) {
    fail("got '{{', expected an expression without braces");
  }
  parsed_.expression = parse_conditional();
  if (current().kind != TokenKind::end) fail("got " + got() + ", expected the end of the expression");
  return std::move(parsed_);
}

bool Parser::skip_symbol(std::string_view symbol) {
  if (!current().is_symbol(symbol)) return false;
  take();
  return true;
}

bool Parser::skip_name(std::string_view name) {
  if (!current().is_name(name)) return false;
  take();
  return true;
}

void Parser::expect_symbol(std::string_view symbol) {
  if (!skip_symbol(symbol)) fail("got " + got() + ", expected '" + std::string(symbol) + "'");
}

std::string Parser::expect_name(std::string_view what) {
  if (current().kind != TokenKind::name) fail("got " + got() + ", expected " + std::string(what));
  return take().text;
}

void Parser::fail(const std::string& what, const std::string& hint) const {
  fail_at(current().place, what, hint);
}

void Parser::fail_at(const Place& place, const std::string& what, const std::string& hint) const {
  fail_syntax(parsed_.file, place, what, hint);
}

void Parser::fail_nesting() const {
  fail("the template nests deeper than " + std::to_string(kDeepestNesting) + " levels",
       "{% set %} can give a name to a part of it");
}

std::string Parser::got() const {
  switch (current().kind) {
    case TokenKind::variable_end:
      return "'}}'";
    case TokenKind::block_end:
      return "'%}'";
    case TokenKind::text:
      return "a text";
    case TokenKind::end:
      return "the end";
    default:
      return "'" + current().text + "'";
  }
}

Body Parser::parse_body() {
  const Nesting nesting(*this);
  Body body;
  while (current().kind != TokenKind::end) {
    if (current().kind == TokenKind::data) {
      body.push_back(parse_text());
    } else if (current().kind == TokenKind::variable_begin) {
      body.push_back(parse_print());
    } else if (at_block("elif") || at_block("else") || at_block("endif") || at_block("endfor")) {
      break;
    } else {
      body.push_back(parse_block());
    }
  }
  return body;
}

bool Parser::at_block(std::string_view name) const {
  return current().kind == TokenKind::block_begin && following().is_name(name);
}

void Parser::end_block(std::string_view name) {
  if (current().kind != TokenKind::block_end) {
    fail("got " + got() + ", expected the end of '{% " + std::string(name) + " %}'");
  }
  take();
}

std::unique_ptr<Statement> Parser::parse_text() {
  auto statement = node<Text>(current().place);
  statement->text = take().text;
  parsed_.text_bytes += statement->text.size();
  return statement;
}

std::unique_ptr<Statement> Parser::parse_print() {
  auto statement = node<Print>(take().place);
  statement->expression = parse_conditional();
  if (current().kind != TokenKind::variable_end) fail("got " + got() + ", expected an operator or '}}'");
  take();
  return statement;
}

std::unique_ptr<Statement> Parser::parse_block() {
  const Place place = take().place;
  if (current().kind != TokenKind::name) fail("got " + got() + ", expected the name of a block: if, for, set");
  std::unique_ptr<Statement> statement;
  if (current().is_name("if")) {
    statement = parse_if();
  } else if (current().is_name("for")) {
    statement = parse_for();
  } else if (current().is_name("set")) {
    statement = parse_set();
  } else {
    fail_block(current());
  }
  statement->place = place;
  return statement;
}

void Parser::fail_block(const Token& name) const {
  static const std::vector<std::string> kBlocks{"if", "for", "set", "raw", "endif", "endfor", "else", "elif"};
  static constexpr std::array<std::string_view, 10> kOfJinja{"include", "import", "from",   "extends", "block",
                                                             "macro",   "call",   "filter", "with",    "do"};
  if (std::find(kOfJinja.begin(), kOfJinja.end(), name.text) != kOfJinja.end()) {
    fail_at(name.place, "got '{% " + name.text + " %}', which templates here do not have",
            "they have if, for, set and raw, and read nothing but the values they are given");
  }
  const std::string nearest = nearest_name(name.text, kBlocks);
  fail_at(name.place, "unknown block '" + name.text + "'",
          nearest.empty() ? "there are if, for, set and raw" : "did you mean '" + nearest + "'?");
}

std::unique_ptr<Statement> Parser::parse_if() {
  auto statement = std::make_unique<If>();
  const Place begin = current().place;
  Names::Branches branches(names_);
  bool has_else = false;
  for (bool is_last = false; !is_last;) {
    take();  // if, elif or else
    If::Branch branch;
    if (!has_else) branch.condition = parse_or();
    end_block("if");
    branch.body = parse_body();
    branches.end_branch();
    statement->branches.push_back(std::move(branch));
    if (current().kind == TokenKind::end) fail_at(begin, "'{% if %}' is not closed by '{% endif %}'");
    take();
    is_last = current().is_name("endif");
    if (!is_last && (has_else || current().is_name("endfor"))) {
      fail("got '{% " + current().text + " %}', expected '{% endif %}'");
    }
    has_else = has_else || current().is_name("else");
  }
  branches.finish(has_else);
  take();
  end_block("endif");
  return statement;
}

std::vector<std::string> Parser::parse_targets() {
  std::vector<std::string> targets;
  const bool in_parentheses = skip_symbol("(");
  do {
    const Place place = current().place;
    targets.push_back(expect_name("a name for the items"));
    expect_own_name(targets.back(), place);
    if (std::count(targets.begin(), targets.end(), targets.back()) > 1) {
      fail_at(place, "got the name '" + targets.back() + "' twice");
    }
  } while (skip_symbol(","));
  if (in_parentheses) expect_symbol(")");
  if (!skip_name("in")) fail("got " + got() + ", expected 'in'");
  return targets;
}

void Parser::expect_own_name(const std::string& name, const Place& place) const {
  if (std::find(kKeywords.begin(), kKeywords.end(), name) != kKeywords.end()) {
    fail_at(place, "got '" + name + "', expected a name that means nothing else");
  }
}

std::unique_ptr<Statement> Parser::parse_for() {
  auto statement = std::make_unique<For>();
  const Place begin = take().place;
  const std::vector<std::string> targets = parse_targets();
  statement->iterable = parse_or();
  names_.begin_scope();
  for (const std::string& target : targets) statement->targets.push_back(names_.set(target));
  if (skip_name("if")) statement->filter = parse_conditional();
  if (current().is_name("recursive")) fail("got 'recursive', which loops here are not");
  end_block("for");
  ++n_loops_;
  statement->body = parse_body();
  --n_loops_;
  for (const uint32_t slot : names_.end_scope()) {
    const auto& own = statement->targets;
    if (std::find(own.begin(), own.end(), slot) == own.end()) statement->own_slots.push_back(slot);
  }
  if (at_block("else")) {
    take();
    take();
    end_block("else");
    names_.begin_scope();
    statement->otherwise = parse_body();
    statement->otherwise_slots = names_.end_scope();
  }
  if (current().kind == TokenKind::end) fail_at(begin, "'{% for %}' is not closed by '{% endfor %}'");
  take();
  if (!skip_name("endfor")) fail("got '{% " + current().text + " %}', expected '{% endfor %}'");
  end_block("endfor");
  return statement;
}

std::unique_ptr<Statement> Parser::parse_set() {
  auto statement = std::make_unique<Set>();
  take();
  const Place place = current().place;
  const std::string name = expect_name("a name");
  expect_own_name(name, place);
  if (!current().is_symbol("=")) {
    fail("got " + got() + ", expected '='", "a block is set by one expression: {% set name = expression %}");
  }
  take();
  statement->expression = parse_conditional();
  statement->slot = names_.set(name);
  end_block("set");
  return statement;
}

}  // namespace coppice::templates
