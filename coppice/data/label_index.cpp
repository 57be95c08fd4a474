// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_index.h"

#include <xxhash.h>

#include <algorithm>

#include "coppice/core/error.h"

namespace coppice {
namespace {

constexpr size_t kMostLabels = size_t{1} << 31;
constexpr size_t kFewestSlots = 16;

}  // namespace

uint64_t hash_of_name(std::string_view name) noexcept {
  return XXH3_64bits(name.data(), name.size());
}

LabelIndex::LabelIndex(const LabelNames& known, uint32_t n_labels) {
  for (uint32_t label = 0; label < known.size(); ++label) append(known.name(label));
  n_known_ = std::max(n_labels, static_cast<uint32_t>(known.size()));
}

uint32_t LabelIndex::add(std::string_view name) {
  const std::optional<uint32_t> found = find(name);
  return found ? *found : append(name);
}

uint32_t LabelIndex::append(std::string_view name) {
  if (n_known_ > 0 && !has_names())
    throw Error(ErrorCode::internal, "a name for labels that are known by number alone");
  if (offsets_.size() > kMostLabels) throw Error(ErrorCode::data, "more than 2147483648 different labels");
  const uint32_t label = static_cast<uint32_t>(offsets_.size() - 1);
  const uint64_t hash = hash_of_name(name);
  bytes_.insert(bytes_.end(), name.begin(), name.end());
  offsets_.push_back(bytes_.size());
  hashes_.push_back(hash);
  reserve_slot();
  insert(label, hash);
  return label;
}

void LabelIndex::add_id(uint32_t id) {
  n_ids_ = std::max(n_ids_, id + 1);
  if (n_known_ > 0 && id >= n_known_) unseen_ids_.insert(id);
}

/// Keeps the table at most half full.
void LabelIndex::reserve_slot() {
  if (hashes_.size() * 2 <= slots_.size()) return;
  slots_.assign(std::max(kFewestSlots, slots_.size() * 2), 0);
  for (size_t label = 0; label + 1 < hashes_.size(); ++label) insert(static_cast<uint32_t>(label), hashes_[label]);
}

/// Of a name, two labels tell all that is asked: which is the first, and whether there are several. A slot for each
/// would make a run of equal names that every further one has to walk along.
void LabelIndex::insert(uint32_t label, uint64_t hash) noexcept {
  constexpr size_t kOfAName = 2;
  const size_t mask = slots_.size() - 1;
  size_t slot = static_cast<size_t>(hash) & mask;
  for (size_t others = 0; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t other = slots_[slot] - 1;
    const bool same = hashes_[other] == hash && name(other) == name(label);
    if (same && ++others == kOfAName) return;
  }
  slots_[slot] = label + 1;
}

std::optional<uint32_t> LabelIndex::find(std::string_view wanted) const noexcept {
  if (slots_.empty()) return std::nullopt;
  const uint64_t hash = hash_of_name(wanted);
  const size_t mask = slots_.size() - 1;
  for (size_t slot = static_cast<size_t>(hash) & mask; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const uint32_t label = slots_[slot] - 1;
    if (hashes_[label] == hash && name(label) == wanted) return label;
  }
  return std::nullopt;
}

std::string_view LabelIndex::name(uint32_t label) const noexcept {
  if (label + size_t{1} >= offsets_.size()) return {};
  return {bytes_.data() + offsets_[label], static_cast<size_t>(offsets_[label + 1] - offsets_[label])};
}

uint32_t LabelIndex::size() const noexcept {
  return std::max({n_known_, n_ids_, static_cast<uint32_t>(offsets_.size() - 1)});
}

uint64_t LabelIndex::n_unseen() const noexcept {
  const uint64_t n_names = offsets_.size() - 1;
  return (n_names > n_known_ ? n_names - n_known_ : 0) + unseen_ids_.size();
}

LabelNames LabelIndex::names() const {
  if (!has_names()) return {};
  return LabelNames(bytes_, offsets_, slots_);
}

}  // namespace coppice
