// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/passages.h"

#include <nlohmann/json.hpp>
#include <string>

#include "coppice/core/error.h"
#include "coppice/core/held_json.h"
#include "coppice/data/utf8.h"

namespace coppice {

void Passages::verify() const {
  const auto expect = [](bool holds, uint32_t label, const char* what) {
    if (!holds) throw Error(ErrorCode::data, "the passage of label " + std::to_string(label) + " " + what);
  };
  for (uint32_t label = 0; label < size(); ++label) {
    const uint64_t* const places = offsets_.data() + 2 * size_t{label};
    expect(places[0] <= places[1] && places[1] <= places[2], label, "ends before it begins");
    expect(is_valid_utf8(text(label)), label, "is not valid UTF-8");
    const std::string_view known = metadata(label);
    expect(known.empty() || parse_held_json(known).value.is_object(), label, "has metadata that are no JSON object");
  }
}

void PassagesBuilder::add(std::string_view text, std::string_view metadata) {
  for (const std::string_view part : {text, metadata}) {
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    offsets_.push_back(bytes_.size());
  }
}

Passages PassagesBuilder::build() {
  return {std::exchange(bytes_, {}), std::exchange(offsets_, {0})};
}

}  // namespace coppice
