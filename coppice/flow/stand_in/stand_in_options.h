// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "coppice/flow/llm/prices.h"
#include "coppice/flow/stand_in/stand_in_faults.h"
#include "coppice/flow/stand_in/stand_in_model.h"
#include "coppice/flow/stand_in/stand_in_rules.h"

namespace coppice {

/// What a server of older or simpler make passes over in silence.
struct StandInIgnores {
  bool json_schema = false;            ///< response_format of the type json_schema
  bool json_object = false;            ///< ... json_object, and a schema beside it
  bool schema_in_prompt = false;       ///< a schema in the words of the prompt
  bool stream_usage = false;           ///< stream_options.include_usage
  bool max_completion_tokens = false;  ///< knows max_tokens alone
};

/// One model of the stand-in.
struct StandInModel {
  nlohmann::json price_entry = nlohmann::json::object();  ///< as the price table has it; GET /prices shows it
  ModelPrice price;
  SpeedProfile speed;
  double quality = 1;              ///< the part of the answers without a flaw, where the rule says none
  Spread answer_tokens{120, 300};  ///< how long prose is
  uint64_t requests_per_minute = 0, tokens_per_minute = 0;  ///< 0 = no limit
  uint64_t context_tokens = 0;                              ///< prompt and answer together at most; 0 = any number
  uint64_t max_output_tokens = 0;                           ///< of an answer at most; 0 = any number
  double cached_share = 0;    ///< the part of each prompt that counts as read from a cache
  uint32_t dimensions = 256;  ///< of embeddings
  StandInIgnores ignores;
  StandInFaults faults;
  std::vector<StandInRule> answers;
};

/// What `coppice flow stand-in` is told.
struct StandInOptions {
  uint64_t seed = 1;              ///< another seed, other answers, times and faults
  double times_faster = 1;        ///< time runs so much faster than the settings say: 10 = a second takes 0.1 s
  std::string key;                ///< a request without "Authorization: Bearer KEY" gets 401; "" = none is asked for
  uint32_t tokens_per_event = 1;  ///< of a stream
  nlohmann::json inputs;          ///< of the run that all requests come from, which simulations set; null = not known
  std::map<std::string, StandInModel> models;  ///< "*" = any other; what is in none gets 404
};

/// Reads the settings:
///
///   {"seed": 1, "times_faster": 10, "key": "...", "tokens_per_event": 1,
///    "models": {"large": {"price": {"input_cost_per_token": 3e-6, "output_cost_per_token": 1.5e-5},
///                         "speed": {"first_token_seconds": {"median": 0.4, "p95": 1.2}, "input_token_seconds": 1e-4,
///                                   "output_token_seconds": 0.02, "slots": 8},
///                         "quality": 0.97, "requests_per_minute": 500, "faults": {...}, "answers": [...]}},
///    "faults": {"server_error": 0.01}, "answers": [{"when": {"contains": "colour"}, "text": "blue"}]}
///
/// `faults` and `answers` beside `models` hold for all models; a model's own faults go over them, its own answers come
/// first. Without `models` every name is a model. Throws `ErrorCode::usage` with the place ("models.large.speed") and
/// the nearest key; only objects, numbers, texts and lists of `settings` are looked at.
StandInOptions read_stand_in_options(const nlohmann::json& settings);

}  // namespace coppice
