// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>
#include <forward_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/template/template.h"
#include "coppice/flow/template/template_lexer.h"
#include "coppice/flow/template/template_value.h"

namespace coppice::templates {

struct Expression;

/// One rendering of one template: what is in scope, what was set, what was made on the way, and the bounds.
///
/// Values are borrowed. What an expression makes is kept here until `release`, which statements call when nothing can
/// refer to it any more: after a {{ }}, and after each pass of a loop, since what a pass sets is gone with it.
class Evaluation {
 public:
  Evaluation(const TemplateScope& scope, const TemplateLimits& limits, const std::string& file, size_t n_slots)
      : scope_(scope), limits_(limits), file_(file), slots_(n_slots), steps_left_(limits.steps) {}

  /// Throws, with the nearest name there is, where it is undefined.
  Value value(const Expression& expression);
  bool is_true(const Expression& expression);

  /// The value of a name: of the first of the slots that is set, else of the scope; else undefined.
  Value look_up(const std::string& name, const std::vector<uint32_t>& slots) const noexcept;
  std::vector<std::string> names_in_scope() const;
  void set(uint32_t slot, Value value) { slots_[slot] = value; }

  Value keep(nlohmann::json&& made);
  Value keep(Value::List&& made);
  struct Mark {
    size_t n_values, n_lists;
  };
  Mark mark() const noexcept { return {n_kept_, n_kept_lists_}; }
  void release(const Mark& mark) noexcept;

  /// Throws when the steps are used up. 16 bytes that are read or made are a step, so that steps bound memory, too.
  void charge(size_t steps = 1) {
    if (steps > steps_left_) fail_steps();
    steps_left_ -= steps;
  }
  void charge_bytes(size_t n_bytes) { charge(1 + n_bytes / 16); }
  /// Throws where a text with `size_bytes` would have no room for so many more.
  void expect_room(size_t size_bytes, size_t more_bytes) const {
    if (more_bytes > limits_.output_bytes || size_bytes > limits_.output_bytes - more_bytes) fail_size();
  }

  /// Appends a value as {{ }} prints it: a text as it is, all else as JSON.
  void append(const Value& value, std::string& out);
  /// Appends it as JSON; `indent` blanks a level, none: on one line.
  void append_json(const Value& value, size_t indent, std::string& out);
  std::string text_of(const Value& value);
  /// A copy. Throws where it nests deeper than JSON may.
  nlohmann::json json_of(const Value& value);

  bool equal(const Value& a, const Value& b);
  /// Of two numbers, texts or lists; throws for all else, naming the operation that needs it.
  std::partial_ordering order(const Value& a, const Value& b, std::string_view operation);

  /// Throws `ErrorCode::data`: a fault of the data, at the place of the expression that is being evaluated.
  [[noreturn]] void fail(const std::string& what, const std::string& hint = {}) const;

  std::string out;

  struct Loop {
    size_t index = 0, length = 0;
  };
  std::vector<Loop> loops;  ///< the inmost last

  /// Says, for messages, what is being evaluated, until the end of its life.
  class At {
   public:
    At(Evaluation& evaluation, const Place& place) : evaluation_(evaluation), before_(evaluation.place_) {
      evaluation.place_ = &place;
    }
    ~At() { evaluation_.place_ = before_; }
    At(const At&) = delete;
    At& operator=(const At&) = delete;

   private:
    Evaluation& evaluation_;
    const Place* before_;
  };

 private:
  [[noreturn]] void fail_steps() const;
  [[noreturn]] void fail_size() const;
  void append_json_at(const Value& value, size_t indent, size_t level, std::string& out);
  void append_list(const Value& value, size_t indent, size_t level, std::string& out);
  void append_object(const Value& value, size_t indent, size_t level, std::string& out);
  nlohmann::json json_of_at(const Value& value, size_t level);
  bool equal_at(const Value& a, const Value& b, size_t level);
  std::partial_ordering order_at(const Value& a, const Value& b, size_t level);
  void expect_level(size_t level) const;

  const TemplateScope& scope_;
  const TemplateLimits& limits_;
  const std::string& file_;
  const Place* place_ = nullptr;
  std::vector<Value> slots_;
  size_t steps_left_;
  std::forward_list<nlohmann::json> kept_;
  std::forward_list<Value::List> kept_lists_;
  size_t n_kept_ = 0, n_kept_lists_ = 0;
  std::string_view operation_;
};

}  // namespace coppice::templates
