// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "coppice/data/passage_reader.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

/// Passages that are taken have ids of their own and texts that are UTF-8; parts keep to their size.
void expect_sound(const coppice::PassageList& list, uint32_t chunk_words) {
  std::set<std::string> ids;
  for (const coppice::Passage& passage : list.passages) {
    coppice::require(!passage.id.empty() && ids.insert(passage.id).second);
    coppice::require(coppice::is_valid_utf8(passage.text) && coppice::is_valid_utf8(passage.metadata));
    coppice::require(passage.metadata.empty() || passage.metadata.front() == '{');
    if (chunk_words == 1) coppice::require(passage.text.size() < 4 || passage.text.find("a b") == std::string::npos);
  }
}

}  // namespace

/// Passages as rows and as a text, whole and in parts; only data errors may come of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::ScratchFolder scratch;
  const std::string path = scratch.write("passages", coppice::text_of(bytes, size));
  for (const coppice::PassageFormat format : {coppice::PassageFormat::jsonl, coppice::PassageFormat::text}) {
    for (const uint32_t chunk_words : {0U, 1U, 7U}) {
      coppice::PassageReadOptions options;
      options.format = format;
      options.chunk_words = chunk_words;
      options.chunk_overlap = chunk_words / 2;
      try {
        expect_sound(coppice::read_passages({path}, options), chunk_words);
      } catch (const coppice::Error& error) {
        coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
        coppice::require(!error.where().empty());
      }
    }
  }
  return 0;
}
