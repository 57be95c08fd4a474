// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_names.h"

#include <utility>

#include "coppice/data/label_index.h"

namespace coppice {

LabelNames LabelNames::from(const std::vector<std::string>& names) {
  LabelIndex index;
  for (const std::string& name : names) index.append(name);
  return index.names();
}

LabelNames LabelNames::packed() const {
  if (packed_ || size() == 0) return *this;
  std::vector<std::string> names;
  for (uint32_t label = 0; label < size(); ++label) names.push_back(name(label));
  return LabelNames(PackedNames::pack(names));
}

std::string LabelNames::name(uint32_t label) const {
  return packed_ ? packed_->name(label) : std::string(plain_name(label));
}

std::string_view LabelNames::name(uint32_t label, std::string& scratch) const {
  return packed_ ? packed_->name(label, scratch) : plain_name(label);
}

std::string_view LabelNames::plain_name(uint32_t label) const noexcept {
  if (label >= size()) return {};
  const uint64_t begin = offsets_[label];
  const uint64_t end = offsets_[size_t{label} + 1];
  if (begin > end || end > bytes_.size()) return {};
  return {bytes_.data() + begin, static_cast<size_t>(end - begin)};
}

std::optional<uint32_t> LabelNames::find(std::string_view wanted) const {
  return packed_ ? packed_->find(wanted) : find_after(0, wanted);
}

bool LabelNames::is_repeated(std::string_view wanted) const {
  return packed_ ? packed_->is_repeated(wanted) : find_after(1, wanted).has_value();
}

std::optional<uint32_t> LabelNames::find_after(size_t others, std::string_view wanted) const noexcept {
  const size_t n_slots = slots_.size();
  if (n_slots == 0) return std::nullopt;
  size_t slot = static_cast<size_t>(hash_of_name(wanted)) % n_slots;
  // The bound on the probes ends the search in a damaged table without a free slot.
  for (size_t probes = 0; probes < n_slots; ++probes) {
    const uint32_t entry = slots_[slot];
    if (entry == 0) return std::nullopt;
    if (entry - 1 < size() && plain_name(entry - 1) == wanted && others-- == 0) return entry - 1;
    if (++slot == n_slots) slot = 0;
  }
  return std::nullopt;
}

}  // namespace coppice
