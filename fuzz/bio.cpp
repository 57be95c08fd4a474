// SPDX-License-Identifier: Apache-2.0
#include "coppice/tag/bio.h"

#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

/// A file of tags: only data errors with a place may come of it, and slots lie in their texts, from left to right.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::ScratchFolder scratch;
  coppice::BioOptions options;
  options.repair_tags = size % 2 == 0;
  try {
    const coppice::TaggedTexts texts =
        coppice::read_bio(scratch.write("tags", coppice::text_of(bytes, size)), {"city"}, options);
    coppice::require(!texts.rows.empty());
    for (const coppice::TaggedText& row : texts.rows) {
      uint32_t end = 0;
      for (const coppice::Slot& slot : row.slots) {
        coppice::require(slot.begin >= end && slot.end > slot.begin && slot.end <= row.text.size());
        coppice::require(slot.type < texts.slot_names.size());
        end = slot.end;
      }
    }
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
    coppice::require(!error.where().empty());
  }
  return 0;
}
