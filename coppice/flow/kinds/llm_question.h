// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/kinds/calling_kind.h"

namespace coppice {

/// What steps say of a question to a model: {model, prompt, system, schema, sections, max_output_tokens, ...}. Part of
/// the schema of `with` of each kind that asks one.
nlohmann::json question_schema();

/// JSON Schema of the answer: the question's own; an object of texts for `sections`; else a text.
nlohmann::json answer_schema(const nlohmann::json& question);

/// What is wrong with the schema of a question, where one is written out without a template; `where()` is a JSON
/// pointer into what the question stands in, where it stands at `pointer`.
std::vector<Error> question_faults(const nlohmann::json& with, const std::string& pointer);

/// Asks, and gives the answer back: a valid value for a schema, an object for sections, else the text. `persona` begins
/// the system message. What is asked for sections says so at the end of its prompt, and is asked once more where one is
/// missing. Throws `ErrorCode::data` where it still is.
Awaitable<nlohmann::json> ask(nlohmann::json question, std::string persona, StepCalls& calls);

/// Cuts a text at lines that are headings: "## Visual Elements", "Visual Elements:", "**Visual Elements**", whatever
/// their case. Keys are the titles in lower case with underscores: "visual_elements". Throws `ErrorCode::data` naming
/// the one that is not there.
nlohmann::json cut_sections(const std::string& text, const std::vector<std::string>& titles);

/// "Visual Elements" -> "visual_elements".
std::string section_key(const std::string& title);

}  // namespace coppice
