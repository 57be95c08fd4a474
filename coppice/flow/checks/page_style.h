// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/html_page.h"

namespace coppice {

/// What the style sheets say of an element. Nothing, for a colour or a size, is: it could not be found out.
struct ElementStyle {
  std::optional<CssColor> color = CssColor{0, 0, 0, 1};
  std::optional<CssColor> background = CssColor{0, 0, 0, 0};
  std::optional<double> font_pixels = 16;
  double opacity = 1;
  bool is_bold = false;
  bool has_image = false;    ///< an image or a gradient in its background, or perhaps one
  bool is_detached = false;  ///< placed over others (absolute, fixed, sticky), or perhaps so
  bool is_blended = false;   ///< drawn in a way that we do not compute: filters, blend modes, text cut out of an image
  bool is_hidden = false;    ///< it or what it stands in is not shown
};

/// What is known of the text of an element on what is behind it.
struct TextContrast {
  CssColor text, background;  ///< opaque: as they come to stand on a white page
  double ratio = 0;           ///< 0 = not known
  std::string unknown;        ///< why, "an image or a gradient is behind it"
};

/// The styles of a page's elements, as a browser with a window of 1280 by 800 pixels, a light colour scheme and no
/// script would have them at rest (nothing is pointed at).
///
/// Read: <style>, linked sheets, style attributes; the selectors of css_selector.h; order, specificity, !important,
/// inheritance; custom properties and var(); color, background(-color, -image), opacity, font(-size, -weight), display,
/// visibility, position; the defaults of browsers for links, marks, headings, buttons and fields. Where a rule that we
/// do not understand might decide, the value is not known. Not seen: what scripts do, what is laid out over others
/// without `position`, a parent's z-index.
/// Cost: bounded by the steps of CssMatcher; beyond them nothing is known, and `notes` says so.
/// Source: CSS Cascading and Inheritance Level 4; CSS Custom Properties Level 1; HTML Living Standard, section 15.3.
class PageStyle {
 public:
  /// The text of a linked sheet by its address, or nothing. Called, and borrowed, while constructing alone.
  using FindSheet = std::function<std::optional<std::string_view>(std::string_view address)>;

  /// `page` is borrowed while constructing.
  PageStyle(const HtmlPage& page, const FindSheet& find_sheet);

  /// Of a text: those of its element.
  const ElementStyle& operator[](size_t node) const noexcept { return styles_[node]; }

  /// What was left out, one sentence each: "the style sheet 'a.css' is not among the files".
  const std::vector<std::string>& notes() const noexcept { return notes_; }

  TextContrast contrast(const HtmlPage& page, size_t node) const;

 private:
  std::vector<ElementStyle> styles_;
  std::vector<std::string> notes_;
};

/// Whether it holds for such a browser; nothing where it says what we do not read. Source: Media Queries Level 4.
std::optional<bool> media_query_holds(std::string_view query);

/// What a reader sees of a page, in its order: texts, with a line feed wherever a block begins or ends; the labels of
/// buttons that stand in attributes, too.
std::string visible_text(const HtmlPage& page, const PageStyle& style);

}  // namespace coppice
