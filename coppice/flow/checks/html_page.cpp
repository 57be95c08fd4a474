// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/html_page.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "coppice/core/quantity.h"
#include "coppice/flow/checks/html_tags.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

bool is_one_of(std::string_view tag, std::initializer_list<std::string_view> tags) noexcept {
  return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

bool is_blank_text(std::string_view text) noexcept {
  return trim_blanks(text).empty();
}

/// Elements of SVG and MathML in which HTML may stand.
bool takes_html(std::string_view tag) noexcept {
  return is_one_of(tag, {"foreignobject", "desc", "title", "mi", "mo", "mn", "ms", "mtext", "annotation-xml"});
}

/// What may stand directly in a part of a table.
bool may_stand_in(std::string_view part, std::string_view tag) noexcept {
  if (is_one_of(tag, {"script", "template", "style"})) return true;
  if (part == "table") {
    return is_one_of(tag, {"caption", "colgroup", "col", "thead", "tbody", "tfoot", "tr", "td", "th", "input"});
  }
  if (part == "colgroup") return tag == "col";
  return part == "tr" ? is_one_of(tag, {"td", "th"}) : is_one_of(tag, {"tr", "td", "th"});
}

}  // namespace

/// Puts the tokens of a page together.
class HtmlBuilder {
 public:
  HtmlBuilder(std::string_view bytes, HtmlPage& page) : tokens_(bytes, faults_), page_(page), n_bytes_(bytes.size()) {}

  void build() {
    read();
    while (!has_body() && open_.size() > 1) pop("the page ends");
    if (!is_full_) ensure_body(n_bytes_);
    while (!open_.empty()) pop("the page ends");
    page_.faults_ = faults_.list();
    page_.n_faults_ = faults_.count();
    std::stable_sort(page_.faults_.begin(), page_.faults_.end(),
                     [](const HtmlFault& a, const HtmlFault& b) { return a.offset < b.offset; });
  }

 private:
  struct Open {
    uint32_t node;
    HtmlTraits traits;
    bool is_foreign;
  };

  void read() {
    push_implied("html", 0);
    if (n_bytes_ > HtmlPage::kMostBytes) {
      faults_.add(0, fmt::format("the page has {}, of which none is read: at most {} are",
                                 bytes_text(static_cast<double>(n_bytes_)),
                                 bytes_text(static_cast<double>(HtmlPage::kMostBytes))));
      return;
    }
    while (!is_full_) {
      HtmlToken token = in_foreign() ? tokens_.next_foreign() : tokens_.next();
      if (token.kind == HtmlToken::Kind::end) return;
      if (token.kind == HtmlToken::Kind::doctype) doctype(token);
      if (token.kind == HtmlToken::Kind::text) text(token);
      if (token.kind == HtmlToken::Kind::start_tag) start(token);
      if (token.kind == HtmlToken::Kind::end_tag) end(token);
    }
  }

  const std::string& tag_of(const Open& open) const { return page_.nodes_[open.node].tag; }
  const std::string& top_tag() const { return tag_of(open_.back()); }
  bool in_foreign() const { return open_.back().is_foreign && !takes_html(top_tag()); }
  bool is_open(std::string_view tag) const {
    return std::any_of(open_.begin(), open_.end(), [&](const Open& open) { return tag_of(open) == tag; });
  }

  void add_node(HtmlNode node) {
    if (page_.nodes_.size() >= HtmlPage::kMostNodes || open_.size() >= HtmlPage::kDeepest) {
      const bool is_deep = open_.size() >= HtmlPage::kDeepest;
      faults_.add(node.offset, is_deep
                                   ? fmt::format("elements nest deeper than {}: the rest is not read", open_.size())
                                   : fmt::format("the page has more than {} elements and texts: the rest is not read",
                                                 HtmlPage::kMostNodes));
      is_full_ = true;
      return;
    }
    node.parent = open_.empty() ? 0 : open_.back().node;
    node.depth = static_cast<uint32_t>(open_.size());
    node.end = static_cast<uint32_t>(page_.nodes_.size() + 1);
    page_.nodes_.push_back(std::move(node));
  }

  void push(HtmlNode node) {
    const HtmlTraits traits = traits_of(node.tag);
    const bool is_foreign = node.is_foreign;
    add_node(std::move(node));
    if (!is_full_) open_.push_back({static_cast<uint32_t>(page_.nodes_.size() - 1), traits, is_foreign});
  }

  void push_implied(const char* tag, size_t offset) {
    HtmlNode node;
    node.tag = tag;
    node.offset = offset;
    node.is_implied = true;
    push(std::move(node));
  }

  /// Closes the innermost element; `by` says why, for one whose end tag must not be left out.
  void pop(const std::string& by) {
    const Open closed = open_.back();
    HtmlNode& node = page_.nodes_[closed.node];
    if (!by.empty() && !is_full_ && !closed.traits.has(HtmlTrait::has_optional_end)) {
      faults_.add(node.offset, fmt::format("<{}> is not closed before {}", shown(node.tag, 30), by));
    }
    node.end = static_cast<uint32_t>(page_.nodes_.size());
    open_.pop_back();
  }

  /// Closes all down to the element at `place` of the open ones, that one without complaint.
  void pop_to(size_t place, const std::string& by) {
    while (open_.size() > place + 1) pop(by);
    pop("");
  }

  /// Closes the innermost of these elements, unless one that bounds it stands before it.
  template <class Bounds>
  void end_implied(std::initializer_list<std::string_view> tags, Bounds bounds, const std::string& by) {
    for (size_t i = open_.size(); i-- > 1;) {
      if (is_one_of(tag_of(open_[i]), tags)) return pop_to(i, by);
      if (bounds(open_[i])) return;
    }
  }

  void end_what_start_ends(const HtmlToken& token, HtmlTraits traits) {
    const std::string by = "<" + shown(token.name, 30) + ">";
    const auto item = [](const Open& open) { return open.traits.has(HtmlTrait::bounds_item); };
    const auto paragraph = [](const Open& open) { return open.traits.has(HtmlTrait::bounds_paragraph); };
    const auto table = [&](const Open& open) { return is_one_of(tag_of(open), {"table", "template"}); };
    const auto any = [](const Open&) { return true; };
    if (token.name == "li") end_implied({"li"}, item, by);
    if (is_one_of(token.name, {"dt", "dd"})) end_implied({"dt", "dd"}, item, by);
    if (traits.has(HtmlTrait::ends_paragraph)) end_implied({"p"}, paragraph, by);
    if (is_one_of(token.name, {"option", "optgroup"})) end_implied({"option"}, any, by);
    if (token.name == "optgroup") end_implied({"optgroup"}, any, by);
    if (is_one_of(token.name, {"rt", "rp"})) end_implied({"rt", "rp"}, any, by);
    if (is_one_of(token.name, {"td", "th"})) end_implied({"td", "th", "caption", "colgroup"}, table, by);
    if (token.name == "tr") end_implied({"tr", "caption", "colgroup"}, table, by);
    if (is_one_of(token.name, {"tbody", "thead", "tfoot"})) {
      end_implied({"tbody", "thead", "tfoot", "caption", "colgroup"}, table, by);
    }
    if (is_one_of(token.name, {"colgroup", "caption"})) end_implied({"colgroup", "caption"}, table, by);
  }

  bool has_body() const { return body_ != 0; }

  void ensure_body(size_t offset) {
    if (has_body() || is_open("template")) return;
    ensure_head(offset);
    while (open_.size() > 1) pop("the body begins");
    push_implied("body", offset);
    body_ = static_cast<uint32_t>(page_.nodes_.size() - 1);
  }

  void ensure_head(size_t offset) {
    if (has_body() || open_.size() > 1 || has_head_) return;
    has_head_ = true;
    push_implied("head", offset);
  }

  void doctype(const HtmlToken& token) {
    if (!page_.doctype_.empty() || page_.nodes_.size() > 1) {
      faults_.add(token.offset, "a doctype stands here, expected it once and first");
    }
    if (page_.doctype_.empty()) page_.doctype_ = token.name.empty() ? "none" : token.name;
  }

  void text(const HtmlToken& token) {
    const bool is_blank = is_blank_text(token.text);
    if (is_blank && !has_body() && open_.size() <= 2) return;
    if (!is_blank) {
      ensure_body(token.offset);
      tell_content_after_body(token.offset);
      if (is_one_of(top_tag(), {"table", "tbody", "thead", "tfoot", "tr", "colgroup"})) {
        faults_.add(token.offset, fmt::format("text stands directly in <{}>", top_tag()));
      }
    }
    add_text(token);
  }

  void add_text(const HtmlToken& token) {
    if (token.text.empty()) return;
    HtmlNode node;
    node.text = token.text;
    node.offset = token.offset;
    add_node(std::move(node));
  }

  void tell_content_after_body(size_t offset) {
    if (!is_after_body_) return;
    is_after_body_ = false;
    faults_.add(offset, "content stands after </body>");
  }

  void start(HtmlToken& token) {
    const HtmlTraits traits = traits_of(token.name);
    if (token.name == "html" || token.name == "head" || token.name == "body") return start_frame(token);
    if (in_foreign()) {
      if (!traits.has(HtmlTrait::ends_foreign)) return add_element(token, true);
      faults_.add(token.offset, fmt::format("<{}> stands in SVG or MathML", token.name));
      while (in_foreign()) pop("<" + shown(token.name, 30) + ">");
    }
    if (!has_body() && traits.has(HtmlTrait::belongs_in_head)) {
      ensure_head(token.offset);
    } else {
      ensure_body(token.offset);
    }
    tell_content_after_body(token.offset);
    end_what_start_ends(token, traits);
    tell_wrong_place(token, traits);
    imply_table_parts(token);
    add_element(token, token.name == "svg" || token.name == "math");
  }

  /// <html>, <head>, <body>.
  void start_frame(HtmlToken& token) {
    HtmlNode& root = page_.nodes_[0];
    if (token.name == "html" && root.is_implied && page_.nodes_.size() == 1) {
      root.attributes = std::move(token.attributes);
      root.offset = token.offset;
      root.is_implied = false;
    } else if (token.name == "head" && !has_head_ && !has_body()) {
      has_head_ = true;
      add_element(token, false);
    } else if (token.name == "body" && !has_body() && !is_open("template")) {
      ensure_head(token.offset);
      while (open_.size() > 1) pop("<body>");
      add_element(token, false);
      body_ = static_cast<uint32_t>(page_.nodes_.size() - 1);
    } else {
      faults_.add(token.offset, fmt::format("<{}> stands here, expected it once and in its place", token.name));
    }
  }

  void tell_wrong_place(const HtmlToken& token, HtmlTraits traits) {
    const bool is_heading_in_heading =
        traits.has(HtmlTrait::is_heading) && open_.back().traits.has(HtmlTrait::is_heading);
    if (is_heading_in_heading || (traits.has(HtmlTrait::cannot_nest) && is_open(token.name))) {
      faults_.add(token.offset, fmt::format("<{}> stands inside of <{}>", token.name,
                                            is_heading_in_heading ? top_tag() : token.name));
    }
    const bool in_table = is_one_of(top_tag(), {"table", "tbody", "thead", "tfoot", "tr", "colgroup"});
    const bool is_misplaced = in_table ? !may_stand_in(top_tag(), token.name)
                                       : traits.has(HtmlTrait::is_table_part) && top_tag() != "template";
    if (is_misplaced) {
      faults_.add(token.offset,
                  fmt::format("<{}> may not stand directly in <{}>", shown(token.name, 30), shown(top_tag(), 30)));
    }
  }

  void imply_table_parts(const HtmlToken& token) {
    const bool is_cell = is_one_of(token.name, {"td", "th"});
    if (token.name == "col" && top_tag() == "table") push_implied("colgroup", token.offset);
    if (top_tag() == "colgroup" && !is_one_of(token.name, {"col", "template", "script", "style"})) pop("");
    if (is_cell && is_one_of(top_tag(), {"table", "tbody", "thead", "tfoot"})) {
      faults_.add(token.offset, fmt::format("<{}> may not stand directly in <{}>", token.name, top_tag()));
    }
    if ((is_cell || token.name == "tr") && top_tag() == "table") push_implied("tbody", token.offset);
    if (is_cell && is_one_of(top_tag(), {"tbody", "thead", "tfoot"})) push_implied("tr", token.offset);
  }

  void add_element(HtmlToken& token, bool is_foreign) {
    const HtmlTraits traits = traits_of(token.name);
    HtmlNode node;
    node.tag = token.name;
    node.attributes = std::move(token.attributes);
    node.offset = token.offset;
    node.is_foreign = is_foreign;
    push(std::move(node));
    if (is_full_) return;
    if (!is_foreign && token.is_self_closing && !traits.has(HtmlTrait::is_void)) {
      faults_.add(token.offset,
                  fmt::format("'/>' does not close <{}>; write </{}>", shown(token.name, 30), shown(token.name, 30)));
    }
    if (is_foreign ? token.is_self_closing : traits.has(HtmlTrait::is_void)) return pop("");
    if (is_foreign) return;
    if (traits.has(HtmlTrait::is_raw)) add_text(tokens_.raw_text(token.name));
    if (traits.has(HtmlTrait::is_raw_but_references)) add_text(tokens_.text_with_references(token.name));
    if (token.name == "plaintext") add_text(tokens_.rest());
  }

  void end(const HtmlToken& token) {
    if (token.name == "body" || token.name == "html") return end_body(token);
    const HtmlTraits traits = traits_of(token.name);
    if (traits.has(HtmlTrait::is_void)) {
      faults_.add(token.offset, fmt::format("<{}> has no end tag", token.name));
      return;
    }
    const bool is_structure = traits.has(HtmlTrait::is_table_part) || token.name == "table";
    for (size_t i = open_.size(); i-- > 1;) {
      if (tag_of(open_[i]) == token.name) return pop_to(i, "</" + shown(token.name, 30) + ">");
      const bool is_bound = is_structure ? is_one_of(tag_of(open_[i]), {"table", "template"})
                                         : open_[i].traits.has(HtmlTrait::bounds_scope);
      if (is_bound) break;
    }
    faults_.add(token.offset, fmt::format("</{}> closes nothing", shown(token.name, 30)));
  }

  void end_body(const HtmlToken& token) {
    if (!has_body()) ensure_body(token.offset);
    while (open_.size() > 2) pop("</" + shown(token.name, 30) + ">");
    is_after_body_ = true;
  }

  HtmlFaults faults_;
  HtmlTokens tokens_;
  HtmlPage& page_;
  size_t n_bytes_;
  std::vector<Open> open_;  ///< the elements that are not closed yet, <html> first
  uint32_t body_ = 0;       ///< 0 = there is none yet
  bool has_head_ = false;
  bool is_after_body_ = false;
  bool is_full_ = false;
};

HtmlPage::HtmlPage(std::string_view bytes) {
  HtmlBuilder(bytes, *this).build();
}

const std::string* HtmlNode::find(std::string_view attribute) const noexcept {
  const auto found = std::find_if(attributes.begin(), attributes.end(),
                                  [&](const HtmlAttribute& one) { return one.name == attribute; });
  return found == attributes.end() ? nullptr : &found->value;
}

std::string_view HtmlNode::get(std::string_view attribute) const noexcept {
  const std::string* const value = find(attribute);
  return value ? std::string_view(*value) : std::string_view();
}

std::string HtmlPage::text_below(size_t node) const {
  std::string text;
  for (size_t i = node; i < nodes_[node].end; ++i) text += nodes_[i].text;
  return text;
}

bool HtmlPage::is_inside(size_t node, std::string_view tag) const noexcept {
  while (node != 0) {
    node = nodes_[node].parent;
    if (nodes_[node].tag == tag) return true;
  }
  return false;
}

}  // namespace coppice
