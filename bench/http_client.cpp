// SPDX-License-Identifier: Apache-2.0
// coppice_bench_http_client: many calls of the HTTP client at once, on one thread, to a server in another process.
// Says what the client's process spent for each call, and how much memory it took.
#include <fmt/core.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/flags.h"
#include "bench/stopwatch.h"
#include "coppice/core/error.h"
#include "coppice/http/client.h"
#include "coppice/http/server.h"
#include "coppice/http/sse.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace coppice::bench {
namespace {

namespace asio = boost::asio;
using nlohmann::ordered_json;

struct Arguments {
  uint32_t calls = 100'000;
  uint32_t in_flight = 1'000;
  uint32_t request_bytes = 2'000;
  uint32_t answer_bytes = 1'000;
  uint32_t events = 0;
  uint32_t delay_ms = 0;
};

void describe(OptionTable& table, Arguments& arguments) {
  table.add("calls", arguments.calls, 1, 1U << 30, "In all.");
  table.add("in_flight", arguments.in_flight, 1, 100'000, "At once.");
  table.add("request_bytes", arguments.request_bytes, 0, 1U << 30, "Of the body of each request.");
  table.add("answer_bytes", arguments.answer_bytes, 0, 1U << 30, "Of the body of each answer.");
  table.add("events", arguments.events, 0, 1U << 20, "Answer with so many server-sent events of that size instead.");
  table.add("delay_ms", arguments.delay_ms, 0, 1U << 20, "That the server lets pass before an answer.");
}

/// The field of /proc/self/status, in bytes.
double status_bytes(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string name; file >> name; file.ignore(1 << 20, '\n')) {
    double kilobytes = 0;
    if (name == field + ":" && file >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

/// Serves until it is killed; says its port first.
[[noreturn]] void serve(const Arguments& arguments, int port_pipe) {
  asio::io_context loop(1);
  HttpServerOptions options;
  options.max_connections = 1U << 20;
  const std::string body(arguments.answer_bytes, 'x');
  const std::string event = "data: " + body + "\n\n";
  const HttpServer server(loop, options, [&](const HttpRequest&, HttpResponder& responder) -> Awaitable<void> {
    if (arguments.delay_ms > 0) {
      asio::steady_timer timer(loop, std::chrono::milliseconds(arguments.delay_ms));
      co_await timer.async_wait(asio::use_awaitable);
    }
    HttpResponse response;
    if (arguments.events == 0) {
      response.body = body;
      co_await responder.send(std::move(response));
      co_return;
    }
    co_await responder.begin(200, {});
    for (uint32_t i = 0; i < arguments.events; ++i) co_await responder.write(event);
    co_await responder.end();
  });
  const uint16_t port = server.port();
  if (::write(port_pipe, &port, sizeof port) == sizeof port) loop.run();
  ::_exit(0);
}

class ServerProcess {
 public:
  explicit ServerProcess(const Arguments& arguments) {
    int ends[2];
    if (::pipe(ends) != 0) throw Error(ErrorCode::io, "no pipe");
    process_ = ::fork();
    if (process_ < 0) throw Error(ErrorCode::io, "no process");
    if (process_ == 0) serve(arguments, ends[1]);
    const ssize_t n = ::read(ends[0], &port_, sizeof port_);
    ::close(ends[0]), ::close(ends[1]);
    if (n != sizeof port_) throw Error(ErrorCode::io, "no server");
  }
  ~ServerProcess() {
    if (process_ > 0) stop();
  }
  /// Ends it, and says what it took.
  rusage stop() {
    rusage spent{};
    ::kill(process_, SIGKILL);
    ::wait4(std::exchange(process_, 0), nullptr, 0, &spent);
    return spent;
  }
  ServerProcess(const ServerProcess&) = delete;
  uint16_t port() const noexcept { return port_; }

 private:
  pid_t process_ = 0;
  uint16_t port_ = 0;
};

struct Tally {
  uint32_t begun = 0, answered = 0, failed = 0;
  uint64_t events = 0;
  std::vector<double> milliseconds;
};

/// One of those that call, one call after the other.
Awaitable<void> caller(HttpClient& client, const Arguments& arguments, const HttpRequest& request, Tally& tally) {
  while (tally.begun < arguments.calls) {
    ++tally.begun;
    HttpCall call;
    call.request = request;
    SseParser parser;
    if (arguments.events > 0) {
      call.on_body = [&parser, &tally](std::string_view piece) {
        parser.feed(piece, [&tally](const SseEvent&) { ++tally.events; });
      };
    }
    const auto start = std::chrono::steady_clock::now();
    try {
      const HttpResponse response = co_await client.send(std::move(call));
      const bool is_whole =
          response.status == 200 && (arguments.events > 0 || response.body.size() == arguments.answer_bytes);
      ++(is_whole ? tally.answered : tally.failed);
    } catch (const Error& error) {
      if (++tally.failed == 1) fmt::print(stderr, "{}\n", error.message());
    }
    tally.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
}

ordered_json measure(const Arguments& arguments) {
  ServerProcess server(arguments);
  const HttpRequest request("POST", "http://127.0.0.1:" + std::to_string(server.port()) + "/v1/chat/completions",
                            {{"Content-Type", "application/json"}, {"Authorization", "Bearer none"}},
                            std::string(arguments.request_bytes, 'y'));
  Tally tally;
  tally.milliseconds.reserve(arguments.calls);
  asio::io_context loop(1);
  HttpClient client(loop, {});
  const double before_bytes = status_bytes("VmRSS");
  for (uint32_t i = 0; i < arguments.in_flight; ++i) {
    asio::co_spawn(loop, caller(client, arguments, request, tally), asio::detached);
  }
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const Stopwatch stopwatch;
  loop.run();
  const Spent spent = stopwatch.spent();
  ::getrusage(RUSAGE_SELF, &after);
  const rusage of_server = server.stop();
  const auto seconds = [](const timeval& from, const timeval& to) {
    return static_cast<double>(to.tv_sec - from.tv_sec) + static_cast<double>(to.tv_usec - from.tv_usec) * 1e-6;
  };
  const double per_call = 1e6 / arguments.calls, peak_bytes = status_bytes("VmHWM");
  ordered_json result;
  result["answered"] = tally.answered;
  result["failed"] = tally.failed;
  result["events"] = tally.events;
  result["seconds"] = spent.wall_seconds;
  result["calls_per_second"] = arguments.calls / spent.wall_seconds;
  result["cpu_microseconds_per_call"] = spent.cpu_seconds * per_call;
  result["of_that_user"] = seconds(before.ru_utime, after.ru_utime) * per_call;
  result["of_that_system"] = seconds(before.ru_stime, after.ru_stime) * per_call;
  result["server_cpu_microseconds_per_call"] =
      (seconds({}, of_server.ru_utime) + seconds({}, of_server.ru_stime)) * per_call;
  result["milliseconds_per_call"] = quantiles(tally.milliseconds);
  result["peak_bytes"] = peak_bytes;
  result["bytes_per_call_in_flight"] = (peak_bytes - before_bytes) / arguments.in_flight;
  result["server_peak_bytes"] = static_cast<double>(of_server.ru_maxrss) * 1024;
  return result;
}

void run(int argc, char** argv) {
  Arguments arguments;
  OptionTable table;
  describe(table, arguments);
  Flags flags;
  flags.add("", std::move(table));
  if (!flags.parse(argc, argv)) return;
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  ordered_json result{{"given", flags.given()}};
  result.update(measure(arguments));
  fmt::print("{}\n", result.dump(2));
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program([&] { coppice::bench::run(argc, argv); });
}
