// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "coppice/core/error.h"

struct pg_conn;
struct pg_result;

namespace coppice {

/// Rows that a statement gave.
class PostgresRows {
 public:
  explicit PostgresRows(pg_result* result) noexcept : result_(result) {}
  ~PostgresRows();
  PostgresRows(PostgresRows&& other) noexcept : result_(other.result_) { other.result_ = nullptr; }
  PostgresRows& operator=(PostgresRows&&) = delete;

  int size() const noexcept;
  std::string text(int row, int column) const;
  int64_t number(int row, int column) const;
  /// How many rows a statement has changed.
  int64_t changed() const;

 private:
  pg_result* result_;
};

/// A parameter of a statement, $1 and so on. Texts are borrowed until it is done.
class PostgresValue {
 public:
  PostgresValue(int64_t number) : digits_(std::to_string(number)), is_text_(false) {}  // NOLINT: meant to convert
  PostgresValue(std::string_view text) : text_(text), is_text_(true) {}                // NOLINT
  PostgresValue(const std::string& text) : text_(text), is_text_(true) {}              // NOLINT

  bool is_text() const noexcept { return is_text_; }
  std::string_view bytes() const noexcept { return is_text_ ? text_ : std::string_view(digits_); }

 private:
  std::string digits_;
  std::string_view text_;
  bool is_text_;
};

/// A connection to a PostgreSQL server. Throws `ErrorCode::io` (not reached, lost, locked for longer than the time-out,
/// no room, not allowed), `data` (a text that it does not take), `usage` (a URL that cannot be read). No message has
/// the password, nor a URL that may hold one in a place where it is not seen.
class PostgresConnection {
 public:
  /// Settings of PostgreSQL's for each session.
  struct Session {
    std::chrono::milliseconds lock_timeout;
    std::string synchronous_commit;
  };

  PostgresConnection(const std::string& url, Session session);
  ~PostgresConnection();
  PostgresConnection(const PostgresConnection&) = delete;
  PostgresConnection& operator=(const PostgresConnection&) = delete;

  PostgresRows run(const std::string& sql, const std::vector<PostgresValue>& values = {});

  /// Begins a transaction. Connects anew where the connection was lost since the last one.
  void begin();
  void commit();
  /// Does nothing where there is no transaction.
  void roll_back() noexcept;

  /// "postgresql://user@host:port/database"
  const std::string& name() const noexcept { return name_; }

 private:
  void open();
  bool is_lost() const noexcept;
  Error fault(pg_result* result) const;
  std::string without_password(std::string message) const;

  std::string url_, name_, password_;
  Session session_;
  pg_conn* connection_ = nullptr;
};

}  // namespace coppice
