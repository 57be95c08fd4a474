// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/provenance.h"

#include <algorithm>
#include <array>

#include "coppice/http/message.h"

namespace coppice {
namespace {

constexpr std::array<const char*, 5> kNames = {"none", "measured", "unrecorded", "replayed", "simulated"};

}  // namespace

const char* name(Provenance provenance) noexcept {
  return kNames[static_cast<size_t>(provenance)];
}

const char* title(Provenance provenance) noexcept {
  if (provenance == Provenance::none) return "no model answered";
  return provenance == Provenance::unrecorded ? "not recorded whether measured" : name(provenance);
}

Provenance provenance_named(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return Provenance::unrecorded;
  return static_cast<Provenance>(found - kNames.begin());
}

Provenance provenance_of(const HttpResponse& response) noexcept {
  if (response.headers.find("x-stand-in")) return Provenance::simulated;
  if (response.is_replayed) return Provenance::replayed;
  return response.headers.all().empty() ? Provenance::unrecorded : Provenance::measured;
}

}  // namespace coppice
