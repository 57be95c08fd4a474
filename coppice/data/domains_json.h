// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "coppice/data/label_domains.h"
#include "coppice/data/label_names.h"

namespace coppice {

/// What a list of domains says of the labels that there are.
struct DomainList {
  LabelDomains domains;      ///< numbered in the order of their names
  size_t n_without = 0;      ///< labels that it does not name: they belong to no domain
  size_t n_unknown = 0;      ///< names in it that no label has
  std::string some_unknown;  ///< one of these
};

/// Domains from JSON: `{"banking": ["pin_change", "balance"], "travel": ["book_flight"]}`, lists of label names by the
/// names of domains. All labels of a name belong to its domain.
///
/// `where` names the input in messages. Throws `ErrorCode::data` with the place ("domains.json: /banking/3", of bad
/// JSON "domains.json:2:1", line and column) of what is wrong: no JSON or another shape of it, no domain, a domain or a
/// label that is there twice, more than 65,535 domains, no name that is one of a label; labels without names.
DomainList domains_from_json(std::string_view json, const LabelNames& labels, const std::string& where);

}  // namespace coppice
