// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coppice/flow/template/static_type.h"
#include "coppice/flow/template/template_lexer.h"

namespace coppice::templates {

struct Expression;
struct Path;

/// What to say of an expression that may have no value: before `default` and `is defined` nothing.
enum class IfAbsent { fault, unknown };

/// One walk through a template that runs nothing: what is known of each value, and what is sure to fail.
///
/// Behind a test for a type ("{% if x is string %}") nothing is known of what it asks about: it knows better.
class Typing {
 public:
  Typing(const TypeScope& scope, size_t n_slots) : scope_(scope), slots_(n_slots), tested_(scope.tested) {}

  StaticType type_of(const Expression& expression, IfAbsent if_absent = IfAbsent::fault);

  /// Of the name that a path begins with.
  StaticType look_up(const Path& path) const;
  /// A slot may have been set before, to something else.
  void set(uint32_t slot, const StaticType& type);

  void fault(const Place& place, std::string what, std::string hint = {});
  /// Says so where a value cannot be of one of those types: "got a string, expected ...".
  void expect(const StaticType& type, schema::Types wanted, const Place& place, std::string_view expected);

  /// A test asks for the type of something: until the end of the scope around it nothing is known of that.
  void note_test(const Expression& expression);
  bool is_tested(const std::string& path) const;
  const std::vector<std::string>& tested() const noexcept { return tested_; }

  /// What is noted in it is forgotten at its end.
  class Scope {
   public:
    explicit Scope(Typing& typing) : typing_(typing), n_tested_(typing.tested_.size()) {}
    ~Scope() { typing_.tested_.resize(n_tested_); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Typing& typing_;
    size_t n_tested_;
  };

  std::vector<TypeFault> take_faults() { return std::move(faults_); }

 private:
  const TypeScope& scope_;
  std::vector<std::optional<StaticType>> slots_;
  std::vector<std::string> tested_;
  std::vector<TypeFault> faults_;
};

}  // namespace coppice::templates
