#include "pki/names.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cctype>
#include <memory>
#include <string>
#include <vector>

#include "pki/certificate.h"

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

// The parts between separators that no backslash stands before.
std::vector<std::string> parts_of(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) parts.back() += text[++i];
  }
  return parts;
}

// Without backslashes, two hexadecimal digits behind one being an octet (RFC 4514 2.4); nothing
// where one ends the text, or "+" joins two attributes.
std::optional<std::string> plain(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') return std::nullopt;
    const bool escaped = text[i] == '\\';
    if (escaped && ++i == text.size()) return std::nullopt;
    Bytes octet;
    if (escaped && i + 1 < text.size() && from_hex(text.substr(i, 2), octet)) {
      out += static_cast<char>(octet.front());
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool add_attribute(X509_NAME* name, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return false;
  std::string type(text.substr(0, equals));
  type.erase(0, type.find_first_not_of(' '));
  // "cn" is as good as "CN" (RFC 4514 3); names of more letters OpenSSL knows in one form alone.
  if (type.size() <= 2)
    std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::toupper(c); });
  const auto value = plain(text.substr(equals + 1));
  if (!value || value->empty()) return false;
  return X509_NAME_add_entry_by_txt(name, type.c_str(), MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value->data()),
                                    static_cast<int>(value->size()), -1, 0) == 1;
}

}  // namespace

std::optional<Bytes> name_from_text(std::string_view text) {
  const Name name(X509_NAME_new());
  const std::vector<std::string> attributes = parts_of(text, ',');
  const bool good = name && std::ranges::all_of(attributes.rbegin(), attributes.rend(),
                                                [&](const std::string& attribute) {
                                                  return add_attribute(name.get(), attribute);
                                                });
  unsigned char* data = nullptr;
  const int size = good ? i2d_X509_NAME(name.get(), &data) : 0;
  ERR_clear_error();
  if (size <= 0) return std::nullopt;
  Bytes der(data, data + size);
  OPENSSL_free(data);
  return der;
}

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
