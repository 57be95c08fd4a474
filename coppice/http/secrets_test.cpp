// SPDX-License-Identifier: Apache-2.0
#include "coppice/http/secrets.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coppice/http/base64.h"
#include "coppice/http/url.h"

namespace coppice {
namespace {

const std::string kKey = R"(sk-SECRET+abc/12"3\x==)";

std::string without_key(const std::string& text) {
  return Secrets(kKey).without(text);
}

TEST(Secrets, AKeyIsCutOutAsItIs) {
  EXPECT_EQ(Secrets("sk-1").without("key sk-1 and sk-1"), "key *** and ***");
  EXPECT_EQ(Secrets("aa").without("aaaa"), "******");
  EXPECT_EQ(Secrets("sk-1").without("nothing"), "nothing");
  EXPECT_EQ(Secrets("").without("nothing"), "nothing");
  EXPECT_EQ(Secrets("sk-1").without("sk-"), "sk-");
  EXPECT_EQ(Secrets("sk-1").without("sk-1", 5), "sk-1");
  EXPECT_TRUE(Secrets().empty());
}

TEST(Secrets, AKeyIsFoundAsJsonWritesIt) {
  const std::string once = nlohmann::json("a " + kKey + " b").dump();
  EXPECT_EQ(without_key(once), R"("a *** b")");
  EXPECT_EQ(without_key(nlohmann::json(once).dump()), R"("\"a *** b\"")") << "JSON in JSON";
  std::string slashes = once;
  slashes.replace(slashes.find('/'), 1, "\\/");
  EXPECT_EQ(without_key(slashes), R"("a *** b")");
  for (const char* const form : {"\\u%04x", "\\u%04X", "\\\\u%04x", "%%%02X", "%%%02x", "%%25%02X"}) {
    std::string coded;
    for (const char c : kKey) {
      char digits[16];
      (void)std::snprintf(digits, sizeof digits, form, static_cast<unsigned char>(c));
      coded += digits;
    }
    EXPECT_EQ(without_key("a " + coded + " b"), "a *** b") << coded;
  }
}

TEST(Secrets, AKeyIsFoundInUrlsAndInBase64) {
  EXPECT_EQ(without_key("?k=" + percent_encode(kKey) + "&x"), "?k=***&x");
  for (const std::string before : {"", "u", "us", "user:", "Bearer "}) {
    const std::string plain = before + kKey;
    std::string coded = base64(plain), url = coded;
    for (char& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
    for (const std::string& text : {coded, url}) {
      const std::string rest = without_key(text);
      EXPECT_NE(rest.find("***"), rest.npos) << text;
      EXPECT_LE(rest.size(), (before.size() + 2) / 3 * 4 + 3 + 4) << rest;
    }
  }
  // Digits that a slash of base64 is escaped in, by JSON or in a URL.
  const std::string slashed = "????????????";
  EXPECT_EQ(Secrets(slashed).without("Pz8\\/Pz8\\/Pz8\\/Pz8\\/"), "***");
  EXPECT_EQ(Secrets(slashed).without("Pz8%2FPz8%2FPz8%2FPz8_"), "***");
  EXPECT_EQ(Secrets("none").without("bm9uZQ=="), "bm9uZQ==") << "too short to be told from chance";
}

TEST(Secrets, WhatIsAlikeStays) {
  for (const std::string text : {R"(sk-SECRET+abc/12"3\y==)", "sk-SECRET abc", "%73k-", "\\", "%", "\\u00", "%7"}) {
    EXPECT_EQ(without_key(text), text);
  }
}

TEST(Secrets, AServerThatWritesManyBackslashesDoesNotHoldUp) {
  const std::string many(4'000'000, '\\');
  EXPECT_EQ(Secrets("sk-1").without(many), many);
}

TEST(Secrets, AKeyIsFoundOverPieces) {
  const auto cut = [](std::vector<std::string> pieces) {
    Secrets("sk-secret").cut_out(pieces);
    return pieces;
  };
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(cut({"a sk-s", "ecret b", "c"}), (Pieces{"a ***", " b", "c"}));
  EXPECT_EQ(cut({"sk-", "sec", "", "ret"}), (Pieces{"***", "", "", ""}));
  EXPECT_EQ(cut({"sk-secretsk-secret sk-", "secret"}), (Pieces{"****** ***", ""}));
  EXPECT_EQ(cut({"sk-secret", "sk-secret"}), (Pieces{"***", "***"}));
  EXPECT_EQ(cut({"sk-", "other"}), (Pieces{"sk-", "other"}));
  EXPECT_EQ(cut({}), Pieces{});
}

TEST(Secrets, TextsAndNamesOfJsonAreLookedThrough) {
  nlohmann::json value = {{"a", {"x sk-secret", 1, nullptr}}, {"sk-secret", {{"b", "sk-secret"}}}};
  Secrets("sk-secret").cut_out(value);
  EXPECT_EQ(value, (nlohmann::json{{"a", {"x ***", 1, nullptr}}, {"***", {{"b", "***"}}}}));
}

TEST(Secrets, ThoseOfARequestAreFound) {
  HttpRequest request("GET", "http://a/v1?api_key=a%2Fkey-of-20-bytes-12&q=some-words-to-look-for&sort_key=date");
  request.headers.add("Authorization", "Basic " + base64("ann:pass/word"));
  request.headers.add("X-Api-Key", "key-0123456789abcdef");
  request.headers.add("Cookie", "a=1; session=0123456789abcdef");
  request.headers.add("Idempotency-Key", "0123456789abcdef0123");
  request.headers.add("Accept", "application/json, text/plain");
  const Secrets secrets = secrets_of(request);
  for (const std::string& key : {base64("ann:pass/word"), std::string("pass/word"), std::string("pass\\/word"),
                                 std::string("key-0123456789abcdef"), std::string("a/key-of-20-bytes-12"),
                                 std::string("a%2Fkey-of-20-bytes-12"), std::string("a")}) {
    EXPECT_EQ(secrets.without("[" + key + "]"), key == "a" ? "[a]" : "[***]") << key;
  }
  for (const std::string text : {"some-words-to-look-for", "date", "0123456789abcdef0123", "application/json", "1"}) {
    EXPECT_EQ(secrets.without(text), text == "0123456789abcdef0123" ? "***0123" : text);  // the cookie begins it
  }
  EXPECT_TRUE(secrets_of(HttpRequest("GET", "http://a/")).empty());
}

TEST(Secrets, AnErrorHasNoneInAnyPart) {
  const Error clean =
      without(Secrets("sk-secret"), Error(ErrorCode::remote, "what sk-secret", "sk-secret", "hint sk-secret"));
  EXPECT_EQ(clean.message().find("sk-secret"), std::string::npos) << clean.message();
  EXPECT_EQ(clean.code(), ErrorCode::remote);
}

}  // namespace
}  // namespace coppice
