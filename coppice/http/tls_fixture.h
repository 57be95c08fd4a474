// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

namespace coppice {

/// Frees what OpenSSL has made.
template <auto free>
struct OpenSslFree {
  template <class T>
  void operator()(T* what) const {
    free(what);
  }
};
using Key = std::unique_ptr<EVP_PKEY, OpenSslFree<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, OpenSslFree<X509_free>>;

inline void require(bool is_so, const char* what) {
  if (!is_so) throw std::runtime_error(what);
}

inline Key make_key() {
  Key key(EVP_EC_gen("P-256"));
  require(key != nullptr, "no key");
  return key;
}

struct CertificateText {
  std::string name;       ///< whose it is
  std::string extension;  ///< "basicConstraints=critical,CA:TRUE", or "subjectAltName=DNS:a,IP:::1"
  int valid_days = 1;     ///< from an hour ago; negative = it has ended
};

/// A certificate of `key`, signed with `by_key`, whose own one is `by` (null = signs itself).
inline Certificate make_certificate(const CertificateText& text, EVP_PKEY* key, X509* by, EVP_PKEY* by_key) {
  Certificate made(X509_new());
  X509* const one = made.get();
  static long serial = 1;
  X509_set_version(one, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(one), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(one), text.valid_days < 0 ? -86400L * 3 : -3600);
  X509_gmtime_adj(X509_getm_notAfter(one), 86400L * text.valid_days);
  X509_set_pubkey(one, key);
  const auto* const name = reinterpret_cast<const unsigned char*>(text.name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(one), "CN", MBSTRING_ASC, name, -1, -1, 0);
  X509_set_issuer_name(one, X509_get_subject_name(by == nullptr ? one : by));
  const size_t equals = text.extension.find('=');
  X509V3_CTX context;
  X509V3_set_ctx(&context, by == nullptr ? one : by, one, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf(nullptr, &context, text.extension.substr(0, equals).c_str(),
                                                    text.extension.substr(equals + 1).c_str());
  require(extension != nullptr, "no extension");
  X509_add_ext(one, extension, -1);
  X509_EXTENSION_free(extension);
  require(X509_sign(one, by_key, EVP_sha256()) > 0, "not signed");
  return made;
}

inline void write_certificate(const std::string& path, X509* certificate) {
  std::unique_ptr<BIO, OpenSslFree<BIO_free>> memory(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(memory.get(), certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  std::ofstream(path).write(text, size);
}

}  // namespace coppice
