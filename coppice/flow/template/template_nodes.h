// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coppice/flow/template/template_evaluation.h"
#include "coppice/flow/template/template_lexer.h"
#include "coppice/flow/template/template_typing.h"
#include "coppice/flow/template/template_value.h"

namespace coppice::templates {

/// How deep expressions and blocks may nest: they are read, evaluated and destroyed by recursion.
inline constexpr size_t kDeepestNesting = 100;

/// Why something is undefined, for the message.
struct Absence {
  Place place;
  std::string what, hint;
};

/// What can be evaluated. Nodes are immutable once parsed.
struct Expression {
  Place place;
  size_t depth = 1;  ///< levels of expressions in it, itself one of them

  virtual ~Expression() = default;
  /// Its value, which may be undefined.
  virtual Value find(Evaluation& evaluation) const = 0;
  /// What is known of its value before there is any; says what is sure to fail.
  virtual StaticType type(Typing& typing, IfAbsent if_absent) const = 0;
  /// Asked only when `find` has just found nothing.
  virtual Absence absence(Evaluation& evaluation) const;
};
using ExpressionPtr = std::unique_ptr<Expression>;

struct Constant : Expression {
  nlohmann::json value;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

/// A name, or another expression, and constant names and numbers after it: a.b["c"][0].
struct Path : Expression {
  struct Step {
    std::string name;  ///< of an index, its digits
    std::optional<int64_t> index;
  };
  ExpressionPtr base;  ///< null: `root` is the base
  std::string root;
  std::string near;                 ///< a name of the template's own that looks like `root`, for messages
  std::vector<uint32_t> slots;      ///< where a {% set %} or a loop may have put it, the inmost first
  std::optional<size_t> reference;  ///< its number among the references, where it may come from outside
  std::vector<Step> steps;

  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
  Absence absence(Evaluation& evaluation) const override;
};

/// a[b]
struct Subscript : Expression {
  ExpressionPtr base, index;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
  Absence absence(Evaluation& evaluation) const override;
};

/// a[begin:end:stride], each of which may be null
struct Slice : Expression {
  ExpressionPtr base, begin, end, stride;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct ListLiteral : Expression {
  std::vector<ExpressionPtr> items;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct ObjectLiteral : Expression {
  std::vector<std::pair<ExpressionPtr, ExpressionPtr>> members;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

enum class LoopField { index, index0, revindex, revindex0, first, last, length };

struct LoopValue : Expression {
  LoopField field = LoopField::index;
  size_t loop = 0;  ///< its number in `Evaluation::loops`
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct Negation : Expression {  ///< -a, or +a
  bool keeps_sign = false;
  ExpressionPtr operand;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct LogicalNot : Expression {
  ExpressionPtr operand;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

/// a and b and c, or a or b or c: the first operand that decides.
struct Logical : Expression {
  bool is_and = false;
  std::vector<ExpressionPtr> operands;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

/// a < b <= c: all of them hold.
struct Compare : Expression {
  ExpressionPtr first;
  std::vector<std::pair<Comparison, ExpressionPtr>> rest;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

enum class Arithmetic { add, subtract, multiply, divide, divide_floor, modulo };

struct Calculation : Expression {
  Arithmetic operation = Arithmetic::add;
  ExpressionPtr left, right;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct Concatenation : Expression {  ///< a ~ b ~ c
  std::vector<ExpressionPtr> operands;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
};

struct Conditional : Expression {  ///< a if condition else b; `otherwise` may be null
  ExpressionPtr condition, then, otherwise;
  Value find(Evaluation& evaluation) const override;
  StaticType type(Typing& typing, IfAbsent if_absent) const override;
  Absence absence(Evaluation& evaluation) const override;
};

/// Evaluates a binary operation; throws where the kinds of values do not fit.
Value calculate(Evaluation& evaluation, Arithmetic operation, const Value& left, const Value& right);
bool compare(Evaluation& evaluation, Comparison comparison, const Value& left, const Value& right);

/// The item of a list, the member of an object, the character of a text; undefined where there is none.
Value element(Evaluation& evaluation, const Value& base, const Value& index);
Value element(Evaluation& evaluation, const Value& base, int64_t index);

/// What can be run.
struct Statement {
  Place place;
  virtual ~Statement() = default;
  virtual void run(Evaluation& evaluation) const = 0;
  /// Notes what is known of the names that it sets; says what is sure to fail.
  virtual void infer(Typing& typing) const = 0;
};
using Body = std::vector<std::unique_ptr<Statement>>;
void run(const Body& body, Evaluation& evaluation);
void infer(const Body& body, Typing& typing);

struct Text : Statement {
  std::string text;
  void run(Evaluation& evaluation) const override;
  void infer(Typing& typing) const override;
};

struct Print : Statement {
  ExpressionPtr expression;
  void run(Evaluation& evaluation) const override;
  void infer(Typing& typing) const override;
};

struct If : Statement {
  struct Branch {
    ExpressionPtr condition;  ///< null: else
    Body body;
  };
  std::vector<Branch> branches;
  void run(Evaluation& evaluation) const override;
  void infer(Typing& typing) const override;
};

struct For : Statement {
  std::vector<uint32_t> targets;  ///< the slots of its names: one, or as many as each item has
  ExpressionPtr iterable, filter;
  /// What {% set %} sets in the body, which no pass hands to the next, and in `otherwise`.
  std::vector<uint32_t> own_slots, otherwise_slots;
  Body body, otherwise;
  void run(Evaluation& evaluation) const override;
  void infer(Typing& typing) const override;

 private:
  Value items(Evaluation& evaluation) const;
  void assign(Evaluation& evaluation, const Value& item) const;
  void infer_targets(Typing& typing, const StaticType& item) const;
};

struct Set : Statement {
  uint32_t slot = 0;
  ExpressionPtr expression;
  void run(Evaluation& evaluation) const override;
  void infer(Typing& typing) const override;
};

/// A template, read.
struct ParsedTemplate {
  std::string file;
  Body body;
  ExpressionPtr expression;  ///< of an expression without braces; else null
  std::vector<TemplateReference> references;
  size_t n_slots = 0;
  size_t text_bytes = 0;  ///< of the text in it, to reserve
};

}  // namespace coppice::templates
