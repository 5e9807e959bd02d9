// model/transitions.tsv against the real machines: every state of a machine, and in each of them
// every event. What the table does not list must change nothing and do nothing; so the table, which
// the Promela models move by, is neither more nor less than what the code does.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/paths.h"

namespace sendoff::test {

// A cell of the table: the state that follows, and what is done.
struct Move {
  std::string next;
  std::set<std::string> does;
  friend bool operator==(const Move&, const Move&) = default;
};

inline std::string text_of(const Move& move) {
  std::string text = move.next;
  for (const std::string& deed : move.does) text += " " + deed;
  return text;
}

// One machine's part of the table.
struct Machine {
  std::set<std::string> states;
  std::set<std::string> events;
  std::map<std::pair<std::string, std::string>, Move> moves;
};

inline Machine machine_of_the_model(const std::string& name) {
  Machine machine;
  std::ifstream file(source_directory() + "/model/transitions.tsv");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::array<std::string, 5> cell;
    for (std::string& each : cell) std::getline(cells, each, '\t');
    if (cell[0] != name) continue;
    Move move{cell[3], {}};
    std::istringstream deeds(cell[4]);
    for (std::string deed; std::getline(deeds, deed, ',');)
      if (deed != "-") move.does.insert(deed);
    machine.states.insert(cell[1]);
    machine.events.insert(cell[2]);
    const bool fresh = machine.moves.emplace(std::pair{cell[1], cell[2]}, move).second;
    EXPECT_TRUE(fresh) << name << " has two rows for " << cell[1] << " + " << cell[2];
  }
  for (const auto& [pair, move] : machine.moves)
    EXPECT_TRUE(move.next == "!" || machine.states.contains(move.next)) << move.next;
  EXPECT_FALSE(machine.moves.empty());
  return machine;
}

// A Driver is made for one pair: Driver(state, event) may prepare what it is configured with. It
// has
//   void reach();               the machine comes into the state
//   bool apply();               the event happens; false: it cannot be made in that state
//   std::set<std::string> does();  what was done since then
//   std::string state();        where it is now; may spoil the machine to find out
template <typename Driver>
void expect_the_table(const std::string& name) {
  const Machine machine = machine_of_the_model(name);
  for (const std::string& state : machine.states) {
    {
      Driver driver(state, "");
      driver.reach();
      EXPECT_EQ(driver.state(), state) << name << ": the test does not reach it";
    }
    for (const std::string& event : machine.events) {
      const auto row = machine.moves.find({state, event});
      const bool listed = row != machine.moves.end();
      if (listed && row->second.next == "!") continue;
      Driver driver(state, event);
      driver.reach();
      if (!driver.apply()) {
        EXPECT_FALSE(listed) << name << ": no test makes " << state << " + " << event;
        continue;
      }
      Move seen;
      seen.does = driver.does();
      seen.next = driver.state();
      const Move expected = listed ? row->second : Move{state, {}};
      EXPECT_EQ(text_of(seen), text_of(expected)) << name << ": " << state << " + " << event;
    }
  }
}

}  // namespace sendoff::test
