// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/template/template_names.h"

namespace coppice::templates {

Names::Found Names::find(const std::string& name) const {
  Found found;
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto entry = scope->slots.find(name);
    if (entry == scope->slots.end()) continue;
    found.slots.push_back(entry->second);
    if (is_set_[entry->second]) {
      found.may_be_outside = false;
      break;
    }
  }
  return found;
}

std::vector<std::string> Names::visible() const {
  std::vector<std::string> names;
  for (const Scope& scope : scopes_) {
    for (const auto& [name, slot] : scope.slots) names.push_back(name);
  }
  return names;
}

uint32_t Names::set(const std::string& name) {
  const auto [entry, is_new] = scopes_.back().slots.try_emplace(name, static_cast<uint32_t>(is_set_.size()));
  if (is_new) is_set_.push_back(false);
  if (!is_set_[entry->second]) {
    is_set_[entry->second] = true;
    set_slots_.push_back(entry->second);
  }
  return entry->second;
}

void Names::begin_scope() {
  scopes_.emplace_back().n_set_before = set_slots_.size();
}

std::vector<uint32_t> Names::end_scope() {
  std::vector<uint32_t> slots;
  for (const auto& [name, slot] : scopes_.back().slots) slots.push_back(slot);
  forget_from(scopes_.back().n_set_before);
  scopes_.pop_back();
  return slots;
}

void Names::forget_from(size_t begin) {
  for (; set_slots_.size() > begin; set_slots_.pop_back()) is_set_[set_slots_.back()] = false;
}

void Names::Branches::end_branch() {
  ++n_branches_;
  for (size_t i = begin_; i < names_.set_slots_.size(); ++i) ++n_setting_[names_.set_slots_[i]];
  names_.forget_from(begin_);
}

void Names::Branches::finish(bool one_is_always_run) {
  if (!one_is_always_run) return;
  for (const auto& [slot, n_setting] : n_setting_) {
    if (n_setting != n_branches_) continue;
    names_.is_set_[slot] = true;
    names_.set_slots_.push_back(slot);
  }
}

}  // namespace coppice::templates
