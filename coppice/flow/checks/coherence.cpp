// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/checks/coherence.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "coppice/flow/checks/branch_terms.h"
#include "coppice/flow/checks/css_color.h"
#include "coppice/flow/checks/words.h"

namespace coppice {
namespace {

constexpr size_t kMostContradictions = 20;

/// The mean of what was added; nothing of nothing.
class Mean {
 public:
  void add(std::optional<double> value) noexcept {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  double value_or(double other) const noexcept { return count_ > 0 ? sum_ / static_cast<double>(count_) : other; }

 private:
  double sum_ = 0;
  size_t count_ = 0;
};

std::optional<double> terms_of(const BranchTerms& a, const BranchTerms& b, const WordWeights& weights) {
  double in_a = 0, in_b = 0, in_both = 0;
  for (const std::string& word : a.words) {
    const double weight = weights.of(word);
    in_a += weight;
    if (b.words.contains(word)) in_both += weight;
  }
  for (const std::string& word : b.words) in_b += weights.of(word);
  const double least = std::min(in_a, in_b);
  return least > 0 ? std::optional(in_both / least) : std::nullopt;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, substitute}));
    }
  }
  return row[b.size()];
}

/// Whether two names are meant to be the same, perhaps, and are not.
bool is_near_miss(const std::string& a, const std::string& b) {
  constexpr size_t kShortest = 5, kLong = 8;
  const size_t shorter = std::min(a.size(), b.size()), longer = std::max(a.size(), b.size());
  const size_t most = shorter < kLong ? 1 : 2;
  if (shorter < kShortest || longer - shorter > most || a == b) return false;
  const bool is_plural = a + "s" == b || b + "s" == a;
  return !is_plural && edit_distance(a, b) <= most;
}

/// What is said of two branches, as far as there is room for it.
class Pair {
 public:
  Pair(const BranchTerms& a, const BranchTerms& b, std::vector<std::string>& contradictions)
      : a_(a), b_(b), contradictions_(contradictions) {}

  std::optional<double> names() {
    size_t same = 0, misses = 0;
    for (const std::string& name : a_.names) same += b_.names.contains(name) ? 1 : 0;
    for (const std::string& name : a_.names) {
      if (b_.names.contains(name)) continue;
      for (const std::string& other : b_.names) {
        if (a_.names.contains(other) || !is_near_miss(name, other)) continue;
        ++misses;
        contradict(fmt::format("writes '{}'", shown(name)), fmt::format("'{}'", shown(other)));
      }
    }
    if (same + misses == 0) return std::nullopt;
    return static_cast<double>(same) / static_cast<double>(same + misses);
  }

  std::optional<double> numbers() {
    size_t same = 0, total = 0;
    for (const auto& [unit, values] : a_.numbers) {
      const auto other = b_.numbers.find(unit);
      if (other == b_.numbers.end()) continue;
      ++total;
      const bool agrees =
          std::any_of(values.begin(), values.end(), [&](double v) { return other->second.contains(v); });
      same += agrees ? 1 : 0;
      if (agrees) continue;
      contradict(fmt::format("says {:g} for '{}'", *values.begin(), shown(unit)),
                 fmt::format("{:g}", *other->second.begin()));
    }
    return total > 0 ? std::optional(static_cast<double>(same) / static_cast<double>(total)) : std::nullopt;
  }

  std::optional<double> colors() {
    if (a_.colors.empty() || b_.colors.empty()) return std::nullopt;
    const bool is_a_smaller = a_.colors.size() <= b_.colors.size();
    const BranchTerms &few = is_a_smaller ? a_ : b_, &many = is_a_smaller ? b_ : a_;
    constexpr double kAlike = 20;
    size_t alike = 0;
    for (const auto& [name, color] : few.colors) {
      const bool has_one = std::any_of(many.colors.begin(), many.colors.end(), [&, &own = color](const auto& other) {
        return color_difference(own, other.second) <= kAlike;
      });
      alike += has_one ? 1 : 0;
      if (!has_one)
        contradictions_add(fmt::format("'{}' has the colour {}, '{}' none like it", few.name, name, many.name));
    }
    return static_cast<double>(alike) / static_cast<double>(few.colors.size());
  }

 private:
  void contradict(const std::string& first, const std::string& second) {
    contradictions_add(fmt::format("'{}' {}, '{}' {}", a_.name, first, b_.name, second));
  }
  void contradictions_add(std::string text) {
    if (contradictions_.size() < kMostContradictions) contradictions_.push_back(std::move(text));
  }

  const BranchTerms& a_;
  const BranchTerms& b_;
  std::vector<std::string>& contradictions_;
};

}  // namespace

double words_f1(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a.empty() && b.empty()) return 1;
  std::unordered_map<std::string_view, size_t> left;
  for (const std::string& word : a) ++left[word];
  size_t common = 0;
  for (const std::string& word : b) {
    const auto found = left.find(word);
    if (found == left.end() || found->second == 0) continue;
    --found->second;
    ++common;
  }
  return 2 * static_cast<double>(common) / static_cast<double>(a.size() + b.size());
}

WordWeights::WordWeights(const std::vector<std::string>& texts) : n_texts_(texts.size()) {
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(text);
    for (const std::string& word : std::set<std::string>(words.begin(), words.end())) ++texts_with_[word];
  }
}

double WordWeights::of(const std::string& word) const {
  if (n_texts_ == 0) return 1;
  const auto found = texts_with_.find(word);
  const double with = found == texts_with_.end() ? 0 : found->second;
  return std::log((1 + static_cast<double>(n_texts_)) / (1 + with)) + 1;
}

Coherence coherence(const std::vector<Branch>& branches, const WordWeights& weights) {
  std::vector<BranchTerms> found;
  for (const Branch& branch : branches) found.push_back(branch_terms(branch));
  Coherence result;
  Mean terms, names, numbers, colors;
  for (size_t i = 0; i < found.size(); ++i) {
    for (size_t j = i + 1; j < found.size(); ++j) {
      Pair pair(found[i], found[j], result.contradictions);
      terms.add(terms_of(found[i], found[j], weights));
      names.add(pair.names());
      numbers.add(pair.numbers());
      colors.add(pair.colors());
    }
  }
  result.terms = terms.value_or(-1);
  result.names = names.value_or(-1);
  result.numbers = numbers.value_or(-1);
  result.colors = colors.value_or(-1);
  Mean all;
  for (const double one : {result.terms, result.names, result.numbers, result.colors}) {
    if (one >= 0) all.add(one);
  }
  result.all = all.value_or(1);
  return result;
}

}  // namespace coppice
