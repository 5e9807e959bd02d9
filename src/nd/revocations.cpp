#include "nd/revocations.h"

#include <algorithm>
#include <utility>

namespace sendoff::nd {

namespace {

constexpr std::size_t kMaxUris = 64;  // in one reading
constexpr int kReadingsInPatience = 5;

}  // namespace

std::string_view state_of(pki::Standing standing) {
  return standing == pki::Standing::kUndetermined ? "provisional" : name(standing);
}

Revocations::Revocations(const RevocationConfig& config, machine::Outbox& outbox,
                         CertifiedKeys& keys)
    : config_(config),
      outbox_(outbox),
      keys_(keys),
      next_reading_(config.lists ? Instant{} : kNever) {}

void Revocations::configure(Now now, const RevocationConfig& config) {
  if (!config.lists) lists_.reset();
  config_ = config;
  next_reading_ = config.lists ? now.boot : kNever;
}

std::string_view Revocations::adopt(Now now, const pki::CertifiedRouter& router,
                                    pki::Standing standing) {
  keys_.store(router, standing, now.boot + config_.patience);
  if (standing == pki::Standing::kUndetermined && config_.lists) read(now);
  return keys_.objection(router.spki, now.utc);
}

void Revocations::read(Now now) {
  next_reading_ = now.boot + config_.interval;
  read_again_ = reading_.has_value();
  if (reading_) return;
  machine::ReadRevocationLists action;
  for (const pki::CertificateChain& chain : keys_.chains())
    for (std::string& uri : pki::list_uris(*chain))
      if (action.uris.size() < kMaxUris && std::ranges::find(action.uris, uri) == action.uris.end())
        action.uris.push_back(std::move(uri));
  reading_ = outbox_.push(std::move(action));
}

// Without new lists the old ones are asked again: time goes on for them, too.
void Revocations::outcome(Now now, const machine::Outcome& outcome) {
  if (!owns(outcome.action_id)) return;
  reading_.reset();
  if (config_.lists && outcome.result && outcome.result->lists) lists_ = outcome.result->lists;
  judge(now);
  if (read_again_ && config_.lists) read(now);
}

void Revocations::judge(Now now) {
  judge_again_ = judging_.has_value();
  if (judging_) return;
  std::vector<pki::CertificateChain> chains = keys_.chains();
  if (chains.empty()) return;
  const machine::JobId job =
      outbox_.start(machine::JudgePaths{chains, lists_, now.utc}, machine::JobClass::kPath);
  judging_ = Judging{job, std::move(chains)};
}

void Revocations::complete(Now now, const machine::JobResult& result) {
  if (!owns(result.job_id)) return;
  const Judging judging = std::move(*std::exchange(judging_, std::nullopt));
  const auto* judged = result.output ? std::get_if<machine::PathsJudged>(&*result.output) : nullptr;
  if (judged != nullptr && judged->standings.size() == judging.chains.size())
    for (std::size_t i = 0; i < judging.chains.size(); ++i)
      keys_.judged(judging.chains[i], judged->standings[i], now.boot + config_.patience);
  if (keys_.waits() && config_.lists)
    next_reading_ = std::min(next_reading_, now.boot + config_.patience / kReadingsInPatience);
  if (judge_again_) judge(now);
}

std::vector<CertifiedKeys::Withdrawn> Revocations::take_withdrawn() {
  std::vector<CertifiedKeys::Withdrawn> withdrawn = keys_.take_withdrawn();
  for (const CertifiedKeys::Withdrawn& each : withdrawn)
    outbox_.report(machine::EventKind::kPathWithdrawn,
                   {{"subject", each.subject}, {"reason", std::string(each.reason)}});
  return withdrawn;
}

Instant Revocations::next_deadline() const {
  return std::min(next_reading_, keys_.next_deadline());
}

void Revocations::tick(Now now) {
  keys_.expire(now.boot);
  if (now.boot >= next_reading_) read(now);
}

}  // namespace sendoff::nd
