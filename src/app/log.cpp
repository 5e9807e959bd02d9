#include "app/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdlib>
#include <map>
#include <optional>

#include "base/text.h"
#include "control/event_text.h"
#include "machine/rate.h"

namespace sendoff::app::log {

namespace {

using machine::EventKind;

constexpr std::uint32_t kLinesPerSecond = 5;
constexpr std::uint32_t kLinesAtOnce = 20;

struct Limit {
  machine::TokenBucket bucket{kLinesPerSecond, kLinesAtOnce};
  std::uint64_t left_out = 0;
};

std::optional<spdlog::level::level_enum> level_named(std::string_view name) {
  if (name == "debug") return spdlog::level::debug;
  if (name == "info") return spdlog::level::info;
  if (name == "warning") return spdlog::level::warn;
  if (name == "error") return spdlog::level::err;
  return std::nullopt;
}

bool triggered_from_outside(EventKind kind) {
  switch (kind) {
    case EventKind::kRequestUnvalidated:
    case EventKind::kRequestRefused:
    case EventKind::kFbuRefused:
    case EventKind::kPathRefused:
    case EventKind::kKeyRefused:
    case EventKind::kKeyIssued:
    case EventKind::kRouterContradicts:
      return true;
    default:
      return false;
  }
}

spdlog::level::level_enum level_of(EventKind kind) {
  switch (kind) {
    case EventKind::kWarning:
    case EventKind::kPathRefused:
    case EventKind::kPathWithdrawn:
    case EventKind::kAddressLost:
    case EventKind::kAddressClaimed:
    case EventKind::kKeyRefused:
    case EventKind::kRequestUnvalidated:
    case EventKind::kRequestRefused:
    case EventKind::kHandoverFailed:
    case EventKind::kFbuRefused:
    case EventKind::kRouterContradicts:
      return spdlog::level::warn;
    default:
      return spdlog::level::info;
  }
}

// The journal stamps lines itself and reads the severity from the head of the line.
class JournalFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    static constexpr std::array<std::string_view, 7> kSeverities = {"<7>", "<7>", "<6>", "<4>",
                                                                    "<3>", "<2>", "<6>"};
    const std::string_view head = kSeverities.at(static_cast<std::size_t>(message.level));
    out.append(head.data(), head.data() + head.size());
    out.append(message.payload.begin(), message.payload.end());
    out.push_back('\n');
  }
  [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<JournalFormatter>();
  }
};

void write(spdlog::level::level_enum level, std::string_view text) {
  spdlog::log(level, "{}", printable(text));
}

}  // namespace

void open(std::string_view level) {
  auto logger = std::make_shared<spdlog::logger>("sendoff",
                                                 std::make_shared<spdlog::sinks::stderr_sink_st>());
  // Secure against environment tricks it need not be: a wrong format is a matter of looks.
  if (std::getenv("JOURNAL_STREAM"))
    logger->set_formatter(std::make_unique<JournalFormatter>());
  else
    logger->set_pattern("%H:%M:%S.%e %l %v");
  logger->flush_on(spdlog::level::debug);
  spdlog::set_default_logger(std::move(logger));
  (void)set_level(level);
}

bool set_level(std::string_view level) {
  const auto wanted = level_named(level);
  if (wanted) spdlog::set_level(*wanted);
  return wanted.has_value();
}

void error(std::string_view text) { write(spdlog::level::err, text); }
void warning(std::string_view text) { write(spdlog::level::warn, text); }
void info(std::string_view text) { write(spdlog::level::info, text); }

void event(Instant now, const machine::Event& event) {
  static std::map<EventKind, Limit> limits;
  if (triggered_from_outside(event.kind)) {
    Limit& limit = limits[event.kind];
    if (!limit.bucket.take(now)) {
      ++limit.left_out;
      return;
    }
    if (limit.left_out > 0)
      write(spdlog::level::warn, std::string(name(event.kind)) + ": " +
                                     std::to_string(std::exchange(limit.left_out, 0)) +
                                     " lines were left out; `sendoff status` counts them all");
  }
  write(level_of(event.kind), control::event_words(event));
}

}  // namespace sendoff::app::log
