// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace coppice {

/// What the syntax of HTML says of elements by their tag.
enum class HtmlTrait : uint32_t {
  is_void = 1,            ///< has no end tag and nothing in it: <br>
  has_optional_end = 2,   ///< <li>, <p>
  ends_paragraph = 4,     ///< its start ends a <p>
  bounds_scope = 8,       ///< an end tag inside closes nothing outside: <td>
  bounds_paragraph = 16,  ///< a <p> outside is not ended inside
  bounds_item = 32,       ///< an <li>, <dt> or <dd> outside is not ended inside
  belongs_in_head = 64,   ///< may stand in <head>
  is_raw = 128,           ///< what is in it is no markup: <script>
  is_raw_but_references = 256,
  ends_foreign = 512,    ///< cannot stand in SVG
  is_table_part = 1024,  ///< <tr>, <td>
  is_heading = 2048,
  cannot_nest = 4096  ///< <a> in <a>
};

struct HtmlTraits {
  uint32_t bits = 0;
  bool has(HtmlTrait trait) const noexcept { return (bits & static_cast<uint32_t>(trait)) != 0; }
};

/// Of a tag in lower case; none for one that is not known.
/// Source: HTML Living Standard, sections 13.1.2.4 (optional tags), 13.2.4.2 (scopes), 13.2.6.4 and 13.2.6.5.
HtmlTraits traits_of(std::string_view tag);

}  // namespace coppice
