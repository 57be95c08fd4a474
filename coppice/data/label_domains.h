// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coppice/math/array.h"

namespace coppice {

/// To which domain each of the labels 0..L-1 belongs, as the intent "pin_change" does to "banking": to one, or to none.
///
/// Threads: const methods are thread-safe.
class LabelDomains {
 public:
  static constexpr size_t kMostNarrow = UINT8_MAX;    ///< domains whose numbers fit into a byte, beside that of none
  static constexpr size_t kMostDomains = UINT16_MAX;  ///< the same of two bytes

  LabelDomains() = default;

  /// Arrays as in the model file: the domain of each label in `narrow` where there are up to kMostNarrow of them, else
  /// in `wide`; the largest number stands for none.
  LabelDomains(std::vector<std::string> names, Array<uint8_t> narrow, Array<uint16_t> wide)
      : names_(std::move(names)), narrow_(std::move(narrow)), wide_(std::move(wide)) {}

  /// Throws `ErrorCode::data` for more domains than kMostDomains.
  static LabelDomains from(std::vector<std::string> names, std::span<const std::optional<uint32_t>> domains);

  /// The names of the domains, by their numbers.
  const std::vector<std::string>& names() const noexcept { return names_; }

  /// Of how many labels the domain is known, one that is none included.
  size_t size() const noexcept { return narrow_.size() + wide_.size(); }

  /// The domain of a label, whatever the arrays hold a number below that of the names.
  std::optional<uint32_t> of(uint32_t label) const noexcept {
    uint32_t domain = kMostDomains;
    if (label < narrow_.size()) domain = narrow_[label];
    if (label < wide_.size()) domain = wide_[label];
    return domain < names_.size() ? std::optional(domain) : std::nullopt;
  }

  const Array<uint8_t>& narrow() const noexcept { return narrow_; }
  const Array<uint16_t>& wide() const noexcept { return wide_; }

 private:
  std::vector<std::string> names_;
  Array<uint8_t> narrow_;
  Array<uint16_t> wide_;
};

/// How many labels belong to a domain.
size_t n_labels_in_domains(const LabelDomains& domains);

}  // namespace coppice
