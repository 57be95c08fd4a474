// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coppice/core/held_json.h"
#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/css_selector.h"
#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/js_syntax.h"
#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

/// The files that a check looks at: those that are asked for, which must be there, or those of some extensions, if any.
struct AnyFilesOptions {
  std::vector<std::string> files;
};

void describe(OptionTable& table, AnyFilesOptions& options) {
  table.add("files", options.files,
            "which files it looks at, with * for any characters; empty = all in which such text can stand");
}

std::vector<std::string> names_for(const CheckedFiles& files, const std::vector<std::string>& globs, Tally& tally) {
  const std::vector<std::string> names = files.names(globs.empty() ? std::vector<std::string>{"*"} : globs);
  if (!globs.empty()) tally.expect_files(names, globs);
  return names;
}

// css_parses

/// Looks at one sheet; faults are told where it stands in its file.
class SheetFaults {
 public:
  SheetFaults(const CheckedFiles& files, const std::string& name, Tally& tally)
      : files_(files), name_(name), tally_(tally) {}

  /// `offset` is that of the sheet in the file. `is_exact`: what is at byte i of the sheet is at offset + i of the
  /// file.
  void tell(const CssSheet& sheet, size_t offset, bool is_exact) {
    size_t faults = sheet.faults.size();
    const auto fail = [&](size_t at, const std::string& message) {
      tally_.fail(files_.place(name_, offset + (is_exact ? at : 0)), message);
    };
    for (const CssFault& fault : sheet.faults) fail(fault.offset, fault.message);
    for (const CssRule& rule : sheet.rules) {
      std::string message;
      if (!rule.selectors.empty() && holds_styles(sheet, rule.group)) message = parse_selectors(rule.selectors).fault;
      if (!message.empty()) fail(rule.offset, message);
      faults += message.empty() ? 0 : 1;
      for (const CssDeclaration& one : rule.declarations) {
        message = color_fault(one);
        if (!message.empty()) fail(one.offset, message);
        if (message.empty()) tally_.pass();
      }
    }
    if (faults == 0) tally_.pass();
  }

 private:
  static std::string color_fault(const CssDeclaration& one) {
    if (one.name.starts_with("--") || one.value.find("var(") != std::string::npos) return {};
    const bool takes_color = one.name == "color" || one.name == "background-color";
    constexpr std::string_view kWords[] = {"inherit", "initial", "unset", "revert", "revert-layer"};
    const bool is_word = std::any_of(std::begin(kWords), std::end(kWords),
                                     [&](std::string_view word) { return same_but_case(one.value, word); });
    if (takes_color && !is_word && read_color(one.value).kind == ColorReading::Kind::none) {
      return fmt::format("got '{}: {}', expected a colour", one.name, shown(one.value));
    }
    for (const std::string_view part : split_css(one.value, ' ')) {
      const std::string_view word = part.substr(0, part.find(','));
      if (word.starts_with('#') && read_color(word).kind == ColorReading::Kind::none) {
        return fmt::format("got '{}' in '{}', expected a colour of 3, 4, 6 or 8 digits", shown(word, 20), one.name);
      }
    }
    return {};
  }

  const CheckedFiles& files_;
  const std::string& name_;
  Tally& tally_;
};

class CssParses : public Check {
 public:
  using Options = AnyFilesOptions;
  explicit CssParses(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    for (const std::string& name : names_for(files, options_.files, tally)) {
      SheetFaults faults(files, name, tally);
      if (extension_of(name) == "css") faults.tell(parse_css(files.all().at(name)), 0, true);
      const CheckedFiles::Page* const page = files.page(name);
      if (page == nullptr) continue;
      for (size_t i = 0; i < page->tree.size(); ++i) {
        const HtmlNode& node = page->tree[i];
        const bool has_sheet = node.tag == "style" && node.end > i + 1;
        if (has_sheet) faults.tell(parse_css(page->tree.text_below(i)), page->tree[i + 1].offset, !node.is_foreign);
        if (node.has("style")) faults.tell(parse_css_declarations(node.get("style")), node.offset, false);
      }
    }
    return tally.result("declaration", "declarations");
  }

 private:
  Options options_;
};

// js_parses

enum class Script { none, script, json };

Script script_in(const HtmlNode& node) {
  if (node.tag != "script" || node.has("src")) return Script::none;
  const std::string type = lower_case(trim_blanks(node.get("type")));
  if (type.ends_with("json") || type == "importmap" || type == "speculationrules") return Script::json;
  const bool is_script =
      type.empty() || type == "module" || type.ends_with("javascript") || type.ends_with("ecmascript");
  return is_script ? Script::script : Script::none;
}

class JsParses : public Check {
 public:
  using Options = AnyFilesOptions;
  explicit JsParses(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    for (const std::string& name : names_for(files, options_.files, tally)) {
      const std::string extension = extension_of(name);
      if (extension == "js" || extension == "mjs") script(files, name, files.all().at(name), 0, tally);
      const CheckedFiles::Page* const page = files.page(name);
      if (page == nullptr) continue;
      for (size_t i = 0; i < page->tree.size(); ++i) {
        const Script kind = script_in(page->tree[i]);
        if (kind == Script::none) continue;
        const std::string text = page->tree.text_below(i);
        const size_t offset = page->tree[std::min<size_t>(i + 1, page->tree.size() - 1)].offset;
        if (kind == Script::script) script(files, name, text, offset, tally);
        if (kind == Script::json) json(files, name, text, offset, tally);
      }
    }
    return tally.result("script", "scripts");
  }

 private:
  static void script(const CheckedFiles& files, const std::string& name, std::string_view text, size_t offset,
                     Tally& tally) {
    const std::vector<JsFault> faults = sniff_js(text);
    for (const JsFault& fault : faults) tally.fail(files.place(name, offset + fault.offset), fault.message);
    if (faults.empty()) tally.pass();
  }

  static void json(const CheckedFiles& files, const std::string& name, std::string_view text, size_t offset,
                   Tally& tally) {
    if (parse_held_json(text).value.is_discarded()) {
      tally.fail(files.place(name, offset), "the script says that it is JSON, which it is not");
    } else {
      tally.pass();
    }
  }

  Options options_;
};

}  // namespace

CheckKind css_parses_kind() {
  return kind_of<CssParses>(
      "css_parses",
      "style sheets follow the syntax of CSS: blocks and quotes are closed, selectors and colours can "
      "be read (whether a property exists is not looked up); the score is the share of declarations "
      "without a fault");
}

CheckKind js_parses_kind() {
  return kind_of<JsParses>("js_parses",
                           "a sniff at scripts, which is no parser: brackets match, texts, templates and comments are "
                           "closed; JSON in scripts is parsed; the score is the share of scripts without a fault");
}

}  // namespace coppice
