// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/passage_sections.h"

namespace coppice {

void add_passages(ModelFileWriter& writer, const Passages& passages) {
  if (passages.size() == 0) return;
  writer.add({SectionType::passage_bytes}, passages.bytes(), SectionNeed::optional);
  writer.add({SectionType::passage_offsets}, passages.offsets(), SectionNeed::optional);
}

Passages read_passages(const ModelFile& file) {
  if (!file.has({SectionType::passage_bytes}) || !file.has({SectionType::passage_offsets})) return {};
  return {file.array<char>({SectionType::passage_bytes}), file.array<uint64_t>({SectionType::passage_offsets})};
}

}  // namespace coppice
