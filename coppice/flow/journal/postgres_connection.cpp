// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/postgres_connection.h"

#ifdef COPPICE_WITH_POSTGRES

#include <fmt/core.h>
#include <libpq-fe.h>

#include <array>
#include <charconv>
#include <utility>

namespace coppice {
namespace {

constexpr const char* kForm =
    "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE, with %40 for an @ in the password, %2F for a /";

struct OptionsCloser {
  void operator()(PQconninfoOption* options) const noexcept { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, OptionsCloser>;

/// What the URL says, or what libpq takes by itself.
std::string option(const Options& options, std::string_view keyword) {
  for (const PQconninfoOption* at = options.get(); at != nullptr && at->keyword != nullptr; ++at) {
    if (at->keyword == keyword && at->val != nullptr) return at->val;
  }
  return {};
}

/// Throws for a URL that libpq cannot read, or reads otherwise than its writer meant: after an '@' or '/' that belongs
/// to a password the rest of that would be taken for the host, and shown.
Options parsed(const std::string& url) {
  const size_t begin = url.find("://") + 3;
  const std::string_view rest = std::string_view(url).substr(begin, url.find('?', begin) - begin);
  const size_t at = rest.find('@');
  const bool is_clear = at == rest.npos || (rest.find('@', at + 1) == rest.npos && rest.find('/') > at);
  // libpq's own message quotes the URL.
  char* message = nullptr;
  Options options(is_clear ? PQconninfoParse(url.c_str(), &message) : nullptr);
  PQfreemem(message);
  // Without an '@' a password stands in the place of the port.
  const bool has_port = options && option(options, "port").find_first_not_of("0123456789,") == std::string::npos;
  if (!has_port) throw Error(ErrorCode::usage, "the URL of the PostgreSQL database cannot be read", {}, kForm);
  return options;
}

std::string name_of(const Options& options) {
  const std::string user = option(options, "user"), host = option(options, "host"), port = option(options, "port");
  return fmt::format("postgresql://{}{}{}{}/{}", user.empty() ? "" : user + "@", host, port.empty() ? "" : ":", port,
                     option(options, "dbname"));
}

/// In one line.
std::string trimmed(std::string text) {
  for (char& c : text) c = c == '\n' || c == '\t' ? ' ' : c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// PostgreSQL's codes, appendix A of its manual.
Error error_of(const std::string& state, const std::string& message, const std::string& where) {
  const auto is_of = [&](std::string_view group) { return state.starts_with(group); };
  if (state == "55P03" || state == "40P01") {
    return Error(ErrorCode::io, "the database is locked by another program for too long", where,
                 "end the program that holds it, and try again");
  }
  if (is_of("53")) {
    return Error(ErrorCode::io, "the server lacks room: " + message, where, "what was there before is there still");
  }
  if (is_of("22")) return Error(ErrorCode::data, "the database does not take a text: " + message, where);
  if (is_of("42501")) return Error(ErrorCode::io, message, where, "the user needs the right to make and change tables");
  if (is_of("42")) {
    return Error(ErrorCode::io, "the database lacks what a journal has: " + message, where,
                 "its tables begin with coppice_; were they changed by hand?");
  }
  return Error(ErrorCode::io, "the database refuses: " + message, where);
}

}  // namespace

PostgresRows::~PostgresRows() {
  PQclear(result_);
}

int PostgresRows::size() const noexcept {
  return PQntuples(result_);
}

std::string PostgresRows::text(int row, int column) const {
  return {PQgetvalue(result_, row, column), static_cast<size_t>(PQgetlength(result_, row, column))};
}

int64_t PostgresRows::number(int row, int column) const {
  const char* begin = PQgetvalue(result_, row, column);
  int64_t number = 0;
  std::from_chars(begin, begin + PQgetlength(result_, row, column), number);
  return number;
}

int64_t PostgresRows::changed() const {
  const std::string_view count = PQcmdTuples(result_);
  int64_t number = 0;
  std::from_chars(count.data(), count.data() + count.size(), number);
  return number;
}

PostgresConnection::PostgresConnection(const std::string& url, Session session)
    : url_(url), session_(std::move(session)) {
  const Options options = parsed(url);
  name_ = name_of(options);
  password_ = option(options, "password");
  try {
    open();
  } catch (...) {
    PQfinish(connection_);
    throw;
  }
}

PostgresConnection::~PostgresConnection() {
  PQfinish(connection_);
}

void PostgresConnection::open() {
  PQfinish(connection_);
  // What the URL says comes last, and so counts. A server that vanishes is noticed within half a minute.
  const std::array<const char*, 8> names{
      "connect_timeout",  "keepalives_idle", "keepalives_interval", "tcp_user_timeout",
      "application_name", "dbname",          "client_encoding",     nullptr};
  const std::array<const char*, 8> values{"10", "10", "5", "30000", "coppice", url_.c_str(), "UTF8", nullptr};
  connection_ = PQconnectdbParams(names.data(), values.data(), 1);
  if (connection_ == nullptr) throw Error(ErrorCode::memory, "no memory is left for the database", name_);
  PQsetNoticeReceiver(
      connection_, [](void*, const PGresult*) {}, nullptr);  // libpq would print them
  if (PQstatus(connection_) != CONNECTION_OK) {
    throw Error(ErrorCode::io, "cannot reach the database: " + without_password(trimmed(PQerrorMessage(connection_))),
                name_, "is the server there, and are user and password right?");
  }
  run("SELECT set_config('lock_timeout', $1, false), set_config('synchronous_commit', $2, false)",
      {std::to_string(session_.lock_timeout.count()), session_.synchronous_commit});
}

bool PostgresConnection::is_lost() const noexcept {
  return PQstatus(connection_) != CONNECTION_OK;
}

std::string PostgresConnection::without_password(std::string message) const {
  if (password_.empty()) return message;
  for (size_t at = 0; (at = message.find(password_, at)) != message.npos;) message.replace(at, password_.size(), "***");
  return message;
}

Error PostgresConnection::fault(pg_result* result) const {
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string message = without_password(trimmed(primary != nullptr ? primary : PQerrorMessage(connection_)));
  if (is_lost() || state == nullptr) {
    return Error(ErrorCode::io, "the connection to the database was lost: " + message, name_,
                 "when the server is there again, what it has kept is there");
  }
  return error_of(state, message, name_);
}

PostgresRows PostgresConnection::run(const std::string& sql, const std::vector<PostgresValue>& values) {
  std::vector<const char*> bytes;
  std::vector<int> lengths, formats;
  for (const PostgresValue& value : values) {
    constexpr size_t kMostBytes = 1'000'000'000;
    if (value.bytes().size() > kMostBytes) {
      throw Error(ErrorCode::data, "got a text of more than a gigabyte, which PostgreSQL does not take", name_);
    }
    // Texts in the binary form, which is the bytes with their number: the other one ends at a zero byte.
    bytes.push_back(value.bytes().empty() ? "" : value.bytes().data());
    lengths.push_back(static_cast<int>(value.bytes().size()));
    formats.push_back(value.is_text() ? 1 : 0);
  }
  PGresult* result = PQexecParams(connection_, sql.c_str(), static_cast<int>(values.size()), nullptr, bytes.data(),
                                  lengths.data(), formats.data(), 0);
  PostgresRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw fault(result);
  return rows;
}

void PostgresConnection::begin() {
  // Said here, for a database may have another default: what a lock was waited for must be seen.
  constexpr const char* kBegin = "BEGIN ISOLATION LEVEL READ COMMITTED";
  if (!is_lost()) {
    try {
      run(kBegin);
      return;
    } catch (const Error&) {
      if (!is_lost()) throw;
    }
  }
  open();
  run(kBegin);
}

void PostgresConnection::commit() {
  run("COMMIT");
}

void PostgresConnection::roll_back() noexcept {
  if (PQtransactionStatus(connection_) != PQTRANS_IDLE) PQclear(PQexec(connection_, "ROLLBACK"));
}

}  // namespace coppice

#endif
