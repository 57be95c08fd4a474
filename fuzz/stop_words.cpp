// SPDX-License-Identifier: Apache-2.0
#include "coppice/data/stop_words.h"

#include "coppice/data/vectorizer.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

/// A file of stop words, and a vectorizer that stops them; only data errors may come of it.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::ScratchFolder scratch;
  coppice::VectorizerOptions options;
  try {
    options.stop_words = coppice::read_stop_words(scratch.write("words", coppice::text_of(bytes, size)));
  } catch (const coppice::Error& error) {
    coppice::require(error.code() == coppice::ErrorCode::data || error.code() == coppice::ErrorCode::unsupported);
    coppice::require(!error.where().empty());
    return 0;
  }
  for (const std::string& word : options.stop_words) coppice::require(!word.empty() && word.front() != '#');
  const coppice::Vectorizer vectorizer =
      coppice::make_vectorizer(options, std::vector<coppice::ImportedFeature>{{{}, "window", 1.0F}});
  coppice::Vectorizer::State state;
  coppice::require(vectorizer.transform(coppice::text_of(bytes, size), state).size() <= 1);
  return 0;
}
