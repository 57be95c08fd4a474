// SPDX-License-Identifier: Apache-2.0
// A stand-in for tests that need a process of its own: SETTINGS.json [PORT]. Says its URL on the first line, and ends
// when its standard input does.
#include "coppice/http/awaitable.h"

#include <boost/asio/io_context.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "coppice/core/json_text.h"
#include "coppice/flow/stand_in/stand_in_server.h"

namespace {

std::string text_of(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  try {
    boost::asio::io_context loop{1};
    coppice::HttpServerOptions server_options;
    if (argc > 2) server_options.port = static_cast<uint16_t>(std::atoi(argv[2]));
    const auto settings = coppice::parse_json(text_of(argv[1]));
    coppice::StandInServer server(loop, coppice::read_stand_in_options(settings), server_options);
    std::printf("http://127.0.0.1:%u/v1\n", static_cast<unsigned>(server.port()));
    std::fflush(stdout);
    std::jthread waiting([&loop] {
      while (std::getchar() != EOF) continue;
      loop.stop();
    });
    loop.run();
    return 0;
  } catch (const coppice::Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return coppice::exit_code(error.code());
  }
}
