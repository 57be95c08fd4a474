// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/checks/html_tokens.h"

namespace coppice {

/// An element or a text of a page.
struct HtmlNode {
  std::string tag;   ///< of an element, in lower case; "" = a text
  std::string text;  ///< of a text, with its references decoded
  std::vector<HtmlAttribute> attributes;
  size_t offset = 0;        ///< of its first byte in the page
  uint32_t parent = 0;      ///< its own number for the root
  uint32_t end = 0;         ///< one past the last node below it
  uint32_t depth = 0;       ///< of the root 0
  bool is_foreign = false;  ///< an element of SVG or MathML
  bool is_implied = false;  ///< has no tag in the page

  bool is_text() const noexcept { return tag.empty(); }
  bool has(std::string_view attribute) const noexcept { return find(attribute) != nullptr; }
  /// Nothing where it is absent.
  const std::string* find(std::string_view attribute) const noexcept;
  /// "" where it is absent.
  std::string_view get(std::string_view attribute) const noexcept;
};

/// A page as a tree, and what is wrong with its syntax.
///
/// The nodes stand in the order of the page: parents before children, and what is below node i is [i + 1, end). Node 0
/// is <html>; it, <head>, <body>, <tbody> and <tr> are there where their tags are left out. End tags that may be left
/// out are no fault. A page that follows the syntax gives the tree that browsers have. Of one that does not the faults
/// are told, and the tree is near theirs: elements are not moved about (out of tables, into wrongly nested <b>). What
/// nests deeper than kDeepest, has more than kMostNodes or more than kMostBytes is a fault, and the rest is not read.
/// Cost: linear in the bytes, times kDeepest at worst. Threads: const methods from any.
/// Source: HTML Living Standard, section 13.1 (the syntax), 13.2.6 (the tree).
class HtmlPage {
 public:
  static constexpr size_t kMostBytes = size_t{4} << 20;
  static constexpr size_t kMostNodes = 200'000;
  static constexpr size_t kDeepest = 512;

  explicit HtmlPage(std::string_view bytes);

  const std::vector<HtmlNode>& nodes() const noexcept { return nodes_; }
  const HtmlNode& operator[](size_t node) const noexcept { return nodes_[node]; }
  size_t size() const noexcept { return nodes_.size(); }

  /// In the order of the page; at most HtmlFaults::kMost of them.
  const std::vector<HtmlFault>& faults() const noexcept { return faults_; }
  size_t count_faults() const noexcept { return n_faults_; }
  /// "html" for <!DOCTYPE html>, "" where there is none.
  const std::string& doctype() const noexcept { return doctype_; }

  /// The texts below a node, one after the other.
  std::string text_below(size_t node) const;
  /// Whether an element with that tag is above the node.
  bool is_inside(size_t node, std::string_view tag) const noexcept;

 private:
  friend class HtmlBuilder;
  std::vector<HtmlNode> nodes_;
  std::vector<HtmlFault> faults_;
  size_t n_faults_ = 0;
  std::string doctype_;
};

}  // namespace coppice
