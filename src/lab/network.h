// The lab's network: a correspondent, the previous and the new access router and the mobile node,
// each in a namespace of its own, and a fifth that is the cables between them.
//
//                   core 2001:db8:c::/64
//     correspondent ── PAR ── NAR
//                       │      │      access 2001:db8:a:1::/64, 2001:db8:a:2::/64
//                      (AP)   (AP)
//                         \   /
//                          MN         one interface; the radio says which AP it hears
#pragma once

#include <memory>

#include "base/address.h"
#include "base/time.h"
#include "lab/links.h"
#include "lab/namespace.h"

namespace sendoff::lab {

enum class Side : std::uint8_t { kPar, kNar };
[[nodiscard]] inline Side other(Side side) { return side == Side::kPar ? Side::kNar : Side::kPar; }

// Everything fixed about an access router's place.
struct Place {
  Prefix prefix;             // of its access link
  Ipv6Address core_address;  // where the others on the core reach it
  LinkAddress access_link;   // its interfaces' link-layer addresses
  LinkAddress core_link;
  LinkAddress access_point;
};
[[nodiscard]] const Place& place(Side side);

struct CorrespondentPlace {
  Ipv6Address address;
  LinkAddress link;
};
[[nodiscard]] const CorrespondentPlace& correspondent_place();
[[nodiscard]] const LinkAddress& mobile_link();

inline constexpr const char* kCoreInterface = "core0";      // of correspondent, PAR and NAR
inline constexpr const char* kAccessInterface = "access0";  // of PAR, NAR and MN
inline constexpr const char* kRadioPort = "radio";          // the cables' end of the MN's interface
inline constexpr unsigned kMobileIndex = 1401;              // of the MN's interface

class Network {
 public:
  // Made and connected, the MN in the cell of the PAR, its carrier up. Nothing but the
  // correspondent and the core have addresses.
  [[nodiscard]] static Attempt<std::unique_ptr<Network>> make();
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] const Namespace& correspondent() const;
  [[nodiscard]] const Namespace& router(Side side) const;
  [[nodiscard]] const Namespace& mobile() const;
  [[nodiscard]] const Namespace& cables() const;

  // The MN's carrier goes; from then on nothing passes either way.
  [[nodiscard]] Attempt<> leave();
  // The MN's carrier comes, in the cell of `side`. Returns when the MN's kernel has taken notice:
  // until then it sends nothing, and on a busy machine that is milliseconds later.
  [[nodiscard]] Attempt<> enter(Side side);

 private:
  struct State;
  explicit Network(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace sendoff::lab
