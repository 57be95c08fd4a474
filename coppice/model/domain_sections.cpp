// SPDX-License-Identifier: Apache-2.0
#include "coppice/model/domain_sections.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "coppice/model/json_section.h"

namespace coppice {

void add_domains(ModelFileWriter& writer, const LabelDomains& domains) {
  if (domains.names().empty()) return;
  const nlohmann::ordered_json object{{"names", domains.names()}};
  writer.add_text({SectionType::domain_names}, ElementType::json, object.dump(), SectionNeed::optional);
  if (domains.names().size() > LabelDomains::kMostNarrow) {
    writer.add({SectionType::label_domains}, domains.wide(), SectionNeed::optional);
  } else {
    writer.add({SectionType::label_domains}, domains.narrow(), SectionNeed::optional);
  }
}

LabelDomains read_domains(const ModelFile& file) {
  if (!file.has({SectionType::domain_names}) || !file.has({SectionType::label_domains})) return {};
  std::vector<std::string> names =
      texts_at(json_section(file, SectionType::domain_names).value, "names", LabelDomains::kMostDomains, file);
  if (names.size() > LabelDomains::kMostNarrow) {
    return {std::move(names), {}, file.array<uint16_t>({SectionType::label_domains})};
  }
  return {std::move(names), file.array<uint8_t>({SectionType::label_domains}), {}};
}

}  // namespace coppice
