// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/stand_in/stand_in.h"

#include <fmt/core.h>
#include <xxhash.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coppice/core/error.h"
#include "coppice/core/json_text.h"
#include "coppice/core/options.h"
#include "coppice/flow/json/compact_text.h"
#include "coppice/flow/stand_in/stand_in_errors.h"
#include "coppice/flow/stand_in/stand_in_metrics.h"
#include "coppice/flow/stand_in/stand_in_reply.h"
#include "coppice/flow/stand_in/stand_in_sending.h"

namespace coppice {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kMostNameBytes = 200;  // of a name that is repeated in a message

using Route = StandInReply (*)(const StandInAsk&);

Route route_of(std::string_view path) noexcept {
  if (path == "/v1/chat/completions") return chat_reply;
  if (path == "/v1/embeddings") return embedding_reply;
  return path == "/v1/images/generations" ? image_reply : nullptr;
}

ordered_json model_entry(const std::string& name) {
  return {{"id", name}, {"object", "model"}, {"created", kStandInCreated}, {"owned_by", "coppice-stand-in"}};
}

StandInPlan plan_of(std::string body, const char* media_type, double at) {
  StandInPlan plan;
  plan.headers.set("content-type", media_type);
  plan.next = script_of({{at, StandInAct::send, std::move(body)}});
  plan.arrived_at = plan.began_at = plan.first_token_at = plan.ended_at = at;
  return plan;
}

StandInPlan plan_of(const ordered_json& body, double at) {
  return plan_of(compact_text(body), "application/json", at);
}

}  // namespace

std::string reply_id(const char* prefix, const StandInDraws& draws) {
  Random random = draws.attempt(StandInDraws::Of::id);
  const uint64_t high = random.next(), low = random.next();
  return fmt::format("{}{:016x}{:08x}", prefix, high, low >> 32);
}

class StandIn::State {
 public:
  explicit State(StandInOptions options) : options_(std::move(options)) {
    for (const auto& [name, model] : options_.models) served_.emplace(name, Served(model));
  }

  const StandInOptions& options() const noexcept { return options_; }

  StandInPlan answer(const HttpRequest& request, double at) {
    StandInPlan plan = answered(request, at);
    metrics_.count(plan);
    return plan;
  }

 private:
  /// What a model's server remembers.
  struct Served {
    explicit Served(const StandInModel& of)
        : model(of),
          slots(of.speed.slots),
          requests(static_cast<double>(of.requests_per_minute)),
          tokens(static_cast<double>(of.tokens_per_minute)) {}

    const StandInModel& model;
    SlotQueue slots;
    RateBucket requests, tokens;
  };

  StandInPlan answered(const HttpRequest& request, double at) {
    const std::string path = request.target.substr(0, request.target.find('?'));
    try {
      if (const Route route = route_of(path)) {
        if (request.method != "POST") throw StandInRefusal{405, "Not allowed: expected the method POST."};
        return asked(request, path, route, at);
      }
      return shown(request, path, at);
    } catch (const StandInRefusal& refusal) {
      return refusal_plan(refusal, at);
    } catch (const Error& error) {  // a template of the settings
      return refusal_plan({500, error.message(), "stand_in_error", "", std::string(name(error.code()))}, at);
    }
  }

  /// What is looked at.
  StandInPlan shown(const HttpRequest& request, const std::string& path, double at) {
    constexpr std::string_view kModels = "/v1/models";
    if (request.method != "GET" && request.method != "HEAD") throw StandInRefusal{404, unknown_url(request)};
    if (path == "/health" || path == "/") return plan_of(ordered_json{{"status", "ok"}}, at);
    if (path == "/metrics") return plan_of(metrics_.text(), PrometheusMetrics::kContentType, at);
    if (path == "/prices") return plan_of(price_table(), at);
    check_key(request);
    if (path == kModels) return plan_of(model_list(), at);
    if (!path.starts_with(std::string(kModels) + "/")) throw StandInRefusal{404, unknown_url(request)};
    const std::string name = path.substr(kModels.size() + 1);
    find(name);
    return plan_of(model_entry(name), at);
  }

  static std::string unknown_url(const HttpRequest& request) {
    return fmt::format("Unknown request URL: {} {}.", request.method, request.target.substr(0, kMostNameBytes));
  }

  ordered_json model_list() const {
    ordered_json data = ordered_json::array();
    for (const auto& [name, model] : options_.models) data.push_back(model_entry(name));
    return {{"object", "list"}, {"data", std::move(data)}};
  }

  ordered_json price_table() const {
    ordered_json table = ordered_json::object();
    for (const auto& [name, model] : options_.models) table[name] = model.price_entry;
    return table;
  }

  void check_key(const HttpRequest& request) const {
    if (options_.key.empty() || request.headers.find("authorization") == "Bearer " + options_.key) return;
    throw StandInRefusal{401, "Incorrect API key provided.", "invalid_request_error", "", "invalid_api_key"};
  }

  /// The name in the settings and what is served under it.
  std::pair<const std::string, Served>& find(const std::string& name) {
    auto found = served_.find(name);
    if (found == served_.end()) found = served_.find("*");
    if (found != served_.end()) return *found;
    std::vector<std::string> names;
    for (const auto& [known, served] : served_) names.push_back(known);
    const std::string said = name.substr(0, kMostNameBytes);
    const std::string nearest = nearest_name(said, names);
    throw StandInRefusal{404,
                         fmt::format("The model '{}' does not exist.{}", said,
                                     nearest.empty() ? "" : fmt::format(" Did you mean '{}'?", nearest)),
                         "invalid_request_error", "", "model_not_found"};
  }

  /// How much of an answer is sent, and in what pieces, changes nothing in it.
  StandInDraws draws_of(const std::string& path, json body) {
    for (const char* key : {"stream", "stream_options", "max_tokens", "max_completion_tokens"}) body.erase(key);
    const std::string text = compact_text(body);
    const uint64_t of_path = XXH3_64bits_withSeed(path.data(), path.size(), options_.seed);
    const uint64_t key = XXH3_64bits_withSeed(text.data(), text.size(), of_path);
    return {key, times_[key]++};
  }

  /// A request to a model.
  StandInPlan asked(const HttpRequest& request, const std::string& path, Route route, double at) {
    check_key(request);
    const json body = parse_json(request.body);
    if (!body.is_object()) throw StandInRefusal{400, "We could not parse the JSON body of your request."};
    const auto given = body.find("model");
    if (given == body.end() || !given->is_string()) {
      throw StandInRefusal{400, "You must provide a model parameter.", "invalid_request_error", "model"};
    }
    const std::string model_name = given->get<std::string>();
    auto& [name, served] = find(model_name);
    const StandInModel& model = served.model;
    StandInAsk ask{body, path, model_name, model, options_, draws_of(path, body), std::nullopt};
    StandInPlan plan = answer_of(request, ask, served, {route, at});
    plan.model = name;
    plan.headers.set("x-request-id", reply_id("req_", ask.draws));
    return plan;
  }

  struct RouteAt {
    Route route;
    double at;
  };

  StandInPlan answer_of(const HttpRequest& request, StandInAsk& ask, Served& served, RouteAt of) {
    const auto [route, at] = of;
    const StandInFaults& faults = ask.model.faults;
    if (is_stormy(faults.storm, at, options_.seed)) {
      return refusal_plan({faults.storm.status, "The server is overloaded.", "server_error"}, at);
    }
    ask.fault = draw_fault(faults, ask.draws.times_before, ask.draws.attempt(StandInDraws::Of::fault));
    if (ask.fault) {
      if (auto plan = fault_plan(*ask.fault, {request, ask, at})) return std::move(*plan);
    }
    const StandInReply reply = route(ask);
    const RateState rates{served.requests, served.tokens, options_.times_faster};
    const double tokens = static_cast<double>(reply.usage.input_tokens + reply.usage.output_tokens);
    if (auto limited = limit_plan(rates, tokens, at)) return std::move(*limited);
    served.requests.take(at, 1);
    served.tokens.take(at, tokens);
    StandInPlan plan = sent(reply, ask, served, at);
    add_limit_headers(rates, at, plan.headers);
    return plan;
  }

  StandInPlan sent(const StandInReply& reply, const StandInAsk& ask, Served& served, double at) {
    const AnswerTiming timing =
        draw_timing(ask.model.speed, ask.draws.attempt_key(), reply.usage.input_tokens, reply.later_tokens + 1);
    StandInPlan plan;
    plan.arrived_at = at;
    plan.began_at = served.slots.begin(at, timing.total_seconds);
    plan.first_token_at = plan.began_at + timing.first_token_seconds;
    plan.ended_at = plan.began_at + timing.total_seconds;
    plan.usage = reply.usage;
    plan.cost = cost(ask.model.price, reply.usage);
    plan.flaw = reply.flaw;
    plan.fault = ask.fault;
    set_sending(reply, ask, timing.output_token_seconds, plan);
    return plan;
  }

  StandInOptions options_;
  std::map<std::string, Served> served_;
  std::unordered_map<uint64_t, uint32_t> times_;  ///< how often each request came
  StandInMetrics metrics_;
};

StandIn::StandIn(StandInOptions options) : state_(std::make_unique<State>(std::move(options))) {}
StandIn::~StandIn() = default;
StandIn::StandIn(StandIn&&) noexcept = default;
StandIn& StandIn::operator=(StandIn&&) noexcept = default;

StandInPlan StandIn::answer(const HttpRequest& request, double arrived_at) {
  return state_->answer(request, arrived_at);
}
const StandInOptions& StandIn::options() const noexcept {
  return state_->options();
}

}  // namespace coppice
