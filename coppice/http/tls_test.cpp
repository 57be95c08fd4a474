// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/tls.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "coppice/http/client.h"
#include "coppice/http/loop_fixture.h"
#include "coppice/http/tls_fixture.h"

#include <boost/asio/ssl.hpp>

namespace coppice {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::ip::tcp;

/// A server with Asio's own TLS: another's work than the client's.
struct TlsTest : testing::Test {
  using Stream = asio::ssl::stream<tcp::socket>;
  /// What happens once hands are shaken.
  using Talk = std::function<Awaitable<void>(Stream& stream)>;

  TlsTest() {
    write_certificate(ca_path, ca.get());
    client.emplace(loop.context, HttpClientOptions{64, 30s, ca_path, ""});
  }
  ~TlsTest() override { std::filesystem::remove(ca_path); }

  void serve(const CertificateText& text, Talk talk, int most_version = TLS1_3_VERSION) {
    certificate = make_certificate(text, key.get(), ca.get(), ca_key.get());
    SSL_CTX_use_certificate(context.native_handle(), certificate.get());
    SSL_CTX_use_PrivateKey(context.native_handle(), key.get());
    SSL_CTX_set_max_proto_version(context.native_handle(), most_version);
    asio::co_spawn(loop.context, accept(*this, std::move(talk)), [](std::exception_ptr) {});
  }
  static Awaitable<void> accept(TlsTest& test, Talk talk) {
    while (true) {
      tcp::socket socket(test.loop.context);
      co_await test.acceptor.async_accept(socket, asio::use_awaitable);
      Stream stream(std::move(socket), test.context);
      ++test.connections;
      try {
        co_await stream.async_handshake(Stream::server, asio::use_awaitable);
        if (const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name)) {
          test.asked_name = name;
        }
        co_await talk(stream);
      } catch (const std::exception&) {  // the client did not like it
      }
    }
  }
  /// Reads a request and writes an answer, as often as the client likes.
  static Talk answers(const std::string& answer) {
    return [answer](Stream& stream) -> Awaitable<void> {
      std::string request;
      while (true) {
        const size_t size =
            co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
        request.erase(0, size);
        co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
      }
    };
  }
  HttpCall call(const std::string& host) {
    HttpCall made;
    made.request.target = "https://" + host + ":" + std::to_string(acceptor.local_endpoint().port()) + "/";
    made.idle_timeout = 5s;
    return made;
  }
  HttpResponse send(HttpCall made) { return loop.run(client->send(std::move(made))); }
  std::string fault_of(HttpCall made) {
    try {
      send(std::move(made));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::remote);
      return error.message();
    }
    ADD_FAILURE() << "answered";
    return {};
  }

  const std::string ca_path = testing::TempDir() + "tls_test_ca_" + std::to_string(::getpid()) + ".pem";
  const CertificateText good{"localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1"};
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  Key ca_key = make_key(), key = make_key();
  Certificate ca = make_certificate({"A test's authority", "basicConstraints=critical,CA:TRUE"}, ca_key.get(), nullptr,
                                    ca_key.get());
  Certificate certificate;
  std::string asked_name;
  int connections = 0;
  TestLoop loop;
  asio::ssl::context context{asio::ssl::context::tls_server};
  tcp::acceptor acceptor{loop.context, {asio::ip::make_address("127.0.0.1"), 0}};
  std::optional<HttpClient> client;
};

TEST_F(TlsTest, SpeaksToAServerThatItTrusts) {
  serve(good, answers(ok));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(send(call("localhost")).body, "ok");
  EXPECT_EQ(connections, 1);  // used again
  EXPECT_EQ(asked_name, "localhost");
}

TEST_F(TlsTest, SpeaksToAnAddressThatTheCertificateNames) {
  serve(good, answers(ok));
  EXPECT_EQ(send(call("127.0.0.1")).body, "ok");
  EXPECT_EQ(asked_name, "");  // an address is no name (RFC 6066, section 3)
}

TEST_F(TlsTest, SpeaksTls12) {
  serve(good, answers(ok), TLS1_2_VERSION);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(send(call("localhost")).body, "ok");
}

TEST_F(TlsTest, DoesNotSpeakTls11) {
  serve(good, answers(ok), TLS1_1_VERSION);
  EXPECT_NE(fault_of(call("localhost")).find("TLS failed: "), std::string::npos);
}

TEST_F(TlsTest, TheNameHasToBeThatOfTheCertificate) {
  serve({"localhost", "subjectAltName=DNS:example.com"}, answers(ok));
  const std::string message = fault_of(call("localhost"));
  EXPECT_NE(message.find("its certificate is not accepted: hostname mismatch"), std::string::npos) << message;
  serve({"127.0.0.1", "subjectAltName=DNS:127.0.0.1"}, answers(ok));
  EXPECT_NE(fault_of(call("127.0.0.1")).find("IP address mismatch"), std::string::npos);
}

TEST_F(TlsTest, AnAuthorityThatNobodyKnowsIsNotTrusted) {
  serve(good, answers(ok));
  client.emplace(loop.context, HttpClientOptions());
  const std::string message = fault_of(call("localhost"));
  EXPECT_NE(message.find("its certificate is not accepted: "), std::string::npos) << message;
  EXPECT_NE(message.find("hint: "), std::string::npos) << message;
}

TEST_F(TlsTest, ACertificateThatHasEndedIsNotAccepted) {
  serve({"localhost", "subjectAltName=DNS:localhost", -1}, answers(ok));
  EXPECT_NE(fault_of(call("localhost")).find("certificate has expired"), std::string::npos);
}

TEST_F(TlsTest, AServerWithoutTlsIsAFault) {
  const HttpServer plain(loop.context, {}, [](const HttpRequest&, HttpResponder&) -> Awaitable<void> { co_return; });
  HttpCall made;
  made.request.target = "https://127.0.0.1:" + std::to_string(plain.port()) + "/";
  EXPECT_NE(fault_of(std::move(made)).find("TLS failed: "), std::string::npos);
}

TEST_F(TlsTest, AFileWithoutCertificatesIsAFault) {
  for (const char* path : {"/no/such/file", "/dev/null"}) {
    client.emplace(loop.context, HttpClientOptions{64, 30s, path, ""});
    try {
      send(call("localhost"));
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::io);
      EXPECT_EQ(error.where(), path);
    }
  }
}

TEST_F(TlsTest, LongBodiesGoBothWays) {
  serve(good, [](Stream& stream) -> Awaitable<void> {
    std::string request;
    const size_t head =
        co_await asio::async_read_until(stream, asio::dynamic_buffer(request), "\r\n\r\n", asio::use_awaitable);
    co_await asio::async_read(stream, asio::dynamic_buffer(request, head + 3'000'000), asio::use_awaitable);
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + request.substr(head);
    co_await asio::async_write(stream, asio::buffer(answer), asio::use_awaitable);
  });
  HttpCall made = call("localhost");
  made.request.method = "POST";
  for (uint32_t i = 0; made.request.body.size() < 3'000'000; ++i) {
    made.request.body += std::to_string(i * 2'654'435'761U);
  }
  made.request.body.resize(3'000'000);
  const std::string body = made.request.body;
  EXPECT_TRUE(send(std::move(made)).body == body);
}

/// Passes on what one end says, one byte at a time.
Awaitable<void> pass_on(tcp::socket& from, tcp::socket& to) {
  std::array<char, 1> byte;
  while (true) {
    co_await asio::async_read(from, asio::buffer(byte), asio::use_awaitable);
    co_await asio::async_write(to, asio::buffer(byte), asio::use_awaitable);
  }
}

TEST_F(TlsTest, ARecordMayComeInPieces) {
  serve(good, answers(ok));
  tcp::acceptor between(loop.context, {asio::ip::make_address("127.0.0.1"), 0});
  tcp::socket client_end(loop.context), server_end(loop.context);
  server_end.connect(acceptor.local_endpoint());
  between.async_accept(client_end, [&](const boost::system::error_code&) {
    for (tcp::socket* const one : {&client_end, &server_end}) one->set_option(tcp::no_delay(true));
    asio::co_spawn(loop.context, pass_on(client_end, server_end), [](std::exception_ptr) {});
    asio::co_spawn(loop.context, pass_on(server_end, client_end), [](std::exception_ptr) {});
  });
  HttpCall made = call("localhost");
  made.request.target = "https://localhost:" + std::to_string(between.local_endpoint().port()) + "/";
  EXPECT_EQ(send(std::move(made)).body, "ok");
}

TEST_F(TlsTest, AnEndThatNobodySignedIsNoEnd) {
  const std::string without_length = "HTTP/1.1 200 OK\r\n\r\nall of it?";
  serve(good, [without_length](Stream& stream) -> Awaitable<void> {
    co_await asio::async_write(stream, asio::buffer(without_length), asio::use_awaitable);
    stream.next_layer().close();  // without TLS's own goodbye: anyone on the way could do that
  });
  EXPECT_NE(fault_of(call("localhost")).find("the connection broke before the end of the answer"), std::string::npos);
}

TEST_F(TlsTest, AnEndThatIsSignedIsOne) {
  const std::string without_length = "HTTP/1.1 200 OK\r\n\r\nall of it";
  serve(good, [without_length](Stream& stream) -> Awaitable<void> {
    co_await asio::async_write(stream, asio::buffer(without_length), asio::use_awaitable);
    boost::system::error_code error;
    co_await stream.async_shutdown(asio::redirect_error(asio::use_awaitable, error));
  });
  EXPECT_EQ(send(call("localhost")).body, "all of it");
}

TEST_F(TlsTest, AHandshakeThatDoesNotEndIsGivenUp) {
  HttpCall made = call("127.0.0.1");  // where connections wait to be accepted
  made.connect_timeout = 30ms;
  try {
    send(std::move(made));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::timeout);
    EXPECT_EQ(std::string(error.what()), "no connection within 30 ms");
  }
}

}  // namespace
}  // namespace coppice
