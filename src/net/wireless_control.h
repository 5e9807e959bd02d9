// The control interface of wpa_supplicant and of hostapd: a Unix datagram socket an interface, on
// which a command is a text with one answer, and events come unasked to who is attached. So a
// mobile node learns of its link, and can have it moved; and an access router learns of stations
// that agreed to move (802.11v). The formats are those that both programs send since their 2.0.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/address.h"
#include "net/datapath.h"
#include "net/event_loop.h"
#include "net/file_descriptor.h"

namespace sendoff::net {

// wpa_supplicant: the interface is attached to this access point; to none.
struct Associated {
  LinkAddress access_point;
};
struct Dissociated {};
// hostapd: the station agreed to move there; asks where it could move.
struct StationLeaves {
  LinkAddress station;
  LinkAddress access_point;
};
struct StationAsks {
  LinkAddress station;
};
using WirelessEvent = std::variant<Associated, Dissociated, StationLeaves, StationAsks>;

// Of a message that is an event ("<3>CTRL-EVENT-CONNECTED - …"); nothing for all others.
[[nodiscard]] std::optional<WirelessEvent> parse_wireless_event(std::string_view message);
// Of wpa_supplicant's answer to STATUS: where it is attached, with all keys in place.
[[nodiscard]] std::optional<LinkAddress> associated_with(std::string_view status);

class WirelessControl {
 public:
  struct Hooks {
    std::function<void(const WirelessEvent&)> event;
    // When it can be followed, and when no more: whether it can, and how so.
    std::function<void(bool, const std::string&)> remark;
  };

  // Attaches at once to what serves the socket at `path`, reads what it is attached to, and follows
  // its events; asks again every second while nobody serves it. Hooks are called from the loop.
  WirelessControl(EventLoop& loop, std::string path, Hooks hooks);
  ~WirelessControl();
  WirelessControl(const WirelessControl&) = delete;
  WirelessControl& operator=(const WirelessControl&) = delete;

  // Has wpa_supplicant roam to this access point of its network. `done`: whether it agreed to try;
  // that it came to be is an event.
  void roam(const LinkAddress& access_point, Done done);

  [[nodiscard]] bool attached() const { return attached_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  using Answer = std::function<void(std::optional<std::string_view>)>;  // nothing: none came

  void attach();
  void ask(const std::string& command, Answer answer);
  void answered(std::string_view text);
  void read();
  void look();
  void lose(const std::string& why);
  void remark(bool good, const std::string& text);

  EventLoop& loop_;
  std::string path_;
  Hooks hooks_;
  FileDescriptor fd_;
  EventLoop::Watch watch_;
  std::deque<Answer> asked_;  // oldest first: answers come in the order of commands
  Instant asked_last_{};
  bool attached_ = false;
  std::optional<bool> remarked_;  // what hooks_.remark was told last: that all is well, or not
  Timer timer_;
};

}  // namespace sendoff::net
