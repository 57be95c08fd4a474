// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/flow/template/template_filters.h"
#include "coppice/flow/template/template_lexer.h"
#include "coppice/flow/template/template_names.h"
#include "coppice/flow/template/template_nodes.h"

namespace coppice::templates {

/// Tokens to nodes, by recursive descent with the precedence of Jinja. Throws `ErrorCode::usage` with the place.
class Parser {
 public:
  Parser(std::vector<Token> tokens, std::string file) : tokens_(std::move(tokens)) { parsed_.file = std::move(file); }

  ParsedTemplate parse_template();
  ParsedTemplate parse_expression_alone();

 private:
  /// What a nesting that is too deep is refused by.
  class Nesting {
   public:
    explicit Nesting(Parser& parser) : parser_(parser) {
      if (++parser.nesting_ > kDeepestNesting) parser.fail_nesting();
    }
    ~Nesting() { --parser_.nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;

   private:
    Parser& parser_;
  };

  // Tokens
  const Token& current() const { return tokens_[at_]; }
  const Token& following() const { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
  Token take() { return std::move(tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]); }
  bool skip_symbol(std::string_view symbol);
  bool skip_name(std::string_view name);
  void expect_symbol(std::string_view symbol);
  std::string expect_name(std::string_view what);
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const;
  [[noreturn]] void fail_at(const Place& place, const std::string& what, const std::string& hint = {}) const;
  [[noreturn]] void fail_nesting() const;
  std::string got() const;

  // Statements
  Body parse_body();
  bool at_block(std::string_view name) const;
  void end_block(std::string_view name);
  std::unique_ptr<Statement> parse_text();
  std::unique_ptr<Statement> parse_print();
  std::unique_ptr<Statement> parse_block();
  std::unique_ptr<Statement> parse_if();
  std::unique_ptr<Statement> parse_for();
  std::unique_ptr<Statement> parse_set();
  std::vector<std::string> parse_targets();
  void expect_own_name(const std::string& name, const Place& place) const;
  [[noreturn]] void fail_block(const Token& name) const;

  // Expressions
  template <class Node>
  std::unique_ptr<Node> node(const Place& place) const {
    auto made = std::make_unique<Node>();
    made->place = place;
    return made;
  }
  /// Counts the levels of a node that has got another operand.
  void deepen(Expression& node, const Expression& operand) const;
  ExpressionPtr parse_conditional();
  ExpressionPtr parse_or();
  ExpressionPtr parse_and();
  ExpressionPtr parse_logical(bool is_and);
  ExpressionPtr parse_not();
  ExpressionPtr parse_comparison();
  ExpressionPtr parse_sum();
  ExpressionPtr parse_concatenation();
  ExpressionPtr parse_product();
  ExpressionPtr parse_unary();
  ExpressionPtr parse_signed();
  ExpressionPtr parse_primary();
  ExpressionPtr parse_name();
  ExpressionPtr parse_text_literal();
  ExpressionPtr parse_number();
  ExpressionPtr parse_list();
  ExpressionPtr parse_object();
  ExpressionPtr parse_loop_value(const Place& place);
  ExpressionPtr parse_postfix(ExpressionPtr node);
  ExpressionPtr parse_member(ExpressionPtr base);
  ExpressionPtr parse_subscript(ExpressionPtr base);
  ExpressionPtr parse_slice(ExpressionPtr base, ExpressionPtr begin, const Place& place);
  ExpressionPtr with_step(ExpressionPtr base, Path::Step step, const Place& place);
  void record(Expression& node);
  void may_be_absent(Expression& node);

  // Filters and tests
  ExpressionPtr parse_filters(ExpressionPtr node);
  ExpressionPtr parse_filter(ExpressionPtr input);
  ExpressionPtr parse_test(ExpressionPtr input);
  ExpressionPtr default_filter(ExpressionPtr input, Arguments arguments);
  ExpressionPtr map_filter(ExpressionPtr input, Arguments arguments);
  ExpressionPtr select_filter(ExpressionPtr input, Arguments arguments);
  ExpressionPtr plain_filter(const Filter& filter, ExpressionPtr input, Arguments arguments);
  Arguments parse_arguments(std::string name, const Place& place);
  std::string take_text(Arguments& arguments, std::string_view what) const;
  const Filter& filter_named(const std::string& name, const Place& place) const;
  const Test& test_named(const std::string& name, const Place& place) const;
  /// By position and by name to the parameters, null where there is none.
  std::vector<ExpressionPtr> bound(const std::vector<std::string>& parameters, size_t n_required,
                                   Arguments arguments) const;

  std::vector<Token> tokens_;
  size_t at_ = 0;
  size_t nesting_ = 0;
  size_t n_loops_ = 0;  ///< loops around what is read
  Names names_;
  ParsedTemplate parsed_;
};

}  // namespace coppice::templates
