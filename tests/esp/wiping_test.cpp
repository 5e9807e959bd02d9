// That the keys of associations leave no octets in memory that was given back.
#include "crypto/random.h"
#include "esp/fixture.h"
#include "support/freed_memory.h"

namespace sendoff::esp {
namespace {

using sendoff::test::Watching;

TEST(EspWiping, HappensToAKeyThatIsReadUsedAndReplaced) {
  crypto::SystemRandom random;
  const Secret text = new_key_text(random);
  const Key probe = read_key(text.expose()).value();
  for (const ByteView watched : {probe->expose(), text.expose()}) {
    const Watching watching(watched);
    {
      Config config;
      config.pairs.push_back({kPar,
                              kNar,
                              {0x1000, read_key(text.expose()).value()},
                              {{0x2000, key_numbered(2), true}}});
      Node node;
      const Now now{Instant(seconds(1)), UtcTime(seconds(1))};
      node.configure(now, config);
      EXPECT_TRUE(node.seal(now, kNar, vector().hex("hmac-hi-mobility-header")));
      config.pairs[0].outbound.key = key_numbered(3);
      node.configure(now, config);
      EXPECT_TRUE(node.seal(now, kNar, vector().hex("hmac-hi-mobility-header")));
      EXPECT_EQ(to_hex(fingerprint(*probe)).size(), 32U);
      const Secret again = text.duplicate();
    }
    EXPECT_GT(watching.looked(), 0);
    EXPECT_EQ(watching.found(), 0);
    {
      const Bytes careless = to_bytes(watched);
    }
    EXPECT_EQ(watching.found(), 1) << "the watch sees what is not wiped";
  }
}

}  // namespace
}  // namespace sendoff::esp
