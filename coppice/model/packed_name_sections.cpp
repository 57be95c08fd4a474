// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/packed_name_sections.h"

#include <utility>

namespace coppice {

void add_packed_names(ModelFileWriter& writer, const PackedNamePlaces& places, const PackedNames& names) {
  const PackedNames::Tables& tables = names.tables();
  writer.add({places.entries}, tables.bytes, places.need);
  writer.add({places.blocks}, tables.block_begins, places.need);
  writer.add({places.symbols}, tables.symbol_bytes, places.need);
  writer.add({places.symbol_begins}, tables.symbol_begins, places.need);
  writer.add({places.ranks}, tables.ranks, places.need);
}

PackedNames read_packed_names(const ModelFile& file, const PackedNamePlaces& places, uint32_t n_names) {
  PackedNames::Tables tables;
  tables.n_names = n_names;
  tables.bytes = file.array<char>({places.entries});
  tables.block_begins = file.array<uint32_t>({places.blocks});
  tables.symbol_bytes = file.array<char>({places.symbols});
  tables.symbol_begins = file.array<uint32_t>({places.symbol_begins});
  tables.ranks = file.array<uint8_t>({places.ranks});
  return PackedNames(std::move(tables));
}

}  // namespace coppice
