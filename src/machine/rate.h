// The token bucket under the name that machines know it by.
#pragma once

#include "base/rate.h"

namespace sendoff::machine {

using sendoff::TokenBucket;

}  // namespace sendoff::machine
