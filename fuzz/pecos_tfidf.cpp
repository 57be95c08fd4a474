// SPDX-License-Identifier: Apache-2.0
//
// The files of a PECOS tf-idf folder: config.json, meta.json and the four of its part, separated by lines of four
// dashes.
#include "coppice/model/pecos_tfidf.h"

#include <cmath>

#include "coppice/model/import_pecos.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static constexpr std::string_view kFiles[] = {"config.json",
                                                "meta.json",
                                                "0.base/tokenizer/config.json",
                                                "0.base/tokenizer/vocab.txt",
                                                "0.base/vectorizer/config.json",
                                                "0.base/vectorizer/tfidf-model.txt"};
  static const coppice::ScratchFolder scratch;
  const auto parts = coppice::parts_of(coppice::text_of(bytes, size), std::size(kFiles));
  for (size_t i = 0; i < parts.size(); ++i) scratch.write(kFiles[i], parts[i]);
  try {
    const coppice::PecosTfidf read = coppice::read_pecos_tfidf(scratch.path(""));
    for (const auto& part : read.parts) coppice::require(part.features.size() == part.idf.size());
    const coppice::Vectorizer vectorizer = coppice::import_pecos_vectorizer(scratch.path(""));
    vectorizer.verify();
    coppice::Vectorizer::State state;
    for (const float value : vectorizer.transform("window manager, Fen\xC3\xAAtre, x", state).values)
      coppice::require(std::isfinite(value));
  } catch (const coppice::Error& error) {
    // A file may be missing (io): a number of parts above those that there are.
    coppice::require(error.code() != coppice::ErrorCode::internal);
  }
  return 0;
}
