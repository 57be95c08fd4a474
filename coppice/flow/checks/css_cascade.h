// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coppice/flow/checks/css_selector.h"
#include "coppice/flow/checks/css_syntax.h"
#include "coppice/flow/checks/html_page.h"

namespace coppice {

/// The properties that decide how well a text can be read. Longer names stand for themselves and the shorthands.
enum class CssProperty : uint8_t {
  color,
  background_color,
  background_image,
  opacity,
  font_size,
  font_weight,
  display,
  visibility,
  position,
  blending  ///< filter, mix-blend-mode, background-clip, -webkit-text-fill-color, color-scheme: any of them
};
constexpr size_t kCssProperties = 10;

/// A declared value, and what its rank in the cascade is: the highest rank wins.
struct CssCandidate {
  uint64_t rank = 0;  ///< 0 = there is none
  const CssDeclaration* declaration = nullptr;
};

/// The best of the declarations that apply for certain, and the rank of the best of those that may apply.
struct CssWinner {
  CssCandidate certain;
  uint64_t maybe_rank = 0;

  bool is_known() const noexcept { return certain.rank >= maybe_rank; }
  bool is_declared() const noexcept { return certain.rank > 0; }
};

using CssWinners = std::array<CssWinner, kCssProperties>;

/// A value with its var() replaced.
struct CssValue {
  enum class Kind : uint8_t { text, unknown, invalid };
  Kind kind = Kind::text;
  std::string text;
};

/// The style sheets of a page, and which of their declarations wins for each of its elements.
///
/// Cost: as bounded by CssMatcher and by kMostDeclarations applied; `is_exhausted` then, and what `winners` says is not
/// to be relied on.
class CssCascade {
 public:
  static constexpr uint64_t kMostDeclarations = 2'000'000;
  static constexpr size_t kMostSelectors = 50'000;
  static constexpr size_t kMostSheetBytes = size_t{8} << 20;

  /// The page is borrowed.
  explicit CssCascade(const HtmlPage& page);

  /// In the order of the page.
  void add_sheet(std::string_view text, std::string_view media);

  /// Call it for one element after the other, in the order of the page: what is below looks up variables above.
  CssWinners winners(size_t node);

  /// With each var() replaced by what it is for that element.
  CssValue value(size_t node, const CssDeclaration& declaration) const;

  bool is_exhausted() const noexcept { return is_exhausted_ || matcher_.is_exhausted(); }
  const std::vector<std::string>& notes() const noexcept { return notes_; }

 private:
  struct Style {
    CssSelector selector;
    bool is_maybe = false;
    size_t begin = 0, end = 0;  ///< in `declared_`
  };
  struct Declared {
    const CssDeclaration* declaration = nullptr;
    uint32_t order = 0;
  };
  using StyleIndex = std::unordered_map<std::string, std::vector<uint32_t>>;
  using Variables = std::unordered_map<std::string_view, CssWinner>;

  void add_rule(const CssSheet& sheet, const CssRule& rule, std::optional<bool> sheet_holds);
  void add_to_index(const CssSelector& selector, uint32_t style);
  std::optional<bool> group_holds(const CssSheet& sheet, uint32_t group);
  void note(std::string text);
  void apply(size_t node, const std::vector<uint32_t>& styles, CssWinners& winners);
  void apply_declaration(size_t node, const CssDeclaration& declaration, uint64_t rank, CssWinners& winners,
                         CssMatch match);
  CssValue expanded(size_t node, std::string_view text, int& left) const;
  CssValue variable(size_t node, std::string_view arguments, int& left) const;

  const HtmlPage& page_;
  CssMatcher matcher_;
  std::deque<CssSheet> sheets_;
  std::deque<CssSheet> attributes_;  ///< of style attributes
  std::vector<Style> styles_;
  std::vector<Declared> declared_;
  StyleIndex by_id_, by_class_, by_tag_;
  std::vector<uint32_t> for_all_;
  std::unordered_map<size_t, Variables> variables_;  ///< by element, those declared for it
  std::vector<std::string> notes_;
  uint64_t declarations_left_ = kMostDeclarations;
  size_t sheet_bytes_ = 0;
  uint32_t order_ = 0;
  bool is_exhausted_ = false;
};

/// What properties a declaration is about; none = we do not look at it.
std::vector<CssProperty> properties_of(std::string_view name);

}  // namespace coppice
