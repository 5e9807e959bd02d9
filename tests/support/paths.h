// Where this checkout and this build are. One file knows, so that a compiler cache serves two
// checkouts with what it compiled for one.
#pragma once

#include <string>

namespace sendoff::test {

// The root of the tree, without a slash at its end.
[[nodiscard]] const std::string& source_directory();
[[nodiscard]] const std::string& vectors_directory();
// NIST's PKITS: certs/ and crls/.
[[nodiscard]] const std::string& pkits_directory();
// The `sendoff` of this build.
[[nodiscard]] const std::string& program();
// One without sanitizers: AddressSanitizer wants more address space than user-mode Linux has.
[[nodiscard]] const std::string& plain_program();

}  // namespace sendoff::test
