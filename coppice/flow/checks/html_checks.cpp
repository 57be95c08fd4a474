// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <unordered_map>

#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {

void describe(OptionTable& table, PageFilesOptions& options) {
  table.add("files", options.files, "which files it looks at, with * for any characters");
}

bool says_nothing(std::string_view text) noexcept {
  constexpr std::string_view kNoBreak = "\xC2\xA0";
  for (text = trim_blanks(text); text.starts_with(kNoBreak); text = trim_blanks(text)) text.remove_prefix(2);
  return text.empty();
}

bool is_button_input(const HtmlNode& node) {
  if (node.tag != "input") return false;
  const std::string type = lower_case(node.get("type"));
  return type == "submit" || type == "button" || type == "reset";
}

namespace {

struct HtmlParsesOptions : PageFilesOptions {
  bool language = true;
};

void describe(OptionTable& table, HtmlParsesOptions& options) {
  describe(table, static_cast<PageFilesOptions&>(options));
  table.add("language", options.language, "whether <html> must say its language (lang)");
}

class HtmlParses : public Check {
 public:
  using Options = HtmlParsesOptions;
  explicit HtmlParses(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    for_each_page(files, options_.files, tally, [&](const LookedAt& page) {
      syntax(page, tally);
      frame(page, tally);
      titles(page, tally);
      ids(page, tally);
    });
    return tally.result("rule", "rules");
  }

 private:
  static void syntax(const LookedAt& page, Tally& tally) {
    if (!is_text(page.files.all().at(page.name))) tally.fail(page.name, "the page is not in UTF-8, or has a zero byte");
    const auto& faults = page.tree.faults();
    for (const HtmlFault& fault : faults) tally.fail(page.files.place(page.name, fault.offset), fault.message);
    const size_t more = page.tree.count_faults() - faults.size();
    if (more > 0) tally.fail(page.name, fmt::format("there are {} more faults of syntax", more), more);
    if (faults.empty()) tally.pass();
  }

  void frame(const LookedAt& page, Tally& tally) const {
    if (page.tree.doctype() == "html") {
      tally.pass();
    } else if (page.tree.doctype().empty()) {
      tally.fail(page.name, "the page does not begin with <!DOCTYPE html>");
    } else {
      tally.fail(page.name, fmt::format("got the doctype '{}', expected <!DOCTYPE html>", shown(page.tree.doctype())));
    }
    if (!options_.language) return;
    const std::string_view language = trim_blanks(page.tree[0].get("lang"));
    const bool is_tag = !language.empty() && language.find_first_not_of(
                                                 "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                                 "0123456789-") == language.npos;
    if (is_tag) {
      tally.pass();
    } else {
      tally.fail(page.place(page.tree[0]), R"(<html> does not say its language; write <html lang="en">, say)");
    }
  }

  static void titles(const LookedAt& page, Tally& tally) {
    size_t count = 0;
    for (size_t i = 0; i < page.tree.size(); ++i) {
      const HtmlNode& node = page.tree[i];
      if (node.tag != "title" || node.is_foreign || page.tree.is_inside(i, "template")) continue;
      ++count;
      if (count > 1) tally.fail(page.place(node), "a second <title>, expected one");
      if (says_nothing(page.tree.text_below(i))) tally.fail(page.place(node), "the <title> has no text");
    }
    if (count == 0) tally.fail(page.name, "the page has no <title>");
    if (count == 1) tally.pass();
  }

  static void ids(const LookedAt& page, Tally& tally) {
    std::unordered_map<std::string_view, size_t> seen;
    for (const HtmlNode& node : page.tree.nodes()) {
      const std::string* const id = node.find("id");
      if (id == nullptr) continue;
      const bool is_name = !id->empty() && id->find_first_of(" \t\r\n\f") == id->npos;
      if (!is_name) {
        tally.fail(page.place(node), fmt::format("got the id '{}', expected one without blanks", shown(*id)));
      } else if (!seen.emplace(*id, node.offset).second) {
        tally.fail(page.place(node), fmt::format("the id '{}' is there twice", shown(*id)));
      } else {
        tally.pass();
      }
    }
  }

  Options options_;
};

}  // namespace

CheckKind html_parses_kind() {
  return kind_of<HtmlParses>("html_parses",
                             "the page follows the syntax of HTML, has <!DOCTYPE html>, a language, exactly one title, "
                             "and no id twice; the score is the share of these rules and of the ids");
}

}  // namespace coppice
