// SPDX-License-Identifier: Apache-2.0
// Steps that reach out: http, sql, command.
#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <utility>

#include "coppice/core/json_text.h"
#include "coppice/flow/kinds/calling_kind.h"
#include "coppice/flow/kinds/command_code.h"
#include "coppice/flow/kinds/kinds.h"
#include "coppice/flow/kinds/sql_query.h"
#include "coppice/flow/kinds/subprocess.h"
#include "coppice/http/secrets.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

using Json = nlohmann::json;

// ---- http

/// A shorter value of a header is hardly a secret, and stands in outputs by chance.
constexpr size_t kLeastSecretBytes = 8;

class HttpKind : public CallingKind {
 public:
  std::string name() const override { return "http"; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["url"], "additionalProperties": false,
      "properties": {
        "url": {"type": "string", "minLength": 1},
        "method": {"enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]},
        "query": {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]},
                  "description": "Put behind the URL, encoded."},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}},
        "bearer": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                   "description": "The environment variable whose value goes into the header Authorization."},
        "json": {"description": "The body, as JSON."},
        "body": {"type": "string"},
        "idempotent": {"type": "boolean", "description": "The server knows the header Idempotency-Key: it may be asked again."},
        "any_status": {"type": "boolean", "description": "Also a status that is no 2xx is an output, and no failure."},
        "max_bytes": {"type": "integer", "minimum": 1}
      },
      "not": {"required": ["json", "body"]}
    })json");
  }
  Json output_schema(const Json& /*with*/) const override {
    return Json::parse(R"json({
      "type": "object", "required": ["status", "headers", "body"], "additionalProperties": false,
      "properties": {"status": {"type": "integer"}, "headers": {"type": "object"}, "body": {"type": "string"}, "json": {}}
    })json");
  }
  Effect effect(const Json& with) const override {
    const std::string method = method_of(with);
    if (method == "GET" || method == "HEAD") return Effect::pure;
    const bool is_idempotent = method == "PUT" || method == "DELETE" || with.value("idempotent", false);
    return is_idempotent ? Effect::idempotent : Effect::at_most_once;
  }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const Json with = input.with;
    co_return co_await calls.act(effect(with), without_secrets(with), [&](const std::string& key) -> Awaitable<Json> {
      HttpCall call;
      call.request = request_of(with, key);
      call.deadline = calls.deadline();
      call.cancellation = &calls.cancellation();
      call.max_body_bytes = with.value("max_bytes", call.max_body_bytes);
      const Secrets secrets = secrets_of(call.request);  // the server may repeat them
      try {
        const HttpResponse response = co_await calls.sender().send(std::move(call));
        expect_success(response, with, secrets);
        Json output = output_of(response);
        secrets.cut_out(output, kLeastSecretBytes);
        co_return output;
      } catch (const Error& error) {
        throw without(secrets, error);
      }
    });
  }

 private:
  static std::string method_of(const Json& with) {
    return with.value("method", with.contains("json") || with.contains("body") ? "POST" : "GET");
  }

  static void expect_success(const HttpResponse& response, const Json& with, const Secrets& secrets) {
    if ((response.status >= 200 && response.status <= 299) || with.value("any_status", false)) return;
    throw Error(ErrorCode::remote, fmt::format("the server answered with status {}", response.status), {},
                secrets.without(response.body).substr(0, 200));  // cut out before it is cut short
  }

  /// Headers may hold keys: they are not written down.
  static Json without_secrets(Json with) {
    with.erase("headers");
    return with;
  }

  static HttpRequest request_of(const Json& with, const std::string& key) {
    HttpRequest request;
    request.method = method_of(with);
    request.target = with["url"].get<std::string>();
    char before = request.target.find('?') == std::string::npos ? '?' : '&';
    const Json query = with.value("query", Json::object());
    for (const auto& [name, value] : query.items()) {
      const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
      request.target += before + percent_encode(name) + "=" + percent_encode(text);
      before = '&';
    }
    const Json headers = with.value("headers", Json::object());
    for (const auto& [name, value] : headers.items()) request.headers.set(name, value.get<std::string>());
    if (with.value("idempotent", false)) request.headers.set("Idempotency-Key", key);
    if (with.contains("bearer")) request.headers.set("Authorization", "Bearer " + secret(with["bearer"]));
    if (with.contains("json")) {
      request.headers.set("Content-Type", "application/json");
      request.body = with["json"].dump();
    } else {
      request.body = with.value("body", "");
    }
    return request;
  }

  static std::string secret(const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) throw Error(ErrorCode::usage, fmt::format("the environment has no {}", variable));
    return value;
  }

  static Json output_of(const HttpResponse& response) {
    Json output = {{"status", response.status}, {"headers", Json::object()}, {"body", response.body}};
    for (const auto& [name, value] : response.headers.all()) {
      std::string lower = name;
      std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
      output["headers"][lower] = value;
    }
    const std::string type = output["headers"].value("content-type", "");
    if (type.find("json") == std::string::npos) return output;
    Json parsed = parse_json(response.body);
    if (!parsed.is_discarded()) output["json"] = std::move(parsed);
    return output;
  }
};

// ---- sql

class SqlKind : public CallingKind {
 public:
  std::string name() const override { return "sql"; }
  bool reads_folder() const override { return true; }
  bool must_be_allowed() const override { return true; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["database", "query"], "additionalProperties": false,
      "properties": {
        "database": {"type": "string", "minLength": 1, "description": "A file of SQLite, or postgresql://..."},
        "query": {"type": "string", "minLength": 1, "not": {"pattern": "\\{[{%#]"},
                  "description": "One statement, as it is: no template; values go into parameters."},
        "parameters": {"type": ["array", "object"]},
        "write": {"type": "boolean", "description": "Lets the statement change the database."},
        "most_rows": {"type": "integer", "minimum": 1}
      }
    })json");
  }
  Json output_schema(const Json& /*with*/) const override {
    return Json::parse(R"json({
      "type": "object", "required": ["columns", "rows", "changed"], "additionalProperties": false,
      "properties": {"columns": {"type": "array", "items": {"type": "string"}},
                     "rows": {"type": "array", "items": {"type": "object"}}, "changed": {"type": "integer"}}
    })json");
  }
  Effect effect(const Json& with) const override {
    return with.value("write", false) ? Effect::at_most_once : Effect::pure;
  }
  /// Whatever a template puts into it would be read as SQL.
  void expect_sound(const Json& with) const override {
    const std::string query = with["query"];
    if (query.find("{{") == query.npos && query.find("{%") == query.npos) return;
    throw Error(ErrorCode::usage, "'query' has a template", "/query", "values go into 'parameters'");
  }

  std::vector<std::string> trusted_places() const override { return {"/database"}; }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const Json with = input.with;
    SqlQuery query;
    query.database = place_of(with["database"], calls.folder());
    query.text = with["query"];
    query.parameters = with.value("parameters", Json::array());
    query.access = with.value("write", false) ? SqlAccess::write : SqlAccess::read;
    query.most_rows = with.value("most_rows", query.most_rows);
    query.deadline = calls.deadline();
    Json what = with;
    what["database"] = without_password(with["database"]);
    co_return co_await calls.act(effect(with), what, [&](const std::string& /*key*/) -> Awaitable<Json> {
      return calls.apart([&query] { return run_query(query); });
    });
  }

 private:
  static std::string place_of(const std::string& database, const std::string& folder) {
    if (database.find("://") != std::string::npos) return database;
    const std::string path = database.starts_with("sqlite:") ? database.substr(7) : database;
    return (std::filesystem::path(folder) / path).string();
  }
};

// ---- command

class CommandKind : public CallingKind {
 public:
  std::string name() const override { return "command"; }
  bool reads_folder() const override { return true; }
  bool must_be_allowed() const override { return true; }
  Json with_schema() const override {
    return Json::parse(R"json({
      "type": "object", "required": ["command"], "additionalProperties": false,
      "properties": {
        "command": {"type": "array", "items": {"type": "string"}, "minItems": 1,
                    "description": "The program and its arguments, each as it is: no shell reads them."},
        "input": {"type": "string", "description": "Its standard input."},
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "json": {"type": "boolean", "description": "What it prints is JSON: the output's `value`."},
        "effect": {"enum": ["pure", "idempotent", "at_most_once"], "description": "at_most_once unless given."},
        "any_exit": {"type": "boolean", "description": "Also an exit code that is not 0 is an output, and no failure."}
      }
    })json");
  }
  Json output_schema(const Json& with) const override {
    Json schema = Json::parse(R"json({
      "type": "object", "required": ["exit_code", "text", "messages"], "additionalProperties": false,
      "properties": {"exit_code": {"type": "integer"}, "text": {"type": "string"}, "messages": {"type": "string"}}
    })json");
    if (with.value("json", false)) schema["properties"]["value"] = true;
    return schema;
  }
  Effect effect(const Json& with) const override {
    const std::string said = with.value("effect", "at_most_once");
    if (said == "pure") return Effect::pure;
    return said == "idempotent" ? Effect::idempotent : Effect::at_most_once;
  }

  void expect_sound(const Json& with) const override {
    if (!with["command"].is_array()) return;  // a template of the whole, which `trusted_places` looks at
    const auto of = [&](const char* key, auto otherwise) {
      const bool is_written = with.contains(key) && with[key].type() == Json(otherwise).type();
      return is_written ? with[key].get<decltype(otherwise)>() : otherwise;
    };
    const auto code = templated_code({with["command"].get<std::vector<std::string>>(), of("input", std::string()),
                                      of("environment", std::map<std::string, std::string>())});
    if (code) throw Error(ErrorCode::usage, code->what, code->pointer, code->hint);
  }

  /// The program, and what decides which one is found and what is loaded into it.
  std::vector<std::string> trusted_places() const override {
    return {"/command/0", "/environment/PATH", "/environment/LD_PRELOAD", "/environment/LD_LIBRARY_PATH"};
  }

  Awaitable<Json> run(StepInput input, StepCalls& calls) const override {
    const Json with = input.with;
    ProgramCall program;
    program.command = with["command"].get<std::vector<std::string>>();
    program.input = with.value("input", "");
    program.folder = calls.folder();
    program.environment = with.value("environment", std::map<std::string, std::string>());
    program.deadline = calls.deadline();
    for (const auto& [name, endpoint] : calls.workflow().endpoints) program.hidden.insert(endpoint.key_variable);
    const auto is_cancelled = std::make_shared<std::atomic<bool>>(false);
    const auto watch = calls.cancellation().on_cancel([is_cancelled] { *is_cancelled = true; });
    program.is_cancelled = [is_cancelled] { return is_cancelled->load(); };
    co_return co_await calls.act(effect(with), with, [&](const std::string& key) -> Awaitable<Json> {
      program.environment["COPPICE_IDEMPOTENCY_KEY"] = key;
      return calls.apart([&program, &with] { return output_of(run_program(program), with); });
    });
  }

 private:
  static Json output_of(const ProgramResult& result, const Json& with) {
    const std::string name = with["command"][0];
    if (result.exit_code != 0 && !with.value("any_exit", false)) {
      throw Error(ErrorCode::data, fmt::format("'{}' ended with exit code {}", name, result.exit_code), {},
                  result.messages.substr(0, 400));
    }
    Json output = {{"exit_code", result.exit_code}, {"text", result.output}, {"messages", result.messages}};
    if (!with.value("json", false)) return output;
    output["value"] = parse_json(result.output);
    if (output["value"].is_discarded()) throw Error(ErrorCode::data, fmt::format("'{}' printed no JSON", name));
    return output;
  }
};

}  // namespace

void add_outside_kinds(StepKinds& kinds) {
  kinds.add(std::make_unique<HttpKind>());
  kinds.add(std::make_unique<SqlKind>());
  kinds.add(std::make_unique<CommandKind>());
}

}  // namespace coppice
