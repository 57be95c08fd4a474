// SPDX-License-Identifier: Apache-2.0
#include "coppice/flow/journal/postgres_server.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/prctl.h>

#include <fstream>
#include <functional>
#include <vector>

#ifdef COPPICE_WITH_POSTGRES
#include <libpq-fe.h>
#endif

namespace coppice {
namespace {

namespace fs = std::filesystem;

/// The newest server that is installed.
fs::path programs() {
  fs::path newest;
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const fs::path found = version.path() / "bin";
    if (fs::exists(found / "initdb") && found > newest) newest = found;
  }
  return newest;
}

/// The server refuses to run as root.
const passwd* other_user() {
  return ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
}

/// Becomes that program, as a user that is not root, silent, and ended with its parent.
int become(const std::vector<std::string>& command) {
  if (const passwd* user = other_user()) {
    if (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0) return 98;
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  const int nowhere = ::open("/dev/null", O_RDWR);
  for (const int stream : {0, 1, 2}) ::dup2(nowhere, stream);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  return 97;
}

std::string percent_encoded(const std::string& text) {
  std::string encoded;
  for (const char c : text) {
    constexpr const char* kDigits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += kDigits[byte >> 4U];
    encoded += kDigits[byte & 15U];
  }
  return encoded;
}

#ifdef COPPICE_WITH_POSTGRES
bool waits_until_ready(const std::string& url, ForkedProcess& process) {
  for (int tries = 0; tries < 1000; ++tries) {
    if (PQping(url.c_str()) == PQPING_OK) return true;
    pollfd ended{process.pipe(), POLLIN, 0};  // it holds the other end as long as it lives
    if (::poll(&ended, 1, 10) != 0) return false;
  }
  return false;
}
#else
bool waits_until_ready(const std::string&, ForkedProcess&) {
  return false;
}
#endif

}  // namespace

std::unique_ptr<PostgresServer> PostgresServer::start(std::string& why_not) {
  const fs::path bin = programs();
  if (bin.empty()) return why_not = "no PostgreSQL server is installed (postgresql)", nullptr;
  std::unique_ptr<PostgresServer> server(new PostgresServer);
  const fs::path folder = server->folder_.path(), data = folder / "data", word = folder / "word";
  std::ofstream(word) << kPassword << "\n";
  if (const passwd* user = other_user()) {
    for (const fs::path& path : {folder, word}) {
      if (::chown(path.c_str(), user->pw_uid, user->pw_gid) != 0) return why_not = "cannot change owners", nullptr;
    }
  }
  ForkedProcess initdb([&](int) {
    return become({bin / "initdb", "-D", data, "-U", "coppice", "-A", "scram-sha-256", "--pwfile", word, "-E", "UTF8",
                   "--locale=C", "--no-sync", "--no-instructions"});
  });
  if (initdb.wait() != 0) return why_not = "initdb does not work here", nullptr;
  server->process_ = std::make_unique<ForkedProcess>([&](int) {
    return become({bin / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c",
                   "shared_buffers=16MB", "-c", "max_connections=30", "-c", "max_wal_size=64MB"});
  });
  if (!waits_until_ready(server->url(), *server->process_)) {
    return why_not = "the PostgreSQL server does not start here", nullptr;
  }
  return server;
}

PostgresServer::~PostgresServer() {
  if (!process_) return;
  process_->kill(SIGINT);  // it has shared memory to give back
  process_->wait();
}

std::string PostgresServer::url(const std::string& schema) const {
  return url_with_password(kPassword, schema);
}

std::string PostgresServer::url_with_password(const std::string& password, const std::string& schema) const {
  return "postgresql://coppice:" + percent_encoded(password) + "@/postgres?host=" + percent_encoded(folder_.path()) +
         "&options=" + percent_encoded("-csearch_path=" + schema);
}

}  // namespace coppice
