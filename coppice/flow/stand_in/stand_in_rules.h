// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/stand_in/stand_in_given.h"
#include "coppice/flow/template/template.h"

namespace coppice {

class StandInFields;

/// What a request asks, as rules and templates see it.
struct StandInQuestion {
  std::string path, model;
  std::string step;    ///< metadata.step of the request, which simulations set
  std::string prompt;  ///< what the user says: all messages of that role, with an empty line between; of an image, its
                       ///< prompt
  std::string system;  ///< the same of the roles system and developer
  std::string text;    ///< of all messages
  nlohmann::json messages = nlohmann::json::array();
  nlohmann::json schema;                   ///< null = none
  uint64_t seed = 0;                       ///< the request's own; 0 = none
  double draw = 0;                         ///< in [0, 1), by the hash of the request
  const nlohmann::json* inputs = nullptr;  ///< of the run that asks, where that is known
};

/// A text, one of some texts, a JSON value, or a template of either: a template that is a list or an object has
/// templates in its texts, and values keep their type.
class StandInContent {
 public:
  /// Reads the one of the keys "text", "one_of", "json" and "template" that is there, and beside "one_of" what was
  /// "given" for each of the texts. Throws `ErrorCode::usage` for none, for more, and for a template that is none.
  static StandInContent read(StandInFields& fields);

  /// `draw` in [0, 1) chooses one of some texts, which then says what the question's run was given. Throws
  /// `ErrorCode::data` where a template reads what is not there.
  std::string text(const TemplateScope& scope, const StandInQuestion& question) const;

 private:
  std::string chosen(const StandInQuestion& question) const;

  nlohmann::json value_;
  bool is_choice_ = false;
  std::vector<GivenTexts> given_;    ///< of each of some texts; none where nothing is known of what was given
  std::vector<Template> templates_;  ///< of the texts in the value, in order; none where it is no template
};

/// A wrong answer.
struct StandInFlaw {
  std::string name;
  double rate = 1;  ///< its weight among those of its rule
  StandInContent content;
};

/// A value that stands in the prompt between two literal texts.
struct StandInMark {
  std::string name, before, after;
  std::optional<std::string> otherwise;  ///< where they are not there; nothing = the rule does not fit then
};

/// What is answered to which requests.
struct StandInRule {
  std::string place;                           ///< in the settings, "answers[2]"
  std::vector<std::string> models, paths;      ///< one of them; none = any model; none = chat completions
  std::vector<std::string> steps;              ///< one of them; none = any
  std::vector<std::string> step_texts;         ///< all of these, where a request does not tell its step
  std::vector<std::string> contains;           ///< one of these texts at least
  std::vector<std::string> all_of;             ///< all of these
  std::vector<std::string> schema_properties;  ///< the schema has all of these, at its top
  std::vector<StandInMark> find;
  std::map<std::string, double> quality;  ///< by model, "*" = any other: the part of the answers without a flaw
  StandInContent content;
  std::vector<StandInFlaw> flawed;
};

/// Throws `ErrorCode::usage` naming the place.
std::vector<StandInRule> read_rules(const nlohmann::json& settings, const std::string& place);

/// What was found by name, or nothing where the rule does not fit.
std::optional<nlohmann::json> fits(const StandInRule& rule, const StandInQuestion& question);

/// The content for a request; templates see prompt, system, messages, model, words (keywords of the prompt), schema,
/// seed, draw and what was found, by its name and in `found`.
std::string rule_text(const StandInContent& content, const StandInQuestion& question, const nlohmann::json& found);

}  // namespace coppice
