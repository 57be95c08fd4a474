// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/domains_json.h"

#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/quantity.h"
#include "coppice/core/repeated_keys.h"

namespace coppice {
namespace {

using nlohmann::json;

[[noreturn]] void refuse(const std::string& why, const std::string& where, const std::string& hint = {}) {
  throw Error(ErrorCode::data, "domains: " + why, where, hint);
}

json parse_domains(std::string_view text, const std::string& where) {
  const auto refuse_key = [&](const std::string& key) {
    refuse("the domain " + json_value_text(key) + " is there twice, expected it once", where);
  };
  try {
    return json::parse(text, watch_repeated_keys(refuse_key));
  } catch (const json::parse_error& error) {
    refuse("no valid JSON: " + json_fault_without_place(error.what()), where + ":" + line_and_column(text, error.byte));
  } catch (const json::exception& error) {  // a number that no double holds
    refuse("no valid JSON: " + json_fault(error.what()), where);
  }
}

/// "domains.json: /banking", without control characters.
std::string place_of(const std::string& where, const std::string& domain) {
  const std::string quoted = json_value_text(domain);
  return where + ": /" + quoted.substr(1, quoted.size() - 2);
}

/// The number of the domain of each name.
using DomainOfName = std::unordered_map<std::string, uint32_t>;

void take_labels(const json& labels, uint32_t domain, const std::string& place, DomainOfName& domains) {
  if (!labels.is_array()) refuse("got " + json_value_text(labels) + ", expected a list of labels", place);
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string label_place = place + "/" + std::to_string(i);
    const std::string shown = json_value_text(labels[i]);
    if (!labels[i].is_string()) refuse("got " + shown + ", expected the name of a label", label_place);
    if (!domains.emplace(labels[i].get<std::string>(), domain).second) {
      refuse("the label " + shown + " is in a domain already, expected each label once", label_place);
    }
  }
}

std::vector<std::optional<uint32_t>> domains_of(const LabelNames& labels, const DomainOfName& domains) {
  std::vector<std::optional<uint32_t>> numbers(labels.size());
  for (uint32_t label = 0; label < labels.size(); ++label) {
    const auto found = domains.find(labels.name(label));
    if (found != domains.end()) numbers[label] = found->second;
  }
  return numbers;
}

void expect_lists(const json& lists, const std::string& where) {
  if (!lists.is_object() || lists.empty()) {
    refuse("got " + (lists.is_object() ? "no domain" : json_value_text(lists)) + ", expected lists of labels by domain",
           where, R"({"banking": ["pin_change", "balance"]} holds one)");
  }
  if (lists.size() > LabelDomains::kMostDomains) {
    refuse("there are " + counted(lists.size(), "domain") + ", expected at most 65535", where);
  }
}

void count_unknown(const json& lists, const LabelNames& labels, DomainList& list) {
  for (const json& names : lists) {
    for (const json& name : names) {
      if (labels.find(name.get_ref<const std::string&>())) continue;
      if (list.n_unknown++ == 0) list.some_unknown = json_value_text(name);
    }
  }
}

}  // namespace

DomainList domains_from_json(std::string_view text, const LabelNames& labels, const std::string& where) {
  if (labels.size() == 0) {
    refuse("the labels have numbers only, expected labels with names", where,
           "label_names gives names to the labels of examples that hold their numbers");
  }
  const json lists = parse_domains(text, where);
  expect_lists(lists, where);
  std::vector<std::string> names;
  DomainOfName domain_of_name;
  for (const auto& [name, members] : lists.items()) {
    take_labels(members, static_cast<uint32_t>(names.size()), place_of(where, name), domain_of_name);
    names.push_back(name);
  }
  DomainList list;
  list.domains = LabelDomains::from(std::move(names), domains_of(labels, domain_of_name));
  list.n_without = labels.size() - n_labels_in_domains(list.domains);
  if (list.n_without == labels.size()) refuse("none of its names is that of a label", where);
  count_unknown(lists, labels, list);
  return list;
}

}  // namespace coppice
