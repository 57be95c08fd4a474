// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace coppice {

struct HttpResponse;

/// Where figures come from. Of several the last one in this order counts: `std::max`.
enum class Provenance : uint8_t {
  none,        ///< no model has answered
  measured,    ///< a server has
  unrecorded,  ///< somebody has, and nobody has written down who
  replayed,    ///< a cassette has (cassette.h)
  simulated    ///< a stand-in has (stand_in.h), whether now or when the cassette was recorded
};

/// "measured": as it stands in JSON.
const char* name(Provenance provenance) noexcept;
/// For readers: "measured", and "no model answered".
const char* title(Provenance provenance) noexcept;
/// What has that name; `unrecorded` of any other text.
Provenance provenance_named(std::string_view name) noexcept;

/// Who has given this answer; `unrecorded` where its headers were lost on the way.
Provenance provenance_of(const HttpResponse& response) noexcept;

}  // namespace coppice
