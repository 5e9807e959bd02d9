// The libFuzzer program of the one target that the build names.
#include "target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  sendoff::fuzz::SENDOFF_FUZZ_TARGET(sendoff::ByteView(data, size));
  return 0;
}
