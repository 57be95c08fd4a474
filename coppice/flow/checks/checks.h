// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/error.h"
#include "coppice/core/options.h"

namespace coppice {

/// One thing that a check has to say: a line that a person, or a model, can act on.
struct Finding {
  enum class Kind : uint8_t {
    fault,   ///< it is wrong
    unknown  ///< it could not be found out whether it is
  };
  Kind kind = Kind::fault;
  std::string place;  ///< "index.html:12:5" (line and column from 1), "index.html", or ""
  std::string message;
};

/// What came of one check.
struct CheckResult {
  std::string check;
  bool passed = false;
  /// From 0 to 1: of the things that the check looked at, the share that was right. What could not be found out counts
  /// as not right here, though it lets the check pass.
  double score = 0;
  std::string summary;            ///< "11 of 12 texts have enough contrast; 1 is not known"
  std::vector<Finding> findings;  ///< the first kMostFindings, in the order of the files
  size_t left_out = 0;            ///< how many more there are

  static constexpr size_t kMostFindings = 50;
};

/// The files that are checked, by name: "index.html", "img/house.png". A text that is no file goes in under a name such
/// as "answer.txt". Pages (.html, .htm) are read once, for all checks. Threads: const methods from any.
class CheckedFiles {
 public:
  explicit CheckedFiles(std::map<std::string, std::string> files);
  ~CheckedFiles();
  CheckedFiles(CheckedFiles&&) noexcept;
  CheckedFiles& operator=(CheckedFiles&&) noexcept;

  struct Page;  ///< its tree, its styles, its text: checked_page.h

  const std::map<std::string, std::string>& all() const noexcept { return files_; }
  /// Those of which the name follows one of the globs, in order.
  std::vector<std::string> names(const std::vector<std::string>& globs) const;
  /// Nothing where that is no page.
  const Page* page(const std::string& name) const;
  /// What a reader gets to see: of a page its visible text, of a .txt or .md file or one without an extension all of
  /// it, of others "".
  std::string_view reader_text(const std::string& name) const;
  /// "index.html:12:5". `name` is one of the files.
  std::string place(const std::string& name, size_t offset) const;

 private:
  std::map<std::string, std::string> files_;
  std::map<std::string, std::unique_ptr<const Page>> pages_;
  std::map<std::string, std::vector<size_t>> lines_;  ///< where they begin
};

/// A check that is ready to run. Never throws for what the files are. Threads: const methods from any.
class Check {
 public:
  virtual ~Check() = default;
  virtual CheckResult run(const CheckedFiles& files) const = 0;
};

/// One option of a check, for documents and schemas.
struct CheckOption {
  std::string name, type, default_text, help;
};

/// A kind of check.
struct CheckKind {
  std::string name;
  std::string help;  ///< what it tests, and what its score is
  std::vector<CheckOption> options;
  /// Throws `ErrorCode::usage` for options that are wrong, naming the nearest one for a name that is unknown. `with` is
  /// an object.
  std::function<std::unique_ptr<const Check>(const nlohmann::json& with)> make;
};

/// The kinds of checks by name: ours, and those that a user adds.
///
/// html_parses, alt_texts, links_resolve, contrast, css_parses, js_parses: of pages; facts_present, guidelines,
/// no_placeholders, text_matches, words_between, similar_to, coherent: of what a reader sees; size: of files.
/// All are deterministic, and take time that is linear in the files but for fixed bounds: files may come from anywhere.
class CheckRegistry {
 public:
  CheckRegistry();

  /// In the place of one of that name, if there is one.
  void add(CheckKind kind);
  /// By name.
  const std::map<std::string, CheckKind>& kinds() const& noexcept { return kinds_; }
  const std::map<std::string, CheckKind>& kinds() const&& = delete;

  /// Throws `ErrorCode::usage` for an unknown name, naming the nearest, and as the kind does.
  std::unique_ptr<const Check> make(const std::string& name, const nlohmann::json& with) const;

  /// A list as a workflow has it: "html_parses", or {"contrast": {"least": 7}}. Throws as `make`, naming the check.
  std::vector<std::unique_ptr<const Check>> make_all(const nlohmann::json& list) const;

  /// What `make_all` would throw, for each check and each option, of a list as it is written, before its templates are
  /// filled in: where an option is a text with a template, which may come to a value of any kind, only the names of
  /// that check and of its options are judged. `where()` is a JSON pointer into the list.
  std::vector<Error> faults(const nlohmann::json& list) const;

 private:
  std::map<std::string, CheckKind> kinds_;
};

/// What came of several checks, in their order.
struct CheckReport {
  std::vector<CheckResult> results;
  bool passed = false;  ///< all of them; true where there are none
  double score = 0;     ///< the mean of theirs; 1 where there are none
};

CheckReport run_checks(const std::vector<std::unique_ptr<const Check>>& checks, const CheckedFiles& files);

/// {"passed": false, "score": 0.9, "checks": [{"check", "passed", "score", "summary", "findings": [{"kind", "place",
/// "message"}], "left_out"}]}.
nlohmann::json report_json(const CheckReport& report);

/// The faults of the checks that did not pass, one on a line, for a prompt that asks for a repair: "- contrast,
/// index.html:12:5: the text ...". At most `most_lines`, and a last line that says how many more there are.
std::string faults_text(const CheckReport& report, size_t most_lines = 40);

}  // namespace coppice
