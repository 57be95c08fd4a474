// SPDX-License-Identifier: Apache-2.0
#include "fuzz/examples_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  coppice::ReadOptions options;
  options.format = coppice::Format::svm;
  return coppice::fuzz_examples(bytes, size, options);
}
