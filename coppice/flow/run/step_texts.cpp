// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/run/step_texts.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "coppice/core/error.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/utf8_cut.h"
#include "coppice/flow/template/template.h"

namespace coppice {
namespace {

using nlohmann::json;

constexpr size_t kShortest = 4, kLongest = 400;
constexpr char kExpression = '\x01';

void add_piece(std::string_view text, std::vector<std::string>& texts) {
  constexpr std::string_view kBlank = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == text.npos) return;
  text = text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
  if (text.size() < kShortest) return;
  std::string piece(utf8_cut(text, kLongest));
  if (std::find(texts.begin(), texts.end(), piece) == texts.end()) texts.push_back(std::move(piece));
}

void add_pieces(const std::string& written, const json& files, std::vector<std::string>& texts) {
  try {
    const Template text = Template::parse(written, {});
    const auto reference = text.single_reference();
    if (reference && reference->path.size() == 2 && reference->path[0] == "files") {
      return add_piece(text_field(field(files, reference->path[1].c_str()), "text"), texts);
    }
    const std::optional<std::string> outline = text.outline(std::string(1, kExpression));
    if (!outline) return;  // what a block holds may not be there
    for (size_t begin = 0; begin <= outline->size();) {
      const size_t end = std::min(outline->find(kExpression, begin), outline->size());
      add_piece(std::string_view(*outline).substr(begin, end - begin), texts);
      begin = end + 1;
    }
  } catch (const Error&) {
    return;  // of a workflow that was read by other rules
  }
}

}  // namespace

std::vector<std::string> step_texts(const json& workflow, const std::string& step) {
  const json& written = field(field(workflow, "steps"), step.c_str());
  const json& files = field(workflow, "files");
  const json& with = field(written, "with");
  std::vector<std::string> texts;
  add_piece(text_field(written, "persona"), texts);
  for (const json* question : {&with, &field(with, "fix"), &field(with, "otherwise")}) {
    if (field(*question, "model").is_null()) continue;
    add_pieces(text_field(*question, "system"), files, texts);
    add_pieces(text_field(*question, "prompt"), files, texts);
  }
  return texts;
}

}  // namespace coppice
