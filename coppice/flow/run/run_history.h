// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "coppice/flow/journal/journal.h"

namespace coppice {

/// What came of a call cost that much; 0 of other events.
Money cost_of(const Event& event) noexcept;

/// What a run had done before it was interrupted, as its journal tells it.
class RunHistory {
 public:
  RunHistory() = default;
  explicit RunHistory(const std::vector<Event>& events);

  /// The output of a step that ended, if it was given the same as now.
  std::optional<std::string> output(const std::string& step, int64_t item, const std::string& input_hash) const;

  /// Has it ended, whatever it was given?
  bool is_done(const std::string& step, int64_t item) const { return done_.contains({step, item}); }

  /// The answer to a call, if the same was asked. Answers of a model by which the step then failed (a refusal, no JSON)
  /// are none: the step is tried anew.
  std::optional<std::string> answer(const std::string& step, int64_t item, uint32_t call,
                                    const std::string& request_hash) const;

  /// Calls that were sent and of which nobody knows what came of them: the program died.
  const std::vector<Event>& open_calls() const noexcept { return open_; }

  /// Was this call, or effect, open once, and not allowed since to be done again?
  bool is_unknown(const std::string& step, int64_t item, uint32_t call) const;

  /// Items of the step of which something is unknown in that sense; -1 = the step has none.
  std::set<int64_t> unknown_items(const std::string& step) const;

  /// What a person said.
  std::optional<std::string> approval(const std::string& step, int64_t item) const;

  /// What a person said and is not out of date: since then nothing of the step became unknown.
  std::optional<std::string> standing_answer(const std::string& step, int64_t item) const;
  /// Items of the step that have one.
  std::set<int64_t> answered_items(const std::string& step) const;

 private:
  void forget_answers(const std::string& step);

  using Place = std::pair<std::string, int64_t>;
  using Call = std::tuple<std::string, int64_t, uint32_t>;

  std::map<Place, std::pair<std::string, std::string>> done_;     // hash, output
  std::map<Call, std::pair<std::string, std::string>> answered_;  // hash, answer
  std::map<Place, std::string> approved_, standing_;
  std::set<Call> unknown_;
  std::vector<Event> open_;
};

}  // namespace coppice
