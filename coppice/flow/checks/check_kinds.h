// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/core/quantity.h"
#include "coppice/flow/checks/checks.h"

namespace coppice {

CheckKind html_parses_kind();
CheckKind alt_texts_kind();
CheckKind links_resolve_kind();
CheckKind contrast_kind();
CheckKind css_parses_kind();
CheckKind js_parses_kind();
CheckKind facts_present_kind();
CheckKind guidelines_kind();
CheckKind no_placeholders_kind();
CheckKind size_kind();
CheckKind text_matches_kind();
CheckKind words_between_kind();
CheckKind similar_to_kind();
CheckKind coherent_kind();

/// Counts what a check looks at, and keeps what it finds.
class Tally {
 public:
  void pass(size_t count = 1) noexcept { passed_ += count; }
  void fail(std::string place, std::string message, size_t count = 1) {
    failed_ += count;
    add({Finding::Kind::fault, std::move(place), std::move(message)});
  }
  void cannot_tell(std::string place, std::string message, size_t count = 1) {
    unknown_ += count;
    add({Finding::Kind::unknown, std::move(place), std::move(message)});
  }
  /// Something that is unknown and is none of the things that are counted.
  void note(std::string place, std::string message) { cannot_tell(std::move(place), std::move(message), 0); }

  /// A fault where there is nothing to look at: a check must not pass for want of files.
  void expect_files(const std::vector<std::string>& names, const std::vector<std::string>& globs);

  size_t failed() const noexcept { return failed_; }
  size_t unknown() const noexcept { return unknown_; }

  /// `noun` is what was counted: "text", "texts". Passed where nothing failed.
  CheckResult result(std::string_view noun, std::string_view plural) const;

 private:
  void add(Finding finding);

  size_t passed_ = 0, failed_ = 0, unknown_ = 0;
  std::vector<Finding> findings_;
  size_t left_out_ = 0;
};

/// The kind of a check class with an `Options` that `describe` knows, and a constructor from it.
template <class Kind>
CheckKind kind_of(std::string name, std::string help) {
  CheckKind kind;
  kind.name = std::move(name);
  kind.help = std::move(help);
  typename Kind::Options defaults;
  OptionTable table;
  describe(table, defaults);
  for (const Option& one : table.options()) kind.options.push_back({one.name, one.type, one.default_text, one.help});
  kind.make = [](const nlohmann::json& with) -> std::unique_ptr<const Check> {
    typename Kind::Options options;
    OptionTable named;
    describe(named, options);
    named.set(with);
    return std::make_unique<const Kind>(std::move(options));
  };
  return kind;
}

/// Takes an entry out of an object: what no table of options can read.
nlohmann::json taken_out(nlohmann::json& object, const std::string& key);

}  // namespace coppice
