// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "coppice/flow/checks/css_length.h"
#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

enum class Unknowns { pass, fail };

struct ContrastOptions : PageFilesOptions {
  double least = 4.5;
  double least_large = 3;
  Unknowns unknown = Unknowns::pass;
};

void describe(OptionTable& table, ContrastOptions& options) {
  describe(table, static_cast<PageFilesOptions&>(options));
  table.add("least", options.least, 1, 21, "the least contrast of text; 4.5 is WCAG 2.1 AA, 7 is AAA");
  table.add("least_large", options.least_large, 1, 21,
            "the least contrast of large text (18 points, or 14 points in bold); 3 is AA, 4.5 is AAA");
  table.add<Unknowns>("unknown", options.unknown, {{Unknowns::pass, "pass"}, {Unknowns::fail, "fail"}},
                      "what becomes of text of which the contrast cannot be computed; it is reported in any case");
}

class Contrast : public Check {
 public:
  using Options = ContrastOptions;
  explicit Contrast(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    for_each_page(files, options_.files, tally, [&](const LookedAt& page) {
      for (const std::string& note : page.style.notes()) tally.note(page.name, note);
      look(page, tally);
    });
    CheckResult result = tally.result("text", "texts");
    if (options_.unknown == Unknowns::fail && !result.findings.empty()) result.passed = false;
    return result;
  }

 private:
  /// Texts that are wrong in the same way.
  struct Group {
    std::string place, first_text;
    Finding::Kind kind = Finding::Kind::fault;
    size_t count = 0;
  };
  /// By what is said of them; each with its first text.
  using Groups = std::unordered_map<std::string, std::pair<size_t, Group>>;

  void look(const LookedAt& page, Tally& tally) const {
    Groups groups;
    std::vector<uint8_t> is_disabled(page.tree.size());
    for (size_t i = 0; i < page.tree.size(); ++i) {
      const HtmlNode& node = page.tree[i];
      is_disabled[i] = (i > 0 && is_disabled[node.parent] != 0) || disables(node) ? 1 : 0;
      const std::string_view text = is_button_input(node) ? node.get("value") : std::string_view(node.text);
      if (page.style[i].is_hidden || is_disabled[i] != 0 || trim_blanks(text).empty()) continue;
      const auto [kind, message] = judge(page, i);
      if (message.empty()) {
        tally.pass();
        continue;
      }
      auto& [first, group] = groups[message];
      if (group.count++ == 0) {
        first = i;
        group = {page.place(node), shown(text, 30), kind, 1};
      }
    }
    tell(groups, tally);
  }

  /// What cannot be used need not be legible. Source: WCAG 2.1, success criterion 1.4.3, "incidental".
  static bool disables(const HtmlNode& node) {
    constexpr std::string_view kTags[] = {"button", "input", "select", "textarea", "fieldset", "option"};
    return std::find(std::begin(kTags), std::end(kTags), node.tag) != std::end(kTags) && node.has("disabled");
  }

  static void tell(const Groups& groups, Tally& tally) {
    std::map<size_t, std::pair<std::string, Group>> ordered;
    for (const auto& [message, found] : groups) ordered.emplace(found.first, std::pair(message, found.second));
    for (const auto& [first, found] : ordered) {
      const auto& [message, group] = found;
      const std::string others = group.count > 1 ? fmt::format(" ({} texts)", group.count) : "";
      const std::string line = fmt::format("the text '{}' {}{}", group.first_text, message, others);
      if (group.kind == Finding::Kind::fault) {
        tally.fail(group.place, line, group.count);
      } else {
        tally.cannot_tell(group.place, line, group.count);
      }
    }
  }

  /// What is wrong; "" where nothing is.
  std::pair<Finding::Kind, std::string> judge(const LookedAt& page, size_t i) const {
    const TextContrast found = page.style.contrast(page.tree, i);
    if (!found.unknown.empty()) return {Finding::Kind::unknown, "cannot be judged: " + found.unknown};
    const ElementStyle& own = page.style[i];
    const bool is_large = own.font_pixels && *own.font_pixels >= (own.is_bold ? kLargeBoldPixels : kLargePixels);
    const double needed = is_large ? options_.least_large : options_.least;
    const double at_least = own.font_pixels ? needed : std::min(options_.least, options_.least_large);
    const double at_most = own.font_pixels ? needed : std::max(options_.least, options_.least_large);
    const std::string pair = fmt::format("{} on {}", color_text(found.text), color_text(found.background));
    // Rounded, but not to what would be enough: 4.499 must not read as 4.50.
    const double rounded = std::round(found.ratio * 100) / 100;
    const double shown_ratio = rounded < at_most ? rounded : std::floor(found.ratio * 100) / 100;
    if (found.ratio >= at_most) return {};
    if (found.ratio >= at_least) {
      return {Finding::Kind::unknown,
              fmt::format("({}) has contrast {:.2f}: enough if it is large, which is not known", pair, shown_ratio)};
    }
    return {Finding::Kind::fault,
            fmt::format("({}) has contrast {:.2f}, expected at least {:.4g}", pair, shown_ratio, needed)};
  }

  Options options_;
};

}  // namespace

CheckKind contrast_kind() {
  return kind_of<Contrast>(
      "contrast",
      "text stands out from what is behind it, by WCAG 2.1; the score is the share of texts that do, "
      "where those of which it is not known do not");
}

}  // namespace coppice
