#include "pki/names.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <memory>

namespace sendoff::pki {

namespace {

using Name = std::unique_ptr<X509_NAME, decltype([](X509_NAME* name) { X509_NAME_free(name); })>;

Name decode_name(ByteView der) {
  const unsigned char* at = der.data();
  Name name(d2i_X509_NAME(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (at != der.data() + der.size()) return {};
  return name;
}

}  // namespace

bool names_match(ByteView a, ByteView b) {
  const Name first = decode_name(a);
  const Name second = decode_name(b);
  const bool match = first && second && X509_NAME_cmp(first.get(), second.get()) == 0;
  ERR_clear_error();
  return match;
}

std::string name_text(ByteView name) {
  const Name decoded = decode_name(name);
  const std::unique_ptr<BIO, decltype([](BIO* bio) { BIO_free(bio); })> out(BIO_new(BIO_s_mem()));
  std::string text;
  if (decoded && out && X509_NAME_print_ex(out.get(), decoded.get(), 0, XN_FLAG_RFC2253) >= 0) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(out.get(), &data);
    if (size > 0) text.assign(data, static_cast<std::size_t>(size));
  }
  ERR_clear_error();
  return text;
}

}  // namespace sendoff::pki
