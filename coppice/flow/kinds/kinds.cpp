// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/kinds/kinds.h"

namespace coppice {

void add_kinds(StepKinds& kinds, const Engines& engines) {
  add_llm_kinds(kinds);
  add_engine_kinds(kinds, engines);
  add_text_kinds(kinds);
  add_check_kinds(kinds);
  add_outside_kinds(kinds);
  add_file_kind(kinds);
  add_approve_kind(kinds);
}

}  // namespace coppice
