#include "app/dhcp_command.h"

#include <utility>

#include "app/log.h"

namespace sendoff::app {

namespace {

// Solicit and Request, each repeated thrice or more (RFC 8415 7.6).
constexpr Duration kPatience = seconds(30);

}  // namespace

void DhcpCommand::run(const std::string& interface, net::Done done) {
  end();
  if (command_.empty()) {
    log::warning("addresses come from DHCP on the link of " + interface +
                 ", and no [handover] dhcp_command is configured");
    return done(fail(machine::ActionError::kUnsupported));
  }
  interface_ = interface;
  net::ChildSpec spec{.words = command_, .low_ports = true, .patience = kPatience};
  spec.words.push_back(interface);
  spec.line = [this](std::string_view line) { printed(line); };
  spec.ended = [this](const net::ChildEnd& how) { ended(how); };
  auto child = net::Child::start(loop_, std::move(spec));
  done_ = std::move(done);
  if (!child) return refuse(child.error().text());
  child_ = std::move(*child);
}

void DhcpCommand::left(std::string_view interface) {
  if (interface == interface_) end();
}

void DhcpCommand::printed(std::string_view line) {
  if (!done_) {
    if (line != address_)
      log::warning("dhcp_command: only its first line counts, not \"" + std::string(line) + '"');
    return;
  }
  const auto address = Ipv6Address::parse(line);
  if (!address) {
    child_.reset();
    return refuse("\"" + std::string(line) + "\" is no IPv6 address");
  }
  address_ = line;
  log::info("dhcp_command: " + address->text() + " was leased on " + interface_);
  std::exchange(done_, nullptr)(machine::Facts{.address = address});
}

void DhcpCommand::ended(const net::ChildEnd& how) {
  child_.reset();
  if (done_) return refuse(how.good ? "it ended without printing an address" : how.how);
  if (!how.good)
    log::warning("dhcp_command ended (" + how.how + "): nobody renews the lease of " + address_);
}

void DhcpCommand::refuse(const std::string& why) {
  log::error("dhcp_command gave no address: " + why);
  std::exchange(done_, nullptr)(fail(machine::ActionError::kRefused));
}

// The answer is owed all the same.
void DhcpCommand::end() {
  child_.reset();
  address_.clear();
  if (const net::Done done = std::exchange(done_, nullptr))
    done(fail(machine::ActionError::kRefused));
}

}  // namespace sendoff::app
