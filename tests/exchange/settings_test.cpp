// What no setting can change: every yes or no of the two example files, which name every option
// there is, turned into its opposite by itself.
#include <sstream>

#include "config/files.h"
#include "exchange/both.h"
#include "support/paths.h"

namespace sendoff::test {
namespace {

struct Setting {
  std::string heading;  // "[keys]", "[[interface]]"
  std::string name;
  std::string value;  // as the example has it
};

class Settings : public config::ConfigTest {
 protected:
  // Of examples/NAME, those behind "#" too.
  static std::vector<Setting> all_of(const std::string& name) {
    const auto file = config::SystemFiles().read(source_directory() + "/examples/" + name);
    EXPECT_TRUE(file) << name;
    std::vector<Setting> found;
    if (!file) return found;
    const ByteView octets = file->octets.expose();
    std::istringstream lines(std::string(octets.begin(), octets.end()));
    std::string heading;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("# ")) line = line.substr(2);
      if (line.starts_with('[')) heading = line;
      std::istringstream words(line);
      Setting setting{heading, {}, {}};
      std::string equals;
      if (words >> setting.name >> equals >> setting.value && equals == "=")
        found.push_back(setting);
    }
    return found;
  }
  // `base` with another value, where the section is or in one of its own.
  static std::string with(const std::string& base, const Setting& setting,
                          const std::string& value) {
    const std::string line = setting.name + " = " + value + "\n";
    const std::size_t at = base.find(setting.heading + "\n");
    if (at == std::string::npos) return base + setting.heading + "\n" + line;
    std::string text = base;
    return text.insert(at + setting.heading.size() + 1, line);
  }
  // Which certificates count, which routers take part, and whether the node has an address here, is
  // the administrator's to say.
  static bool decides_whom(const Setting& setting) {
    return setting.name == "strict_rfc6487" || setting.name == "fast_handover" ||
           setting.name == "form_addresses";
  }
  // The files with each other yes or no of these sections turned.
  static std::vector<std::string> turned(const std::string& example, const std::string& base,
                                         const std::vector<std::string>& headings) {
    std::vector<std::string> files{base};
    for (const Setting& setting : all_of(example)) {
      if (std::ranges::find(headings, setting.heading) == headings.end()) continue;
      if (decides_whom(setting)) continue;
      if (setting.value == "true") files.push_back(with(base, setting, "false"));
      if (setting.value == "false") files.push_back(with(base, setting, "true"));
    }
    return files;
  }
  void expect_question_answered(const std::string& node, const std::string& access_router);
};

void Settings::expect_question_answered(const std::string& node, const std::string& access_router) {
  auto mobile_file = mobile(node);
  auto router_file = router(access_router);
  ASSERT_TRUE(mobile_file) << mobile_file.error()[0].text();
  ASSERT_TRUE(router_file) << router_file.error()[0].text();
  mobile_file->machine.discovery.first_delay_max = {};
  mobile_file->machine.identity = mobile_config().identity;  // as small as the node's pair
  const Both both(mobile_file->machine, router_file->machine);
  const auto asked = both.world.solicitations();
  ASSERT_FALSE(asked.empty()) << node << access_router << both.world.account();
  const auto told = both.advertisements();
  const bool answered = std::ranges::any_of(told, [&](const Bytes& packet) {
    const auto view = wire::PacketView::parse(packet);
    const auto message = wire::PrRtAdv::parse(view->upper);
    return message && message->identifier == asked[0].identifier &&
           view->header.destination == asked[0].source;
  });
  EXPECT_TRUE(answered) << node << access_router;
  EXPECT_FALSE(both.world.status().neighbours.empty()) << node << access_router;
}

// A node without handover keys makes no fast handovers at all: that is no setting of these.
TEST_F(Settings, LeaveTheQuestionForNeighboursAndItsAnswerAlone) {
  COVERS("FH-4-12");
  const std::string base = changed(config::kMobileFile, "[keys]\n", "[keys]\nmax_keys = 64\n");
  const auto nodes =
      turned("mobile.toml", base, {"[trust]", "[discovery]", "[handover]", "[send]", "[limits]"});
  const auto routers = turned("router.toml", config::kRouterFile,
                              {"[[interface]]", "[certificate]", "[keys]", "[[neighbour]]",
                               "[send]", "[limits]", "[handover]", "[arrival]"});
  EXPECT_GE(nodes.size(), 4U);
  EXPECT_GT(routers.size(), 16U);
  for (const std::string& node : nodes) expect_question_answered(node, config::kRouterFile);
  for (const std::string& access_router : routers) expect_question_answered(base, access_router);
}

// Whatever its name: the tunnel's far end is where the FBU went.
TEST_F(Settings, OfAHandoverNameNoAddress) {
  COVERS("FH-4-39");
  std::size_t tried = 0;
  for (const Setting& setting : all_of("mobile.toml")) {
    if (setting.heading != "[handover]") continue;
    mobile_error("fbu_retries = 3", setting.name + " = \"2001:db8:a:3::1\"", setting.name);
    ++tried;
  }
  EXPECT_GT(tried, 14U);
}

}  // namespace
}  // namespace sendoff::test
