// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/html_tags.h"

#include <unordered_map>

namespace coppice {
namespace {

struct Row {
  HtmlTrait trait;
  std::string_view tags;
};

constexpr Row kRows[] = {
    {HtmlTrait::is_void, "area base br col embed hr img input link meta param source track wbr"},
    {HtmlTrait::has_optional_end,
     "html head body p li dt dd option optgroup tr td th thead tbody tfoot colgroup caption rt rp"},
    {HtmlTrait::ends_paragraph,
     "address article aside blockquote center details dialog dir div dl dt dd fieldset figcaption figure footer form "
     "h1 h2 h3 h4 h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre search section summary table ul "
     "xmp"},
    {HtmlTrait::bounds_scope, "applet caption foreignobject html marquee object table td template th"},
    {HtmlTrait::bounds_paragraph, "applet button caption foreignobject html marquee object table td template th"},
    {HtmlTrait::bounds_item,
     "applet article aside blockquote body button caption center details dir dl fieldset figcaption figure footer "
     "foreignobject form frameset h1 h2 h3 h4 h5 h6 header hgroup html iframe main marquee menu nav object ol section "
     "select summary table tbody td template tfoot th thead tr ul"},
    {HtmlTrait::belongs_in_head, "base link meta noscript script style template title"},
    {HtmlTrait::is_raw, "iframe noembed noframes script style xmp"},
    {HtmlTrait::is_raw_but_references, "textarea title"},
    {HtmlTrait::ends_foreign,
     "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta "
     "nobr ol p pre ruby s small span strong strike sub sup table tt u ul var"},
    {HtmlTrait::is_table_part, "caption col colgroup tbody td tfoot th thead tr"},
    {HtmlTrait::is_heading, "h1 h2 h3 h4 h5 h6"},
    {HtmlTrait::cannot_nest, "a button form"},
};

using Table = std::unordered_map<std::string_view, uint32_t>;

Table make_table() {
  Table table;
  for (const Row& row : kRows) {
    for (size_t begin = 0; begin < row.tags.size();) {
      const size_t end = std::min(row.tags.find(' ', begin), row.tags.size());
      table[row.tags.substr(begin, end - begin)] |= static_cast<uint32_t>(row.trait);
      begin = end + 1;
    }
  }
  return table;
}

}  // namespace

HtmlTraits traits_of(std::string_view tag) {
  static const Table table = make_table();
  const auto found = table.find(tag);
  return {found == table.end() ? 0 : found->second};
}

}  // namespace coppice
