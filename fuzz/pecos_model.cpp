// SPDX-License-Identifier: Apache-2.0
//
// A PECOS model folder of which some files are any bytes: param.json of the ranker and of both levels, and the cluster
// and weight matrices of the first level, separated by lines of four dashes.
#include "coppice/model/import_pecos.h"
#include "coppice/model/pecos_folder_fixture.h"
#include "coppice/model/sample_model.h"
#include "fuzz/examples_target.h"
#include "fuzz/scratch_folder.h"

namespace {

constexpr std::string_view kFiles[] = {"model/ranker/param.json", "model/ranker/0.model/param.json",
                                       "model/ranker/1.model/param.json", "model/ranker/0.model/C.npz",
                                       "model/ranker/0.model/W.npz"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  static const coppice::PecosFolder folder;
  static coppice::ThreadPool pool(1);
  const auto parts = coppice::parts_of(coppice::text_of(bytes, size), std::size(kFiles));
  folder.write_ranker();
  for (size_t i = 0; i < parts.size(); ++i) {
    if (!parts[i].empty()) folder.write(kFiles[i], parts[i]);
  }
  try {
    const coppice::Model model = coppice::import_pecos(folder / "model", {}, pool);
    model.verify();
    coppice::ask_everything(model);
  } catch (const coppice::Error& error) {
    coppice::require(error.code() != coppice::ErrorCode::internal);
  }
  return 0;
}
