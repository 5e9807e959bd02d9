// RFC 4303 4: what an auditor reads, and that it cannot flood the log.
#include "esp/fixture.h"

namespace sendoff::esp {
namespace {

using Audit = EspTest;

class AuditEvents : public EspTest {
 protected:
  // One packet for each event but the overflow, which is the sender's.
  std::vector<std::pair<AuditEvent, Craft>> packets() {
    return {{AuditEvent::kNoAssociation, {.spi = 0x7777, .sequence = 11}},
            {AuditEvent::kFragment,
             {.sequence = 12, .fragment = wire::FragmentHeader{wire::kProtocolEsp, 0, true, 1}}},
            {AuditEvent::kReplay, {.sequence = 0}},
            {AuditEvent::kIntegrity, {.sequence = 13, .bad_icv = true}}};
  }
};

TEST_F(AuditEvents, EntriesNameThePacket) {
  for (const auto& [event, craft] : packets()) {
    nar.audit.clear();
    ASSERT_TRUE(open(craft).has_value());
    ASSERT_EQ(nar.audit.size(), 1U) << name(event);
    ASSERT_TRUE(nar.audit[0].entry);
    const AuditEntry& entry = *nar.audit[0].entry;
    EXPECT_EQ(entry.event, event);
    EXPECT_EQ(entry.time, now.utc);
    EXPECT_EQ(entry.source, kPar);
    EXPECT_EQ(entry.destination, kNar);
    EXPECT_EQ(entry.flow_label, 0x54321U);
    EXPECT_EQ(entry.spi, craft.spi);
    EXPECT_EQ(entry.sequence, craft.sequence);
    EXPECT_EQ(nar.audit[0].left_out, 0U);
  }
}

TEST_F(AuditEvents, CountersRunWithTheLogSwitchedOff) {
  nar_config.audit = false;
  nar.configure(now, nar_config);
  for (const auto& [event, craft] : packets()) ASSERT_TRUE(open(craft).has_value());
  EXPECT_TRUE(nar.audit.empty());
  EXPECT_EQ(nar.count(Count::kNoAssociation), 1U);
  EXPECT_EQ(nar.count(Count::kFragment), 1U);
  EXPECT_EQ(nar.count(Count::kReplay), 1U);
  EXPECT_EQ(nar.count(Count::kIntegrity), 1U);
  EXPECT_EQ(nar.associations.next_deadline(), kNever);
  nar_config.audit = true;
  nar.configure(now, nar_config);
  EXPECT_EQ(open({.sequence = 0}), Drop::kReplay);
  EXPECT_EQ(nar.audit.size(), 1U);
}

TEST_F(Audit, ARushOfBadPacketsLeavesFewEntriesAndTheirCount) {
  const Bytes bad = Craft{.sequence = 5, .bad_icv = true}.packet();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(nar.open(now, bad), Drop::kIntegrity);
    if (i % 10 == 9) advance(milliseconds(1));
  }
  advance(seconds(2));
  std::uint64_t entries = 0;
  std::uint64_t left_out = 0;
  for (const AuditLog::Line& line : nar.audit) {
    entries += line.entry ? 1U : 0U;
    left_out += line.left_out;
  }
  EXPECT_LE(entries, 40U);
  EXPECT_EQ(entries + left_out, 10'000U);
  EXPECT_EQ(nar.count(Count::kIntegrity), 10'000U);
}

}  // namespace
}  // namespace sendoff::esp
