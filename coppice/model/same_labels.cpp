// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/same_labels.h"

#include <algorithm>
#include <numeric>

#include "coppice/core/error.h"
#include "coppice/core/quantity.h"

namespace coppice {
namespace {

constexpr const char* kHint =
    "models are combined that have the same labels; trained with the same file of names (label_names) they do";

bool equal_names(const LabelNames& a, const LabelNames& b) {
  if (a.packed_names() != nullptr || b.packed_names() != nullptr) return false;
  return std::ranges::equal(a.offsets().span(), b.offsets().span()) &&
         std::ranges::equal(a.bytes().span(), b.bytes().span());
}

/// The labels in the order of their names; those of one name in their own.
std::vector<uint32_t> by_name(const std::vector<std::string>& names) {
  std::vector<uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::stable_sort(order, {}, [&names](uint32_t label) -> const std::string& { return names[label]; });
  return order;
}

std::vector<std::string> all_of(const LabelNames& names) {
  std::vector<std::string> all;
  for (uint32_t label = 0; label < names.size(); ++label) all.push_back(names.name(label));
  return all;
}

[[noreturn]] void refuse(const std::string& what, const std::string& where) {
  throw Error(ErrorCode::data, "the model's labels are not those of the first model: " + what, where, kHint);
}

/// Compares the names in their order, until one side has a name that the other lacks.
std::vector<uint32_t> match_names(const std::vector<std::string>& first, const std::vector<std::string>& other,
                                  const std::string& where) {
  const std::vector<uint32_t> first_order = by_name(first), other_order = by_name(other);
  std::vector<uint32_t> matched(other.size());
  for (size_t i = 0; i < std::max(first_order.size(), other_order.size()); ++i) {
    const bool first_ends = i == first_order.size(), other_ends = i == other_order.size();
    const std::string_view ours = first_ends ? std::string_view() : first[first_order[i]];
    const std::string_view theirs = other_ends ? std::string_view() : other[other_order[i]];
    if (other_ends || (!first_ends && ours < theirs)) refuse("it has no '" + std::string(ours) + "'", where);
    if (first_ends || theirs < ours) refuse("'" + std::string(theirs) + "' is new", where);
    matched[other_order[i]] = first_order[i];
  }
  return matched;
}

}  // namespace

std::vector<uint32_t> match_labels(const LabelSet& first, const LabelSet& other, const std::string& where) {
  const bool named = first.names.size() > 0;
  if (named != (other.names.size() > 0)) {
    refuse(
        named ? "they are numbers, those of the first have names" : "they have names, those of the first are numbers",
        where);
  }
  if (!named && first.n_labels != other.n_labels) {
    refuse("it has " + counted(other.n_labels, "label") + ", the first has " + std::to_string(first.n_labels), where);
  }
  if (!named || equal_names(first.names, other.names)) return {};
  return match_names(all_of(first.names), all_of(other.names), where);
}

}  // namespace coppice
