// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/label_name_sections.h"

#include "coppice/model/packed_name_sections.h"

namespace coppice {
namespace {

constexpr PackedNamePlaces kLabelNamePlaces{SectionType::label_name_entries, SectionType::label_name_blocks,
                                            SectionType::label_name_symbols, SectionType::label_name_symbol_begins,
                                            SectionType::label_name_ranks,   SectionNeed::required};

}  // namespace

LabelNames read_label_names(const ModelFile& file, uint32_t n_labels) {
  if (file.has({SectionType::label_name_entries})) {
    return LabelNames(read_packed_names(file, kLabelNamePlaces, n_labels));
  }
  return LabelNames(file.array<char>({SectionType::label_name_bytes}),
                    file.array<uint64_t>({SectionType::label_name_offsets}),
                    file.array<uint32_t>({SectionType::label_name_slots}));
}

void add_label_names(ModelFileWriter& writer, const LabelNames& names) {
  if (names.packed_names() != nullptr) return add_packed_names(writer, kLabelNamePlaces, *names.packed_names());
  writer.add({SectionType::label_name_bytes}, names.bytes());
  writer.add({SectionType::label_name_offsets}, names.offsets());
  writer.add({SectionType::label_name_slots}, names.slots());
}

}  // namespace coppice
