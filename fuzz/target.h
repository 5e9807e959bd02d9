// What is fuzzed (docs/fuzzing.md). A target takes any octets and returns; a broken property ends
// the program. entry.cpp makes a libFuzzer program of one target, tests/fuzz/ runs all of them over
// the corpora that are kept.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace sendoff::fuzz {

void wire(ByteView input);
void esp(ByteView input);
void cga(ByteView input);
void pki(ByteView input);
void path(ByteView input);
void inspect(ByteView input);
void store(ByteView input);
void control(ByteView input);
void config(ByteView input);
void tunnel(ByteView input);
void receiver(ByteView input);
void router(ByteView input);
void mobile(ByteView input);

// Ends the program when a property does not hold, and says which.
void require(bool holds, std::string_view property);

}  // namespace sendoff::fuzz
