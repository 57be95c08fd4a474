// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coppice/flow/checks/checks.h"
#include "coppice/flow/checks/html_page.h"
#include "coppice/flow/checks/page_style.h"

namespace coppice {

struct CheckedFiles::Page {
  HtmlPage tree;
  PageStyle style;
  std::string text;  ///< what is visible

  Page(HtmlPage read, const PageStyle::FindSheet& find_sheet)
      : tree(std::move(read)), style(tree, find_sheet), text(visible_text(tree, style)) {}
};

/// Whether it is the name of a page: it ends in .html or .htm.
bool is_page_name(std::string_view name) noexcept;
/// "css" of "a/b.CSS"; "" where there is none.
std::string extension_of(std::string_view name);

/// The name of the file that a relative address in file `from` leads to, less its query and fragment; nothing where
/// that lies outside of the files. "" in `address` is the file itself. An address that begins with '/' starts at the
/// top. What is encoded by % is decoded.
std::optional<std::string> resolved_name(std::string_view from, std::string_view address);

}  // namespace coppice
