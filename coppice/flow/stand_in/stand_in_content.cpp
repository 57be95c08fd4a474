// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in_content.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_schema.h"
#include "coppice/flow/stand_in/stand_in_words.h"

namespace coppice {
namespace {

using nlohmann::json;
using Of = StandInDraws::Of;

constexpr size_t kMostKeywords = 48;
constexpr const char* kOffTopic = "off_topic";

uint64_t prose_tokens(const StandInAsk& ask) {
  const double quantile = std::clamp(ask.draws.content(Of::length).uniform(), 1e-9, 1 - 1e-9);
  return static_cast<uint64_t>(std::clamp(ask.model.answer_tokens.at(quantile), 1.0, 1e6));
}

bool schema_is_ignored(const StandInAsk& ask, const StandInChat& chat) {
  return chat.wants_json && ask.has(StandInFault::ignored_schema);
}

std::string instance_text(const json& schema, StandInWriter& writer) {
  try {
    return compact_text(schema_instance(schema, writer));
  } catch (const Error& error) {
    throw StandInRefusal{400, error.what(), "invalid_request_error", "response_format", "invalid_schema"};
  }
}

/// The headings that the prompt asks for: lines "## Title" below the last one that speaks of sections and ends with a
/// colon.
std::vector<std::string> sections_asked_for(const std::string& prompt) {
  std::vector<std::string> headings;
  std::istringstream lines(prompt);
  bool is_asked = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with(':') && line.find("sections") != line.npos) {
      is_asked = true;
      headings.clear();
    } else if (is_asked && line.starts_with("## ")) {
      headings.push_back(line);
    } else if (!line.empty()) {
      is_asked = false;
    }
  }
  return headings;
}

/// As long as prose without them, over all, and none cut off by the limit of the request where that has room for all.
std::string in_sections(const std::vector<std::string>& headings, const StandInChat& chat, uint64_t tokens,
                        StandInWriter& writer) {
  constexpr uint64_t kLinesOfAHeading = 2;  // in tokens, above and below
  uint64_t heading_tokens = 0;
  for (const std::string& heading : headings) heading_tokens += stand_in_tokens(heading) + kLinesOfAHeading;
  const uint64_t limit = chat.most_output_tokens;
  const uint64_t room = limit == 0 ? tokens : limit - std::min(limit, heading_tokens);
  const uint64_t each = std::min(tokens, room) / headings.size();
  std::string text;
  for (const std::string& heading : headings) {
    const std::string words = writer.paragraph(each);
    text += (text.empty() ? "" : "\n\n") + heading + "\n\n" + words.substr(0, stand_in_token_begin(words, each));
  }
  return text;
}

/// Made of words alone.
std::string made_up(const StandInAsk& ask, const StandInChat& chat, std::vector<std::string> words) {
  StandInWriter writer(std::move(words), ask.draws.content(Of::words));
  if (!chat.wants_json || schema_is_ignored(ask, chat)) {
    const auto headings = sections_asked_for(chat.question.prompt);
    return headings.empty() ? writer.paragraph(prose_tokens(ask))
                            : in_sections(headings, chat, prose_tokens(ask), writer);
  }
  if (!chat.question.schema.is_null()) return instance_text(chat.question.schema, writer);
  const json keywords = {writer.word(), writer.word(), writer.word()};
  return compact_text(json{{"answer", writer.sentence()}, {"keywords", keywords}});
}

double quality_of(const StandInAsk& ask, const StandInRule* rule) {
  if (rule == nullptr) return ask.model.quality;
  for (const std::string& name : {ask.model_name, std::string("*")}) {
    if (const auto found = rule->quality.find(name); found != rule->quality.end()) return found->second;
  }
  return ask.model.quality;
}

bool is_flawed(const StandInAsk& ask, const StandInRule* rule) {
  return ask.draws.content(Of::quality).uniform() >= quality_of(ask, rule);
}

const StandInFlaw& drawn_flaw(const std::vector<StandInFlaw>& flaws, Random random) {
  double sum = 0;
  for (const StandInFlaw& flaw : flaws) sum += flaw.rate;
  double left = random.uniform() * sum;
  for (const StandInFlaw& flaw : flaws) {
    if (left < flaw.rate) return flaw;
    left -= flaw.rate;
  }
  return flaws.back();
}

struct FittingRule {
  const StandInRule* rule = nullptr;
  json found;
};

FittingRule fitting_rule(const StandInAsk& ask, const StandInQuestion& question) {
  for (const StandInRule& rule : ask.model.answers) {
    if (auto found = fits(rule, question)) return {&rule, std::move(*found)};
  }
  return {};
}

/// Nothing where the rule has no flaw of its own and one is due.
std::optional<StandInText> text_of(const FittingRule& fitting, const StandInAsk& ask, const StandInQuestion& question) {
  const StandInRule& rule = *fitting.rule;
  if (!is_flawed(ask, &rule)) return StandInText{rule_text(rule.content, question, fitting.found), ""};
  if (rule.flawed.empty()) return std::nullopt;
  const StandInFlaw& flaw = drawn_flaw(rule.flawed, ask.draws.content(Of::flaw));
  return StandInText{rule_text(flaw.content, question, fitting.found), flaw.name};
}

/// The text of an object with its first key before it once more, or "" for what is no object.
std::string with_key_twice(const std::string& text) {
  const json value = parse_json(text);
  if (!value.is_object() || value.empty()) return {};
  return "{" + compact_text(json(value.begin().key())) + ":null," + text.substr(text.find('{') + 1);
}

}  // namespace

StandInText stand_in_content(const StandInAsk& ask, const StandInChat& chat) {
  if (!schema_is_ignored(ask, chat)) {
    const FittingRule fitting = fitting_rule(ask, chat.question);
    if (fitting.rule != nullptr) {
      if (auto text = text_of(fitting, ask, chat.question)) return *text;
      return {made_up(ask, chat, stand_in_off_topic_words()), kOffTopic};
    }
  }
  if (is_flawed(ask, nullptr)) return {made_up(ask, chat, stand_in_off_topic_words()), kOffTopic};
  return {made_up(ask, chat, stand_in_keywords(chat.question.prompt, kMostKeywords)), ""};
}

std::optional<StandInText> content_by_rule(const StandInAsk& ask, const StandInQuestion& question) {
  const FittingRule fitting = fitting_rule(ask, question);
  return fitting.rule == nullptr ? std::nullopt : text_of(fitting, ask, question);
}

std::string spoiled(const std::string& text, StandInFault fault) {
  switch (fault) {
    case StandInFault::invalid_json: {  // what small models do: a comma too many; or one bracket too many
      const bool has_end = text.ends_with('}') || text.ends_with(']');
      return has_end ? text.substr(0, text.size() - 1) + "," + text.back() : text + "}";
    }
    case StandInFault::truncated_json:
      return text.substr(0, stand_in_token_begin(text, stand_in_tokens(text) * 2 / 3));
    case StandInFault::duplicate_keys: {
      const std::string twice = with_key_twice(text);
      return twice.empty() ? text : twice;
    }
    default:
      return text;
  }
}

}  // namespace coppice
