// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::templates {

/// Which names of a template are its own, while it is read: those of {% set %} and of loops, by scope.
///
/// As in Jinja, a loop's body is a scope, and a branch is none: what a branch alone sets may or may not be set after
/// it, so a name can stand for several slots, and for what is outside besides.
class Names {
 public:
  struct Found {
    std::vector<uint32_t> slots;  ///< the inmost first
    bool may_be_outside = true;   ///< false: one of the slots is set whenever this is evaluated
  };
  Found find(const std::string& name) const;

  /// The names that can be seen here.
  std::vector<std::string> visible() const;

  /// The slot of a name in the inmost scope, set from here on.
  uint32_t set(const std::string& name);

  void begin_scope();
  /// The slots of the scope that ends.
  std::vector<uint32_t> end_scope();

  /// Branches of one {% if %}: what all of them set is set after it, if one of them is always run.
  class Branches {
   public:
    explicit Branches(Names& names) : names_(names), begin_(names.set_slots_.size()) {}
    void end_branch();
    void finish(bool one_is_always_run);

   private:
    Names& names_;
    size_t begin_;
    size_t n_branches_ = 0;
    std::map<uint32_t, size_t> n_setting_;  ///< by slot, in how many branches it is set
  };

  size_t n_slots() const noexcept { return is_set_.size(); }

 private:
  void forget_from(size_t begin);

  struct Scope {
    std::map<std::string, uint32_t> slots;
    size_t n_set_before = 0;
  };
  std::vector<Scope> scopes_{1};
  std::vector<bool> is_set_;         ///< by slot
  std::vector<uint32_t> set_slots_;  ///< those that are, in the order in which they became so
};

}  // namespace coppice::templates
