// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "coppice/core/random.h"
#include "coppice/flow/llm/prices.h"
#include "coppice/flow/stand_in/stand_in_faults.h"
#include "coppice/flow/stand_in/stand_in_options.h"
#include "coppice/flow/stand_in/stand_in_script.h"

namespace coppice {

/// Thrown where a request gets an error as OpenAI's servers send it: {"error": {message, type, param, code}}.
struct StandInRefusal {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param = "", code = "";  ///< "" = null
};

/// What is decided by chance for one request. Each kind of draw has a stream of its own.
struct StandInDraws {
  uint64_t key = 0;           ///< of the seed and the request, but for how much of its answer is sent, and how
  uint32_t times_before = 0;  ///< how often the same request came before

  enum class Of : uint64_t { quality = 1, flaw, words, length, templates, picture, fault, id };

  /// The same each time the request comes: contents.
  Random content(Of what) const noexcept { return Random(key, static_cast<uint64_t>(what)); }
  /// Another one each time: faults and times, so that what is tried again can go well.
  Random attempt(Of what) const noexcept { return Random(attempt_key(), static_cast<uint64_t>(what)); }
  uint64_t attempt_key() const noexcept { return Random(key, uint64_t{1} << 32 | times_before).next(); }
};

/// A request to a model, and all that decides its answer.
struct StandInAsk {
  const nlohmann::json& body;
  const std::string& path;
  const std::string& model_name;  ///< as the request has it
  const StandInModel& model;
  const StandInOptions& options;
  StandInDraws draws;
  std::optional<StandInFault> fault;

  bool has(StandInFault one) const noexcept { return fault == one; }
};

/// The answer to a request, before anything is said of when it is sent.
struct StandInReply {
  Usage usage;
  uint64_t later_tokens = 0;            ///< tokens that come one after the other, but for the first; 0 = comes whole
  std::string flaw;                     ///< the name of what is wrong with the content, "" = nothing
  std::string body;                     ///< of a plain answer
  std::string flood_head, flood_tail;   ///< the body before and after its content
  std::optional<StandInStream> stream;  ///< where one was asked for, without its times
};

/// "chatcmpl-0f3a...", of 24 digits.
std::string reply_id(const char* prefix, const StandInDraws& draws);

/// Seconds since 1970 that all answers bear: what is sent does not depend on when.
inline constexpr int64_t kStandInCreated = 1'735'689'600;

StandInReply chat_reply(const StandInAsk& ask);
StandInReply embedding_reply(const StandInAsk& ask);
StandInReply image_reply(const StandInAsk& ask);

}  // namespace coppice
