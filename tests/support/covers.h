// COVERS("HK-3.2-04"): the running test proves this requirement (docs/requirements). May stand
// several times in one test; tools/reqcheck reads the ids from the results of passed tests.
#pragma once

#include <initializer_list>
#include <string_view>

namespace sendoff::test {

void covers(std::initializer_list<std::string_view> ids);

}  // namespace sendoff::test

#define COVERS(...) ::sendoff::test::covers({__VA_ARGS__})
