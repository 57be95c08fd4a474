// SPDX-License-Identifier: Apache-2.0
#include "coppice/dist/store.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "coppice/core/error.h"
#include "coppice/core/random.h"

namespace coppice {
namespace {

using ::testing::HasSubstr;

StoreClient::Deadline in_ms(int ms) {
  return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
}
StoreClient client_of(const StoreServer& server) {
  return {"127.0.0.1", server.port(), in_ms(5000)};
}

template <class Work>
std::string failure(ErrorCode code, const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.message();
    return error.message();
  }
  return "";
}

TEST(Store, WhatOneSetsOthersGet) {
  const StoreServer server("127.0.0.1", 0);
  StoreClient a = client_of(server), b = client_of(server);
  const std::string large(3'000'000, 'x');
  a.set("empty", "", in_ms(5000));
  a.set("large", large, in_ms(5000));
  EXPECT_EQ(b.get("empty", in_ms(5000)), "");
  EXPECT_EQ(b.get("large", in_ms(5000)), large);
  b.set("large", "small", in_ms(5000));
  EXPECT_EQ(a.get("large", in_ms(5000)), "small");
}

TEST(Store, WhoeverAsksEarlyWaits) {
  const StoreServer server("127.0.0.1", 0);
  std::atomic<int> got = 0;
  std::vector<std::jthread> waiting;
  for (int i = 0; i < 4; ++i) {
    waiting.emplace_back([&] {
      StoreClient client = client_of(server);
      EXPECT_EQ(client.get("address", in_ms(20000)), "here");
      ++got;
    });
  }
  StoreClient client = client_of(server);
  client.set("other", "", in_ms(5000));
  EXPECT_EQ(got, 0);
  client.set("address", "here", in_ms(5000));
  waiting.clear();
  EXPECT_EQ(got, 4);
}

TEST(Store, ManyAddAtATime) {
  const StoreServer server("127.0.0.1", 0);
  {
    std::vector<std::jthread> adding;
    for (int i = 0; i < 8; ++i) {
      adding.emplace_back([&] {
        StoreClient client = client_of(server);
        for (int k = 0; k < 100; ++k) client.add("count", 2, in_ms(5000));
      });
    }
  }
  EXPECT_EQ(client_of(server).add("count", -1600, in_ms(5000)), 0);
}

TEST(Store, WhoSetsAKeyFirstHasSetItForAll) {
  const StoreServer server("127.0.0.1", 0);
  std::vector<std::string> got(8);
  {
    std::vector<std::jthread> setting;
    for (size_t i = 0; i < got.size(); ++i) {
      setting.emplace_back(
          [&, i] { got[i] = client_of(server).set_if_absent("leader", "worker " + std::to_string(i), in_ms(5000)); });
    }
  }
  for (const std::string& each : got) EXPECT_EQ(each, got[0]);
  EXPECT_EQ(client_of(server).get("leader", in_ms(5000)), got[0]);
}

TEST(Store, WhoWaitsForAKeyHearsOfTheFirstWhoSetsIt) {
  const StoreServer server("127.0.0.1", 0);
  std::string got;
  std::jthread waiting([&] { got = client_of(server).get("leader", in_ms(20000)); });
  client_of(server).set_if_absent("leader", "I", in_ms(5000));
  waiting.join();
  EXPECT_EQ(got, "I");
}

TEST(Store, KeysThatBeginAlikeAreListedAndErased) {
  const StoreServer server("127.0.0.1", 0);
  StoreClient client = client_of(server);
  for (const char* key : {"a/1", "a/2", "a", "b/1"}) client.set(key, std::string("of ") + key, in_ms(5000));
  using Entries = std::map<std::string, std::string>;
  EXPECT_EQ(client.list("a/", in_ms(5000)), (Entries{{"a/1", "of a/1"}, {"a/2", "of a/2"}}));
  EXPECT_EQ(client.list("c", in_ms(5000)), Entries());
  client.erase("a/", in_ms(5000));
  EXPECT_EQ(client.list("", in_ms(5000)), (Entries{{"a", "of a"}, {"b/1", "of b/1"}}));
  for (int i = 0; i < 5; ++i) client.set("large" + std::to_string(i), std::string(4'000'000, 'x'), in_ms(5000));
  EXPECT_THAT(failure(ErrorCode::remote, [&] { client.list("large", in_ms(5000)); }), HasSubstr("more keys"));
  EXPECT_EQ(client.list("b", in_ms(5000)).size(), 1u) << "and goes on";
}

TEST(Store, AKeyThatNobodySetsIsNamed) {
  const StoreServer server("127.0.0.1", 0);
  StoreClient client = client_of(server);
  EXPECT_THAT(failure(ErrorCode::timeout, [&] { client.get("worker 3", in_ms(30)); }), HasSubstr("'worker 3'"));
}

TEST(Store, AStoreThatIsNotThereOrGoneIsSaid) {
  std::optional<StoreServer> server(std::in_place, "127.0.0.1", 0);
  StoreClient client = client_of(*server);
  const uint16_t port = server->port();
  server.reset();
  EXPECT_THAT(failure(ErrorCode::remote, [&] { client.set("a", "b", in_ms(2000)), client.get("a", in_ms(2000)); }),
              HasSubstr("the store is gone"));
  EXPECT_THAT(failure(ErrorCode::remote, [&] { StoreClient("127.0.0.1", port, in_ms(60)); }),
              HasSubstr("cannot reach the store"));
  EXPECT_THAT(failure(ErrorCode::remote, [&] { StoreClient("bad host", port, in_ms(60)); }), HasSubstr("is not known"));
  const StoreServer first("127.0.0.1", 0);
  EXPECT_THAT(failure(ErrorCode::io, [&] { StoreServer("127.0.0.1", first.port()); }), HasSubstr("cannot listen"));
}

TEST(Store, StartedAfterItsClientsItIsFound) {
  uint16_t port;
  {
    const StoreServer for_its_port("127.0.0.1", 0);
    port = for_its_port.port();
  }
  std::optional<StoreServer> server;
  std::jthread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    server.emplace("127.0.0.1", port);
  });
  EXPECT_EQ(StoreClient("127.0.0.1", port, in_ms(20000)).add("a", 1, in_ms(20000)), 1);
}

/// Sends bytes that no client of ours would.
void send_raw(const StoreServer& server, std::string_view bytes) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(server.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  (void)!send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  close(socket);
}

TEST(Store, WhatIsNoRequestHurtsNobody) {
  const StoreServer server("127.0.0.1", 0);
  StoreClient client = client_of(server);
  Random random(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::string bytes(random.below(100), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.below(256));
    if (!bytes.empty() && trial % 2 == 0) bytes[0] = 1;
    if (bytes.size() > 1 && trial % 4 == 0) bytes[1] = static_cast<char>(random.below(8));
    send_raw(server, bytes);
  }
  client.set("still", "there", in_ms(5000));
  EXPECT_EQ(client.get("still", in_ms(5000)), "there");
}

}  // namespace
}  // namespace coppice
