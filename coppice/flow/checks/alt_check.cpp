// SPDX-License-Identifier: Apache-2.0
#include <fmt/core.h>

#include <algorithm>
#include <unordered_map>

#include "coppice/flow/checks/page_checks.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// "image1.png" and "picture" say nothing of what there is to see.
bool is_empty_word(std::string_view text) {
  const std::string plain = folded(trim_blanks(text));
  if (is_one_of(plain, {"image", "picture", "photo", "img", "graphic", "icon", "alt", "alt text"})) return true;
  const bool is_file = is_one_of(extension_of(plain), {"png", "jpg", "jpeg", "gif", "svg", "webp", "avif"});
  return is_file && plain.find(' ') == plain.npos;
}

bool is_decoration(const HtmlNode& node) {
  const std::string role = lower_case(trim_blanks(node.get("role")));
  return role == "presentation" || role == "none" || node.get("aria-hidden") == "true";
}

/// What the elements of a page are called. Each question takes constant time, as pages may nest as they like.
class Names {
 public:
  explicit Names(const HtmlPage& tree) : tree_(tree), texts_before_(tree.size() + 1), names_before_(tree.size() + 1) {
    for (size_t i = 0; i < tree.size(); ++i) {
      texts_before_[i + 1] = texts_before_[i] + (says_nothing(tree[i].text) ? 0 : 1);
      if (const std::string* const id = tree[i].find("id")) by_id_.emplace(*id, i);
    }
    for (size_t i = 0; i < tree.size(); ++i) {
      const HtmlNode& node = tree[i];
      const bool is_name = !says_nothing(node.text) || !says_nothing(node.get("alt")) || has_own(node);
      names_before_[i + 1] = names_before_[i] + (is_name ? 1 : 0);
      const std::string* const target = node.tag == "label" && has_text(i) ? node.find("for") : nullptr;
      if (target != nullptr) labelled_.emplace(*target, i);
    }
  }

  /// Whether there is text below it.
  bool has_text(size_t i) const { return texts_before_[tree_[i].end] > texts_before_[i]; }
  /// Whether it has a name, text, or an image with one, itself or below it.
  bool has_any(size_t i) const { return names_before_[tree_[i].end] > names_before_[i]; }
  /// Whether an attribute of its own names it.
  bool has_own(const HtmlNode& node) const {
    if (!says_nothing(node.get("aria-label")) || !says_nothing(node.get("title"))) return true;
    if (!node.has("aria-labelledby")) return false;
    for (const std::string_view id : split_blanks(node.get("aria-labelledby"))) {
      const auto found = by_id_.find(id);
      if (found != by_id_.end() && has_text(found->second)) return true;
    }
    return false;
  }
  bool has_label(const HtmlNode& node) const { return node.has("id") && labelled_.contains(node.get("id")); }

 private:
  const HtmlPage& tree_;
  std::vector<uint32_t> texts_before_, names_before_;  ///< counted over the nodes before each
  std::unordered_map<std::string_view, size_t> by_id_, labelled_;
};

/// Looks at all elements that need a text, in one pass; what is around them is handed down.
class PageTexts {
 public:
  PageTexts(const LookedAt& page, Tally& tally) : page_(page), tree_(page.tree), names_(page.tree), tally_(tally) {}

  void look() {
    std::vector<Around> around(tree_.size());
    for (size_t i = 0; i < tree_.size(); ++i) {
      const HtmlNode& node = tree_[i];
      const Around outer = i == 0 ? Around{} : around[node.parent];
      around[i] = outer;
      if (node.is_text()) continue;
      around[i].is_hidden = outer.is_hidden || node.get("aria-hidden") == "true";
      around[i].has_label = outer.has_label || (node.tag == "label" && names_.has_text(i));
      around[i].has_words = outer.has_words || (is_one_of(node.tag, {"a", "button"}) && names_.has_any(i));
      around[i].is_drawing = outer.is_drawing || node.tag == "svg";
      around[i].is_inert = outer.is_inert || node.tag == "template";
      if (!around[i].is_inert) element(i, outer);
    }
  }

 private:
  struct Around {
    bool is_hidden = false;   ///< from those who do not see
    bool has_label = false;   ///< stands in a <label> with text
    bool has_words = false;   ///< stands in a link or a button with words
    bool is_drawing = false;  ///< stands in <svg>
    bool is_inert = false;
  };

  void element(size_t i, const Around& outer) {
    const HtmlNode& node = tree_[i];
    const std::string type = node.tag == "input" ? lower_case(node.get("type")) : "";
    if (node.tag == "img" || node.tag == "area" || type == "image") {
      image(node);
    } else if (node.tag == "svg" && !outer.is_drawing) {
      drawing(i, outer);
    } else if (is_one_of(node.tag, {"select", "textarea"}) ||
               (node.tag == "input" && type != "hidden" && !is_button_input(node))) {
      const bool is_named = names_.has_own(node) || names_.has_label(node) || outer.has_label;
      tell(is_named || outer.is_hidden, node, "has no label");
    } else if (node.tag == "button" || (node.tag == "a" && node.has("href"))) {
      tell(names_.has_any(i) || outer.is_hidden, node, "has no text");
    }
  }

  void tell(bool is_right, const HtmlNode& node, const char* fault) {
    if (is_right) {
      tally_.pass();
    } else {
      tally_.fail(page_.place(node), fmt::format("<{}> {}", node.tag, fault));
    }
  }

  void image(const HtmlNode& node) {
    const std::string source = shown(node.get(node.tag == "area" ? "href" : "src"), 40);
    const std::string_view text = node.get("alt");
    const bool is_named = is_decoration(node) || names_.has_own(node);
    if (!is_named && !node.has("alt")) {
      tally_.fail(page_.place(node), fmt::format("<{}> '{}' has no alt text", node.tag, source));
    } else if (!is_named && says_nothing(text)) {
      tally_.fail(page_.place(node),
                  fmt::format("the alt text of '{}' is empty; decoration needs role=\"presentation\"", source));
    } else if (!is_named && is_empty_word(text)) {
      tally_.fail(page_.place(node), fmt::format("the alt text '{}' does not say what there is to see", shown(text)));
    } else {
      tally_.pass();
    }
  }

  /// Beside the words of a link or a button, or where it is hidden, it need not say more.
  void drawing(size_t i, const Around& outer) {
    const HtmlNode& node = tree_[i];
    bool is_named = is_decoration(node) || names_.has_own(node) || outer.is_hidden || outer.has_words;
    for (size_t below = i + 1; below < node.end && !is_named; below = tree_[below].end) {
      is_named = tree_[below].tag == "title" && names_.has_text(below);
    }
    tell(is_named, node, "has no <title>; decoration needs aria-hidden=\"true\"");
  }

  const LookedAt& page_;
  const HtmlPage& tree_;
  const Names names_;
  Tally& tally_;
};

class AltTexts : public Check {
 public:
  using Options = PageFilesOptions;
  explicit AltTexts(Options options) : options_(std::move(options)) {}

  CheckResult run(const CheckedFiles& files) const override {
    Tally tally;
    for_each_page(files, options_.files, tally, [&](const LookedAt& page) { PageTexts(page, tally).look(); });
    return tally.result("text", "texts");
  }

 private:
  Options options_;
};

}  // namespace

CheckKind alt_texts_kind() {
  return kind_of<AltTexts>(
      "alt_texts",
      "each image, drawing, field, link and button has a text for those who do not see it; the score "
      "is the share that has one");
}

}  // namespace coppice
