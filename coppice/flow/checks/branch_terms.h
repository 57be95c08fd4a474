// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>

#include "coppice/flow/checks/coherence.h"
#include "coppice/flow/checks/css_color.h"

namespace coppice {

/// What a branch speaks of: see `Coherence` for what each is compared by.
struct BranchTerms {
  std::string name;                                 ///< of the branch, as messages show it
  std::set<std::string> words;                      ///< folded; no words of grammar alone (English)
  std::set<std::string> names;                      ///< folded; at most kMostNames of at most kLongestName bytes
  std::map<std::string, std::set<double>> numbers;  ///< by what is counted, "year"
  std::map<std::string, CssColor> colors;           ///< opaque, by how they are written

  static constexpr size_t kMostNames = 200, kLongestName = 60;
};

BranchTerms branch_terms(const Branch& branch);

}  // namespace coppice
