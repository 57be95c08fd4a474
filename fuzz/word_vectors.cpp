// SPDX-License-Identifier: Apache-2.0
#include "coppice/index/word_vectors.h"

#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

/// Word vectors of every format, for labels some of which the seeds know.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static constexpr std::string_view kNames[] = {"New York", "window manager", "caf\xC3\xA9", "", "a-b"};
  const coppice::LabelNameList names{static_cast<uint32_t>(std::size(kNames)),
                                     [](uint32_t label) { return std::string(kNames[label]); }};
  for (const auto format :
       {coppice::WordVectorFormat::detect, coppice::WordVectorFormat::text, coppice::WordVectorFormat::binary}) {
    try {
      const coppice::LabelVectors vectors = coppice::read_label_vectors(
          coppice::InputStream::from_memory(coppice::text_of(bytes, size), "input"), names, {format});
      vectors.features.validate("vectors");
      coppice::require(vectors.features.n_rows() == names.n_labels && vectors.n_found <= names.n_labels);
    } catch (const coppice::Error& error) {
      coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
    }
  }
  return 0;
}
