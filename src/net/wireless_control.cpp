#include "net/wireless_control.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "net/clock.h"

namespace sendoff::net {

namespace {

constexpr Duration kRetry = seconds(1);       // to attach, while nobody serves the socket
constexpr Duration kPulse = seconds(5);       // between signs of life that are asked for
constexpr Duration kPatience = seconds(2);    // for an answer
constexpr int kMessagesATurn = 64;            // of the loop
constexpr std::size_t kLongestAnswer = 4096;  // of STATUS some hundreds; events are shorter

// The word behind `key` up to a space or a line's end.
std::string_view word_behind(std::string_view text, std::string_view key) {
  const std::size_t at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  return text.substr(0, text.find_first_of(" \n"));
}

std::optional<LinkAddress> address_of(std::string_view word) {
  const auto address = LinkAddress::parse(std::string(word));
  if (!address || address->empty()) return std::nullopt;
  return address;
}

// Bound to a name of the kernel's choice: an answer needs somewhere to go.
FileDescriptor connect_to(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  std::memcpy(name.sun_path, path.data(), path.size());
  FileDescriptor fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un own{};
  own.sun_family = AF_UNIX;
  if (!fd.ok() ||
      bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own.sun_family) != 0 ||
      connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0)
    return {};
  return fd;
}

}  // namespace

std::optional<WirelessEvent> parse_wireless_event(std::string_view message) {
  if (!message.starts_with('<')) return std::nullopt;
  message.remove_prefix(std::min(message.size(), message.find('>') + 1));
  const auto behind = [&](std::string_view key) { return address_of(word_behind(message, key)); };
  if (message.starts_with("CTRL-EVENT-CONNECTED ")) {
    const auto access_point = behind("Connection to ");
    if (access_point) return Associated{*access_point};
  } else if (message.starts_with("CTRL-EVENT-DISCONNECTED")) {
    return Dissociated{};
  } else if (message.starts_with("BSS-TM-RESP ")) {
    const auto station = behind("BSS-TM-RESP ");
    const auto target = behind(" target_bssid=");
    if (station && target && word_behind(message, " status_code=") == "0")
      return StationLeaves{*station, *target};
  } else if (message.starts_with("BSS-TM-QUERY ")) {
    const auto station = behind("BSS-TM-QUERY ");
    if (station) return StationAsks{*station};
  }
  return std::nullopt;
}

std::optional<LinkAddress> associated_with(std::string_view status) {
  if (word_behind(status, "wpa_state=") != "COMPLETED") return std::nullopt;
  // "bssid=" is the first line, or stands behind a line's end: other keys end like it.
  if (status.starts_with("bssid=")) return address_of(word_behind(status, "bssid="));
  return address_of(word_behind(status, "\nbssid="));
}

WirelessControl::WirelessControl(EventLoop& loop, std::string path, Hooks hooks)
    : loop_(loop),
      path_(std::move(path)),
      hooks_(std::move(hooks)),
      timer_(loop, [this] { look(); }) {
  attach();
  timer_.at(read_clocks().boot + kRetry);
}

WirelessControl::~WirelessControl() {
  // Who was attached and says nothing would be sent events until the other side gives up.
  constexpr std::string_view kDetach = "DETACH";
  if (attached_) (void)send(fd_.get(), kDetach.data(), kDetach.size(), MSG_NOSIGNAL);
}

void WirelessControl::attach() {
  fd_ = connect_to(path_);
  if (!fd_.ok()) return remark(false, std::strerror(errno));
  watch_ = loop_.watch(fd_.get(), EventLoop::Interest::kReadable, [this] { read(); });
  ask("ATTACH", [this](std::optional<std::string_view> answer) {
    if (answer != "OK\n") return lose("it does not let us follow its events");
    attached_ = true;
    remark(true, "following its events");
  });
  ask("STATUS", [this](std::optional<std::string_view> answer) {
    const auto access_point = answer ? associated_with(*answer) : std::nullopt;
    if (access_point) hooks_.event(Associated{*access_point});
  });
}

void WirelessControl::ask(const std::string& command, Answer answer) {
  if (!fd_.ok()) return answer(std::nullopt);
  if (send(fd_.get(), command.data(), command.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(command.size())) {
    const std::string why = std::strerror(errno);
    answer(std::nullopt);
    return lose(why);
  }
  asked_.push_back(std::move(answer));
  asked_last_ = read_clocks().boot;
}

void WirelessControl::answered(std::string_view text) {
  if (asked_.empty()) return;
  const Answer answer = std::move(asked_.front());
  asked_.pop_front();
  answer(text);
}

void WirelessControl::read() {
  std::array<char, kLongestAnswer> octets{};
  for (int i = 0; i < kMessagesATurn && fd_.ok(); ++i) {
    const ssize_t got = recv(fd_.get(), octets.data(), octets.size(), 0);
    if (got < 0) {
      if (errno != EAGAIN && errno != EINTR) lose(std::strerror(errno));
      return;
    }
    const std::string_view text(octets.data(), static_cast<std::size_t>(got));
    if (!text.starts_with('<'))
      answered(text);
    else if (text.find(">CTRL-EVENT-TERMINATING") != std::string_view::npos)
      lose("it ended");
    else if (const auto event = parse_wireless_event(text))
      hooks_.event(*event);
  }
}

// Once a second: whether it is still there, and whether it is there again.
void WirelessControl::look() {
  const Instant now = read_clocks().boot;
  timer_.at(now + kRetry);
  if (!fd_.ok()) return attach();
  if (!asked_.empty() && now - asked_last_ > kPatience) return lose("it does not answer");
  if (asked_.empty() && now - asked_last_ >= kPulse) ask("PING", [](auto) {});
}

void WirelessControl::lose(const std::string& why) {
  watch_ = {};
  fd_.reset();
  attached_ = false;
  remark(false, why);
  // What an answer does may ask again.
  for (std::deque<Answer> left = std::exchange(asked_, {}); !left.empty(); left.pop_front())
    left.front()(std::nullopt);
}

void WirelessControl::remark(bool good, const std::string& text) {
  if (remarked_ == good) return;
  remarked_ = good;
  hooks_.remark(good, text);
}

void WirelessControl::roam(const LinkAddress& access_point, Done done) {
  ask("ROAM " + access_point.text(),
      [done = std::move(done)](std::optional<std::string_view> answer) {
        if (answer == "OK\n") return done(machine::Facts{});
        done(fail(machine::ActionError::kRefused));
      });
}

}  // namespace sendoff::net
