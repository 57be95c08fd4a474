// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/llm/llm_exchange.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/random.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/json/json_field.h"
#include "coppice/flow/llm/llm_answer.h"
#include "coppice/flow/llm/llm_errors.h"
#include "coppice/flow/llm/llm_request.h"
#include "coppice/flow/llm/llm_stream.h"
#include "coppice/flow/llm/pause.h"
#include "coppice/flow/llm/token_estimate.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

using Json = nlohmann::json;
using Clock = RunClock;

/// A shorter key ("none", "EMPTY") is no secret, and stands in answers by chance.
constexpr size_t kLeastSecretBytes = 16;

// What a limit on tokens holds in bytes, of any tokenizer: few have tokens that are longer, and no text has them alone.
constexpr uint64_t kMostBytesOfAToken = 32, kMoreBytes = 1024;
constexpr uint64_t kMostLimit = uint64_t{1} << 50;

bool is_success(int status) noexcept {
  return status >= 200 && status < 300;
}

Clock::time_point earlier(Clock::time_point deadline, std::chrono::milliseconds timeout) {
  const auto now = Clock::now();
  const std::chrono::duration<double> left = deadline - now, wanted = timeout;
  return wanted < left ? now + timeout : deadline;
}

/// ", after 3 tries; the server asks for a wait of 20 seconds": "" of what was tried once, and of which nobody knows
/// for how long to wait.
std::string tries_text(uint32_t tries, const HttpResponse* refusal) {
  std::string text = tries > 1 ? fmt::format(", after {} tries", tries) : std::string();
  if (refusal == nullptr) return text;
  const auto asked = asked_delay(refusal->headers, std::chrono::system_clock::now());
  if (asked) text += fmt::format("; the server asks for a wait of {} seconds", std::ceil(*asked / 100) / 10);
  return text;
}

/// What kind of error it is stays known: by that its caller goes on.
[[noreturn]] void rethrow_with(const std::exception_ptr& failure, const std::string& more) {
  if (more.empty()) std::rethrow_exception(failure);
  try {
    std::rethrow_exception(failure);
  } catch (const RefusedByServer& refused) {
    throw RefusedByServer(refused, more);
  } catch (const Error& error) {
    throw Error(error.code(), error.what() + more, error.where(), error.hint());
  }
}

Json error_json(std::exception_ptr failure, int status) {
  Json error{{"code", "internal"}, {"message", "not an error of ours"}};
  try {
    std::rethrow_exception(std::move(failure));
  } catch (const Error& fault) {
    error = {{"code", name(fault.code())}, {"message", fault.what()}};
  } catch (const std::exception& fault) {
    error["message"] = fault.what();
  } catch (...) {
    error["message"] = "something else was thrown";
  }
  if (status != 0) error["status"] = status;
  return {{"error", std::move(error)}};
}

/// Nothing for what is no `Error`.
std::optional<ErrorCode> code_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.code();
  } catch (...) {
    return {};
  }
}

Usage most_usage(const LlmAsk& ask) {
  Usage most;
  most.input_tokens = ask.basis.most_input;
  most.output_tokens = ask.basis.most_output;
  most.images = ask.images;
  return most;
}

bool is_refusal(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const RefusedByServer&) {
    return true;
  } catch (...) {
    return false;
  }
}

/// An estimate from the text that came is held to the limit on tokens, unless so much came that the server was not.
uint64_t most_output_of_text(const UsageBasis& basis) noexcept {
  constexpr uint64_t kSurelyMore = 2;
  return basis.likely_output / kSurelyMore > basis.most_output ? basis.likely_output : basis.most_output;
}

LlmReading chat_reading(const Json& body) {
  const Said<ChatAnswer> said = read_chat(body);
  return {chat_json(said.answer), said.usage, said.likely_output_tokens};
}

}  // namespace

std::string key_of(const Endpoint& endpoint) {
  if (endpoint.key_variable.empty() || !endpoint.needs_key) return {};
  const char* const value = std::getenv(endpoint.key_variable.c_str());
  std::string key = value == nullptr ? "" : value;
  constexpr std::string_view kBlank = " \t\r\n";
  key.erase(key.find_last_not_of(kBlank) + 1);
  key.erase(0, key.find_first_not_of(kBlank));
  const std::string variable = fmt::format("the environment variable '{}'", endpoint.key_variable);
  if (key.empty()) {
    throw Error(ErrorCode::usage, variable + " is not set", {},
                fmt::format("set it to the key of the endpoint '{}'", endpoint.name));
  }
  const bool is_plain = std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  if (!is_plain) throw Error(ErrorCode::usage, variable + " holds characters that stand in no key");
  return key;
}

ChatAnswer chat_answer(const Json& kept) {
  Said<ChatAnswer> said = read_chat(kept);
  if (said.usage) said.answer.usage = *said.usage;
  return std::move(said.answer);
}

/// One attempt, as far as it came.
struct LlmExchange::Tried {
  std::exception_ptr failure;
  bool was_sent = true;                  ///< or may have been
  std::optional<HttpResponse> response;  ///< its body is empty if it was streamed
  std::optional<ChatStream> stream;
  bool stream_began = false;
  std::optional<LlmReading> reading;
  double seconds = 0, first_token_seconds = 0;

  bool was_refused() const { return response && !is_success(response->status); }
  /// It was sent, and nothing came: only the server knows what it did.
  bool is_unknown() const { return was_sent && !response && !reading && !stream_began; }
};

LlmExchange::LlmExchange(HttpSender& sender, const LlmCall& call)
    : sender_(sender), call_(call), key_(key_of(call.endpoint)), secrets_(key_) {}

LlmAsk LlmExchange::ask_of(std::string_view path, Json body, uint32_t call) const {
  LlmAsk ask;
  ask.path = path;
  ask.hash = request_hash(call_.endpoint.url, path, body);
  ask.call = call;
  ask.basis.most_input = most_input_tokens(body);
  ask.basis.likely_input = likely_input_tokens(body);
  const auto limit = body.find(call_.endpoint.max_tokens_name);
  const bool is_paid_whole = path == kImagePath && call_.price && call_.price->image;
  if (limit != body.end()) {
    ask.basis.most_output = limit->get<uint64_t>();
  } else if (path != kEmbeddingPath && !is_paid_whole) {
    const uint64_t known = call_.price ? call_.price->max_output_tokens : 0;
    ask.basis.most_output = known > 0 ? known : call_.most_output_tokens;
  }
  ask.images = path == kImagePath ? 1 : 0;
  ask.body = std::move(body);
  if (path == kChatPath) ask.read = chat_reading;
  return ask;
}

std::optional<Json> LlmExchange::recorded(const LlmAsk& ask) const {
  const auto text = call_.recorder.recorded(ask.call, ask.hash);
  if (!text) return {};
  Json answer = parse_json(*text);
  if (!answer.is_object()) {
    throw Error(ErrorCode::data, "the answer that was recorded is no JSON object", {}, "the journal is damaged");
  }
  return answer;
}

Awaitable<Json> LlmExchange::send(const LlmAsk& ask) {
  for (uint32_t retries = 0;; ++retries) {
    Tried tried = co_await attempt(ask);
    if (!tried.failure) co_return std::move(tried.reading->answer);
    const auto wait = delay(ask, tried, retries);
    if (!wait) rethrow_with(tried.failure, tries_text(retries + 1, tried.was_refused() ? &*tried.response : nullptr));
    co_await pause(*wait, waiting());
  }
}

Awaitable<Json> LlmExchange::recorded_or_sent(const LlmAsk& ask) {
  if (auto kept = recorded(ask)) co_return std::move(*kept);
  co_return co_await send(ask);
}

Awaitable<LlmExchange::Tried> LlmExchange::attempt(const LlmAsk& ask) {
  EndpointGate::Permit permit;
  if (call_.gate != nullptr) {
    const bool is_limited = ask.body.contains(call_.endpoint.max_tokens_name);
    GateEntry entry(call_.step, ask.basis.likely_input + (is_limited ? ask.basis.most_output : 0));
    entry.cancellation = waiting();
    entry.deadline = call_.deadline;
    permit = co_await call_.gate->enter(std::move(entry));
  }
  if (waiting() != nullptr) waiting()->throw_if_cancelled();
  const CallIntent intent = intent_of(ask);
  co_await call_.recorder.intend(intent);
  Tried tried;
  const auto begin = Clock::now();
  try {
    co_await exchange(ask, tried);
  } catch (const RequestNotSent&) {
    tried.was_sent = false;
    tried.failure = std::current_exception();
  } catch (...) {
    tried.failure = std::current_exception();
  }
  tried.seconds = Clock::seconds_since(begin);
  if (tried.failure && tried.is_unknown()) {
    tried.was_sent = code_of(tried.failure) != ErrorCode::usage;  // of a URL that is none
  }
  if (tried.failure) tried.failure = without_key(tried.failure);
  const CallOutcome outcome = outcome_of(ask, tried);
  const uint64_t tokens = outcome.usage.input_tokens + outcome.usage.output_tokens;
  permit.leave(tried.is_unknown() ? std::nullopt : std::optional(tokens));  // nobody took the worst case
  if (call_.gate != nullptr && tried.response) call_.gate->learn(tried.response->headers, tried.response->status);
  co_await call_.recorder.settle(intent, outcome);
  co_return tried;
}

HttpCall LlmExchange::http_call(const LlmAsk& ask) const {
  const bool is_stream = ask.body.contains("stream");
  HttpCall http;
  http.request.method = "POST";
  http.request.target = join_url(call_.endpoint.url, ask.path);
  http.request.headers.add("Content-Type", "application/json");
  http.request.headers.add("Accept", is_stream ? "text/event-stream" : "application/json");
  if (!key_.empty()) http.request.headers.add("Authorization", "Bearer " + key_);
  http.request.body = body_text(ask.body);
  http.deadline = earlier(call_.deadline, call_.endpoint.timeout);
  http.idle_timeout = call_.endpoint.timeout;
  http.cancellation = call_.cancellation;
  return http;
}

Awaitable<void> LlmExchange::exchange(const LlmAsk& ask, Tried& tried) {
  HttpCall http = http_call(ask);
  const auto begin = Clock::now();
  const bool is_first = ask.call == call_.first_call;
  const ChatStream::OnText on_text = [&, begin, is_first](std::string_view text) {
    if (tried.first_token_seconds == 0) tried.first_token_seconds = Clock::seconds_since(begin);
    if (is_first && call_.on_text) call_.on_text(text);
  };
  if (ask.body.contains("stream")) {
    tried.stream.emplace(ChatStream::Names{call_.endpoint.name, secrets_});
    http.on_body = [&](std::string_view piece) {
      tried.stream_began = true;
      tried.stream->feed(piece, on_text);
      expect_within_limit(ask, *tried.stream);
    };
  }
  try {
    tried.response = co_await sender_.send(std::move(http));
  } catch (const Error& error) {
    // A server that has given its whole answer, and then does not end the message as it should.
    const bool is_lost = error.code() == ErrorCode::remote || error.code() == ErrorCode::timeout;
    if (!is_lost || !tried.stream || !tried.stream->is_complete()) throw;
    tried.response.emplace();
  }
  if (tried.was_refused()) {
    const std::string body = secrets_.without(tried.response->body);
    throw RefusedByServer(call_.endpoint.name, tried.response->status, read_server_error(body));
  }
  if (tried.stream) {
    const Said<ChatAnswer> said = tried.stream->finish(on_text);
    tried.reading = LlmReading{chat_json(said.answer), said.usage, said.likely_output_tokens};
  } else {
    read_whole(ask, *tried.response, tried);
  }
  if (ask.complete) co_await ask.complete(tried.reading->answer);
}

/// Of a server that does not hold to the limit on tokens, and may go on for ever: what is thrown ends the connection.
void LlmExchange::expect_within_limit(const LlmAsk& ask, const ChatStream& stream) const {
  if (!ask.body.contains(call_.endpoint.max_tokens_name)) return;
  const uint64_t most_bytes = std::min(ask.basis.most_output, kMostLimit) * kMostBytesOfAToken + kMoreBytes;
  if (stream.text_bytes() <= most_bytes) return;
  throw Error(ErrorCode::remote,
              fmt::format("the answer of '{}' was cut off after {} bytes: {} tokens at most were asked for",
                          call_.endpoint.name, stream.text_bytes(), ask.basis.most_output),
              {},
              "the server does not hold to the limit: see whether the endpoint's max_tokens_name is the one it knows");
}

void LlmExchange::read_whole(const LlmAsk& ask, const HttpResponse& response, Tried& tried) const {
  const Json body = parse_json(response.body);
  if (body.is_discarded()) {
    throw Error(ErrorCode::remote, fmt::format("got an answer from '{}' that is no JSON", call_.endpoint.name), {},
                "see to the endpoint's URL");
  }
  if (is_server_error(body)) {
    throw RefusedByServer(call_.endpoint.name, 0, read_server_error(secrets_.without(response.body)));
  }
  tried.reading = ask.read(body);
}

CallIntent LlmExchange::intent_of(const LlmAsk& ask) {
  CallIntent intent;
  intent.call = ask.call;
  intent.attempt = ++attempts_[ask.call];
  intent.endpoint = call_.endpoint.name;
  intent.model = text_field(ask.body, "model");
  intent.request_hash = ask.hash;
  intent.most_input_tokens = ask.basis.most_input;
  intent.most_output_tokens = ask.basis.most_output;
  if (call_.price) intent.most = most_cost(*call_.price, most_usage(ask));
  return intent;
}

Usage LlmExchange::usage_of(const LlmAsk& ask, const Tried& tried) const {
  if (!tried.was_sent || tried.was_refused()) return {};
  if (tried.is_unknown()) {
    Usage worst = most_usage(ask);
    worst.is_estimated = true;
    return worst;
  }
  UsageBasis basis = ask.basis;
  Usage usage;
  if (tried.reading) {
    basis.likely_output = tried.reading->likely_output;
    basis.most_output = most_output_of_text(basis);
    usage = believed(tried.reading->usage, basis);
  } else {
    basis.likely_output = tried.stream ? tried.stream->likely_output() : likely_tokens(tried.response->body);
    const bool is_error_alone = is_refusal(tried.failure) && (!tried.stream || basis.likely_output == 0);
    if (is_error_alone) return {};
    // What a server says in mid-stream is not its last word.
    const bool is_whole = tried.stream && tried.stream->is_complete();
    if (tried.stream && tried.stream->text_bytes() > 0) basis.most_output = most_output_of_text(basis);
    usage = believed(is_whole ? tried.stream->usage() : std::nullopt, basis);
  }
  usage.images = ask.images;
  return usage;
}

CallOutcome LlmExchange::outcome_of(const LlmAsk& ask, Tried& tried) const {
  CallOutcome outcome;
  outcome.seconds = tried.seconds;
  outcome.first_token_seconds = tried.first_token_seconds;
  if (tried.response) outcome.provenance = provenance_of(*tried.response);
  outcome.usage = usage_of(ask, tried);
  if (call_.price) {
    outcome.cost = tried.is_unknown() ? most_cost(*call_.price, outcome.usage) : cost(*call_.price, outcome.usage);
  }
  if (tried.failure) {
    const Json error = error_json(tried.failure, tried.response ? tried.response->status : 0);
    outcome.answer = compact_text(error);
    return outcome;
  }
  Json& answer = tried.reading->answer;
  answer["usage"] = usage_json(outcome.usage);
  answer["seconds"] = tried.seconds;
  answer["first_token_seconds"] = tried.first_token_seconds;
  secrets_.cut_out(answer, kLeastSecretBytes);
  outcome.was_answered = true;
  outcome.answer = body_text(answer);
  return outcome;
}

std::optional<std::chrono::milliseconds> LlmExchange::delay(const LlmAsk& ask, const Tried& tried,
                                                            uint32_t retries) const {
  const auto code = code_of(tried.failure);
  const bool may_help = code == ErrorCode::remote || code == ErrorCode::timeout;
  const bool has_answer = tried.response && !tried.was_refused();
  if (!may_help || has_answer || tried.stream_began) return {};
  const Attempt attempt{retries, tried.was_refused() ? &*tried.response : nullptr, false};
  // No two calls wait alike, not even two that ask for the same.
  const auto now = static_cast<uint64_t>(Clock::now().time_since_epoch().count());
  const double jitter = Random(now, XXH3_64bits(ask.hash.data(), ask.hash.size())).uniform();
  const auto wait = retry_delay(call_.endpoint.retry, attempt, std::chrono::system_clock::now(), jitter);
  const bool is_late = wait && call_.deadline - Clock::now() <= *wait;
  return is_late ? std::nullopt : wait;
}

std::exception_ptr LlmExchange::without_key(std::exception_ptr failure) const {
  if (key_.empty()) return failure;
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    const Error clean = without(secrets_, error);
    return clean.message() == error.message() ? failure : std::make_exception_ptr(clean);
  } catch (...) {
    return failure;
  }
}

Awaitable<std::string> LlmExchange::fetch(const std::string& url) {
  for (uint32_t retries = 0;; ++retries) {
    HttpCall http;
    http.request.target = url;
    http.deadline = earlier(call_.deadline, call_.endpoint.timeout);
    http.idle_timeout = call_.endpoint.timeout;
    http.cancellation = call_.cancellation;
    const HttpResponse response = co_await sender_.send(std::move(http));
    if (is_success(response.status)) co_return response.body;
    const Attempt attempt{retries, &response, false};
    const auto wait = retry_delay(call_.endpoint.retry, attempt, std::chrono::system_clock::now(), 0);
    if (!wait) {
      throw Error(ErrorCode::remote, fmt::format("got status {} for '{}'{}", response.status, one_line(url),
                                                 tries_text(retries + 1, &response)));
    }
    co_await pause(*wait, waiting());
  }
}

}  // namespace coppice
