// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/domains_json.h"

#include <set>
#include <vector>

#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

/// Labels with names of their own, and labels of which some share one.
const std::vector<coppice::LabelNames>& all_names() {
  static const std::vector<coppice::LabelNames> names{
      coppice::LabelNames::from({"a", "b", "c\xC3\xA9", "window manager", "\"quoted\"", "f"}),
      coppice::LabelNames::from({"a", "b", "a", "window manager", "a", ""})};
  return names;
}

/// Domains that are taken have different names, and one label at least; labels of one name have one domain.
void expect_sound(const coppice::DomainList& list, const coppice::LabelNames& names) {
  const coppice::LabelDomains& domains = list.domains;
  coppice::require(domains.size() == names.size() && list.n_without < names.size());
  coppice::require(std::set<std::string>(domains.names().begin(), domains.names().end()).size() ==
                   domains.names().size());
  coppice::require(n_labels_in_domains(domains) + list.n_without == names.size());
  for (uint32_t label = 0; label < names.size(); ++label) {
    coppice::require(domains.of(label) == domains.of(*names.find(names.name(label))));
  }
}

}  // namespace

/// A list of domains in JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  for (const coppice::LabelNames& names : all_names()) {
    try {
      expect_sound(coppice::domains_from_json(coppice::text_of(bytes, size), names, "input"), names);
    } catch (const coppice::Error& error) {
      coppice::require(error.code() == coppice::ErrorCode::data);
    }
  }
  return 0;
}
