// SPDX-License-Identifier: Apache-2.0
#include "coppice/app/named_label.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/options.h"
#include "coppice/model/answer.h"

namespace coppice::app {
namespace {

/// Names of about the length of `name`: those much longer or shorter are near to nothing.
std::vector<std::string> candidates(const LabelNames& names, const std::string& name) {
  const size_t most = std::max<size_t>(2, name.size() / 3);
  std::vector<std::string> near;
  for (uint32_t label = 0; label < names.size(); ++label) {
    const std::string other = names.name(label);
    if (other.size() + most >= name.size() && name.size() + most >= other.size()) near.emplace_back(other);
  }
  return near;
}

}  // namespace

uint32_t named_label(const Model& model, const std::string& name, const std::string& where) {
  try {
    return find_label(model, name);
  } catch (const Error& error) {
    const std::string nearest = nearest_name(name, candidates(model.label_names(), name));
    throw Error(error.code(), error.what(), where, nearest.empty() ? std::string() : "did you mean '" + nearest + "'?");
  }
}

}  // namespace coppice::app
