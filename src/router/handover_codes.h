// Codes of HI and HAck (RFC 5568 6.2.1.1, 6.2.1.2).
#pragma once

#include <cstdint>

namespace sendoff::router {

inline constexpr std::uint8_t kHiPredictive = 0;  // the FBU came from the PCoA
inline constexpr std::uint8_t kHiReactive = 1;

inline constexpr std::uint8_t kHackAccepted = 0;
inline constexpr std::uint8_t kHackNotValid = 1;
inline constexpr std::uint8_t kHackAssigned = 2;
inline constexpr std::uint8_t kHackUsePcoa = 3;
inline constexpr std::uint8_t kHackUnsolicited = 4;
inline constexpr std::uint8_t kHackUnspecified = 128;
inline constexpr std::uint8_t kHackProhibited = 129;
inline constexpr std::uint8_t kHackNoResources = 130;

}  // namespace sendoff::router
