// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/label_names.h"

#include "coppice/data/label_resolver.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

/// A file of label names: each name is found again, at its first place.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::ScratchFolder scratch;
  try {
    const coppice::LabelNames names = coppice::read_label_names(scratch.write("names", coppice::text_of(bytes, size)));
    coppice::require(names.size() > 0);
    for (uint32_t label = 0; label < names.size(); ++label) {
      const auto found = names.find(names.name(label));
      coppice::require(found.has_value() && *found <= label && names.name(*found) == names.name(label));
      coppice::require(coppice::is_valid_utf8(names.name(label)));
    }
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
  }
  return 0;
}
