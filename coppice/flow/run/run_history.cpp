// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/run_history.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "coppice/core/error.h"

namespace coppice {
namespace {

bool is_same_attempt(const Event& a, const Event& b) {
  return a.step == b.step && a.item == b.item && a.call == b.call && a.attempt == b.attempt;
}

/// Did the step fail by what it was told, so that to hear the same once more would not help?
bool is_of_content(const Event& failed) {
  const auto said = nlohmann::json::parse(failed.payload, nullptr, false);
  return said.is_object() && said.value("code", "") == name(ErrorCode::data);
}

/// Answers of models, and not of servers on which something was done.
bool is_of_model(const std::string& answered) {
  const auto said = nlohmann::json::parse(answered, nullptr, false);
  return said.is_object() && said.contains("model");
}

bool is_yes(const std::string& approval) {
  const auto said = nlohmann::json::parse(approval, nullptr, false);
  return said.is_object() && said.value("approved", false);
}

}  // namespace

Money cost_of(const Event& event) noexcept {
  const bool is_end = event.kind == EventKind::call_answered || event.kind == EventKind::call_failed ||
                      event.kind == EventKind::call_unknown;
  return is_end ? event.amount : Money{};
}

RunHistory::RunHistory(const std::vector<Event>& events) {
  for (const Event& event : events) {
    const Place place{event.step, event.item};
    const Call call{event.step, event.item, event.call};
    switch (event.kind) {
      case EventKind::call_intended:
        open_.push_back(event);
        break;
      case EventKind::call_answered:
        answered_[call] = {event.input_hash, event.payload};
        [[fallthrough]];
      case EventKind::call_failed:
      case EventKind::call_unknown:
        std::erase_if(open_, [&](const Event& one) { return is_same_attempt(one, event); });
        if (event.kind == EventKind::call_unknown) {
          unknown_.insert(call);
          standing_.erase(place);
        } else {
          unknown_.erase(call);
        }
        break;
      case EventKind::step_done:
        done_[place] = {event.input_hash, event.payload};
        break;
      case EventKind::step_failed:
        if (is_of_content(event)) forget_answers(event.step);
        break;
      case EventKind::approved:
        approved_[place] = standing_[place] = event.payload;
        if (!is_yes(event.payload)) break;
        std::erase_if(unknown_, [&](const Call& one) { return Place(std::get<0>(one), std::get<1>(one)) == place; });
        break;
      default:
        break;
    }
  }
  for (const Event& event : open_) {
    unknown_.emplace(event.step, event.item, event.call);
    standing_.erase({event.step, event.item});
  }
}

/// They are in the journal, and paid, and asked for anew.
void RunHistory::forget_answers(const std::string& step) {
  std::erase_if(answered_,
                [&](const auto& one) { return std::get<0>(one.first) == step && is_of_model(one.second.second); });
}

std::optional<std::string> RunHistory::output(const std::string& step, int64_t item,
                                              const std::string& input_hash) const {
  const auto found = done_.find({step, item});
  if (found == done_.end() || found->second.first != input_hash) return std::nullopt;
  return found->second.second;
}

std::optional<std::string> RunHistory::answer(const std::string& step, int64_t item, uint32_t call,
                                              const std::string& request_hash) const {
  const auto found = answered_.find({step, item, call});
  if (found == answered_.end() || found->second.first != request_hash) return std::nullopt;
  const auto kept = nlohmann::ordered_json::parse(found->second.second, nullptr, false);
  return kept.is_object() && kept.contains("answer") ? std::optional(kept["answer"].dump()) : std::nullopt;
}

bool RunHistory::is_unknown(const std::string& step, int64_t item, uint32_t call) const {
  return unknown_.contains({step, item, call});
}

std::set<int64_t> RunHistory::unknown_items(const std::string& step) const {
  std::set<int64_t> items;
  for (const auto& [name, item, call] : unknown_) {
    if (name == step) items.insert(item);
  }
  return items;
}

std::optional<std::string> RunHistory::approval(const std::string& step, int64_t item) const {
  const auto found = approved_.find({step, item});
  if (found == approved_.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> RunHistory::standing_answer(const std::string& step, int64_t item) const {
  const auto found = standing_.find({step, item});
  if (found == standing_.end()) return std::nullopt;
  return found->second;
}

std::set<int64_t> RunHistory::answered_items(const std::string& step) const {
  std::set<int64_t> items;
  for (const auto& [place, said] : standing_) {
    if (place.first == step) items.insert(place.second);
  }
  return items;
}

}  // namespace coppice
