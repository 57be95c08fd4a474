// SPDX-License-Identifier: Apache-2.0
#include "coppice/core/error.h"
#include "coppice/flow/kinds/sql_query.h"

#ifdef COPPICE_WITH_POSTGRES
#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>

#include <cstdlib>
#include <memory>
#include <vector>
#endif

namespace coppice {

#ifndef COPPICE_WITH_POSTGRES

nlohmann::json run_postgres_query(const SqlQuery& /*query*/) {
  throw Error(ErrorCode::unsupported, "this program was built without PostgreSQL", {},
              "install libpq-dev and build it again");
}

#else
namespace {

using Json = nlohmann::json;

struct Closer {
  void operator()(PGconn* connection) const noexcept { PQfinish(connection); }
  void operator()(PGresult* result) const noexcept { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Closer>;
using Result = std::unique_ptr<PGresult, Closer>;

constexpr int kLookMilliseconds = 100;

// Types of PostgreSQL that JSON has, too (pg_type.dat).
constexpr Oid kBool = 16, kInt8 = 20, kInt2 = 21, kInt4 = 23, kFloat4 = 700, kFloat8 = 701, kJson = 114, kJsonb = 3802;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Connection connect(const std::string& database) {
  Connection connection(PQconnectdb(database.c_str()));
  if (!connection || PQstatus(connection.get()) != CONNECTION_OK) {
    throw Error(ErrorCode::io, fmt::format("cannot reach the database {}", without_password(database)), {},
                connection ? trimmed(PQerrorMessage(connection.get())) : "");
  }
  return connection;
}

void cancel(PGconn* connection) {
  PGcancel* request = PQgetCancel(connection);
  char message[256];
  (void)PQcancel(request, message, sizeof message);
  PQfreeCancel(request);
}

/// Waits for the answer, and looks in between whether anybody still wants it.
Result wait(PGconn* connection, const SqlQuery& query) {
  for (;;) {
    if (PQconsumeInput(connection) == 0) throw Error(ErrorCode::remote, trimmed(PQerrorMessage(connection)));
    if (PQisBusy(connection) == 0) break;
    pollfd wait_for{PQsocket(connection), POLLIN, 0};
    (void)poll(&wait_for, 1, kLookMilliseconds);
    const bool is_late = std::chrono::steady_clock::now() > query.deadline;
    if (!is_late && !(query.is_cancelled && query.is_cancelled())) continue;
    cancel(connection);
    throw Error(is_late ? ErrorCode::timeout : ErrorCode::cancelled,
                is_late ? "the query did not end in time" : "stopped on request");
  }
  Result result(PQgetResult(connection));
  while (Result more{PQgetResult(connection)}) {
  }
  const ExecStatusType status = PQresultStatus(result.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
    throw Error(ErrorCode::data, trimmed(PQresultErrorMessage(result.get())));
  }
  return result;
}

Result send(PGconn* connection, const SqlQuery& query, const std::string& text, const Json& parameters) {
  std::vector<std::string> texts;
  for (const Json& value : parameters) texts.push_back(value.is_string() ? value.get<std::string>() : value.dump());
  std::vector<const char*> values;
  for (size_t i = 0; i < texts.size(); ++i) values.push_back(parameters[i].is_null() ? nullptr : texts[i].c_str());
  if (PQsendQueryParams(connection, text.c_str(), static_cast<int>(values.size()), nullptr, values.data(), nullptr,
                        nullptr, 0) == 0) {
    throw Error(ErrorCode::remote, trimmed(PQerrorMessage(connection)));
  }
  return wait(connection, query);
}

Json value_of(const PGresult* result, int row, int column) {
  if (PQgetisnull(result, row, column) != 0) return nullptr;
  const std::string text = PQgetvalue(result, row, column);
  switch (PQftype(result, column)) {
    case kBool:
      return text == "t";
    case kInt2:
    case kInt4:
    case kInt8:
      return std::strtoll(text.c_str(), nullptr, 10);
    case kFloat4:
    case kFloat8:
      return std::strtod(text.c_str(), nullptr);
    case kJson:
    case kJsonb: {
      Json parsed = Json::parse(text, nullptr, false);
      return parsed.is_discarded() ? Json(text) : parsed;
    }
    default:
      return text;
  }
}

}  // namespace

Json run_postgres_query(const SqlQuery& query) {
  if (!query.parameters.is_array()) {
    throw Error(ErrorCode::usage, "parameters of PostgreSQL are a list: $1 is the first one");
  }
  const Connection connection = connect(query.database);
  const bool is_reading = query.access == SqlAccess::read;
  send(connection.get(), query, is_reading ? "BEGIN READ ONLY" : "BEGIN", Json::array());
  const Result result = send(connection.get(), query, query.text, query.parameters);
  const int rows = PQntuples(result.get()), columns = PQnfields(result.get());
  if (static_cast<size_t>(rows) > query.most_rows) {
    throw Error(ErrorCode::data, fmt::format("the query gives {} rows, expected at most {}", rows, query.most_rows), {},
                "a LIMIT in the query, or most_rows under 'with'");
  }
  Json made = {{"columns", Json::array()}, {"rows", Json::array()}, {"changed", std::atoll(PQcmdTuples(result.get()))}};
  if (columns > 0) made["changed"] = 0;
  for (int i = 0; i < columns; ++i) made["columns"].push_back(PQfname(result.get(), i));
  for (int row = 0; row < rows; ++row) {
    Json one = Json::object();
    for (int i = 0; i < columns; ++i) one[PQfname(result.get(), i)] = value_of(result.get(), row, i);
    made["rows"].push_back(std::move(one));
  }
  send(connection.get(), query, "COMMIT", Json::array());
  return made;
}

#endif

}  // namespace coppice
