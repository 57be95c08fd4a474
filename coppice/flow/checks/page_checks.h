// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/options.h"
#include "coppice/flow/checks/check_kinds.h"
#include "coppice/flow/checks/checked_page.h"

namespace coppice {

/// What all checks of pages have.
struct PageFilesOptions {
  std::vector<std::string> files{"*.html", "*.htm"};
};
void describe(OptionTable& table, PageFilesOptions& options);

/// A page that a check looks at.
struct LookedAt {
  const CheckedFiles& files;
  const std::string& name;
  const HtmlPage& tree;
  const PageStyle& style;

  std::string place(const HtmlNode& node) const { return files.place(name, node.offset); }
};

/// Calls `look` with each page that the globs name; files that are no pages are faults, and so is none.
template <class Look>
void for_each_page(const CheckedFiles& files, const std::vector<std::string>& globs, Tally& tally, Look look) {
  const std::vector<std::string> names = files.names(globs);
  tally.expect_files(names, globs);
  for (const std::string& name : names) {
    if (const CheckedFiles::Page* const page = files.page(name)) {
      look(LookedAt{files, name, page->tree, page->style});
    } else {
      tally.fail(name, "the file is no page: its name does not end in .html or .htm");
    }
  }
}

/// Whether there is nothing to read in it: blanks alone, no-break ones too.
bool says_nothing(std::string_view text) noexcept;

/// Whether the page's input is a button, of which the text is its value.
bool is_button_input(const HtmlNode& node);

}  // namespace coppice
