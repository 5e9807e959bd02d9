// What a verification costs: OpenSSL's digests are counted where they begin.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "cga/cga.h"
#include "cga/example.h"
#include "support/covers.h"

namespace {

thread_local unsigned digests_begun = 0;  // by a thread: searches digest in several at once

}  // namespace

// Stands before the library's own.
extern "C" int EVP_DigestInit_ex2(EVP_MD_CTX* context, const EVP_MD* digest,
                                  const OSSL_PARAM parameters[]) {
  using Begin = int (*)(EVP_MD_CTX*, const EVP_MD*, const OSSL_PARAM[]);
  static const auto library = reinterpret_cast<Begin>(dlsym(RTLD_NEXT, "EVP_DigestInit_ex2"));
  ++digests_begun;
  return library(context, digest, parameters);
}

namespace sendoff::cga {
namespace {

unsigned cost(const Ipv6Address& address, const Parameters& parameters) {
  const Bytes octets = parameters.octets();
  const auto view = ParametersView::parse(octets);
  invariant(view.has_value());
  const unsigned before = digests_begun;
  (void)verify(address, *view);
  return digests_begun - before;
}

TEST(CgaCost, EndsWithTheFirstStepThatFails) {
  COVERS("CGA-5-7");
  const Bytes octets = example().hex("cga-parameters");
  const auto view = ParametersView::parse(octets);
  ASSERT_TRUE(view);
  Parameters parameters{view->modifier, view->subnet_prefix, view->collision_count,
                        to_bytes(view->public_key), to_bytes(view->extensions)};
  const Ipv6Address address = Ipv6Address::from(example().hex("address"));
  ASSERT_TRUE(verify(address, *view));
  EXPECT_EQ(cost(address, parameters), 2U);  // Sec is 1
  EXPECT_EQ(cost(address_of(parameters, 0), parameters), 1U);
  for (std::uint8_t sec = 1; sec < 8; ++sec)
    EXPECT_EQ(cost(address_of(parameters, sec), parameters), 2U) << int{sec};
  Parameters wrong = parameters;
  wrong.collision_count = 3;
  EXPECT_EQ(cost(address_of(wrong, 1), wrong), 0U);
  wrong = parameters;
  wrong.subnet_prefix[7] ^= 1;
  EXPECT_EQ(cost(address, wrong), 0U);
  wrong = parameters;
  wrong.modifier[0] ^= 1;
  EXPECT_EQ(cost(address, wrong), 1U);
}

}  // namespace
}  // namespace sendoff::cga
