// A mobile node of the simulated world: it roams, and tells its correspondent where it is, as
// Mobile IPv6 would.
#pragma once

#include "mobile/mobile.h"
#include "sim/node.h"

namespace sendoff::sim {

class MobileNode final : public Node {
 public:
  MobileNode(Context& context, std::size_t number, std::vector<std::unique_ptr<Link>>& links);

  [[nodiscard]] std::size_t number() const { return number_; }
  [[nodiscard]] const mobile::Config& config() const { return config_; }
  [[nodiscard]] std::optional<mobile::Mobile::Status> status() const;
  // The care-of address of its own on the link where it is; nothing while it has none.
  [[nodiscard]] std::optional<Ipv6Address> care_of() const;
  // The router whose link it is on, or is on its way to.
  [[nodiscard]] std::optional<std::size_t> place() const { return place_; }

  // Leaves its link and enters that one a little later.
  void move(std::size_t router, Host::Done done = nullptr);

 private:
  // Who says what of a change of the link, and in which order.
  enum class Driver : std::uint8_t { kCarrier, kCarrierFirst, kAccessPointFirst, kAccessPoint };

  [[nodiscard]] static Parts parts(Context& context, std::size_t number, MobileNode* self);
  [[nodiscard]] std::unique_ptr<machine::Machine> build(machine::Snapshot snapshot, Random& random,
                                                        Now now) override;
  void tell_interfaces() override;
  void switch_link(const LinkAddress& access_point, Host::Done done) override;
  void tell_left();
  void take(ByteView packet);

  std::size_t number_;
  std::vector<std::unique_ptr<Link>>& links_;
  mobile::Config config_;
  const mobile::Mobile* mobile_ = nullptr;
  Driver driver_;
  bool told_ = false;  // the program knows of its interface
  std::optional<std::size_t> place_;
  std::uint64_t moves_ = 0;
};

}  // namespace sendoff::sim
