// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "coppice/flow/journal/forked_process.h"
#include "coppice/flow/temporary_folder.h"

namespace coppice {

/// A PostgreSQL server of a test's own: in a temporary folder, reached by a socket there and by no network. It ends
/// with this, and with the test program.
class PostgresServer {
 public:
  static constexpr const char* kPassword = "se'cret word";

  /// Nothing where the programs are not installed (Debian: postgresql), or do not start: `why_not` says why.
  static std::unique_ptr<PostgresServer> start(std::string& why_not);

  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// "postgresql://coppice:PASSWORD@/postgres?host=..."; tables are made in the schema of that name.
  std::string url(const std::string& schema = "public") const;
  std::string url_with_password(const std::string& password, const std::string& schema) const;

 private:
  PostgresServer() = default;

  TemporaryFolder folder_;
  std::unique_ptr<ForkedProcess> process_;
};

}  // namespace coppice
