// How the words of one message are gathered. For words*.cpp only.
#pragma once

#include <concepts>
#include <span>

#include "inspect/message.h"

namespace sendoff::inspect {

class WordList {
 public:
  explicit WordList(Message& message) : message_(message) {}

  void add(const std::string& name, std::string text) {
    message_.lines.push_back({prefix_ + name, std::move(text)});
  }
  void add(const std::string& name, std::integral auto number) {
    add(name, std::to_string(number));
  }
  // The first one is the message's; behind a signature nothing counts.
  void fault(std::string text) {
    if (prefix_.empty() && message_.problem.empty()) message_.problem = std::move(text);
  }

  // Stands before the names of all that follows.
  void set_prefix(std::string prefix) { prefix_ = std::move(prefix); }

 private:
  Message& message_;
  std::string prefix_;
};

// "0 (first of the words)"; the number alone where there is none for it.
[[nodiscard]] inline std::string words_of(std::uint8_t number,
                                          std::span<const std::string_view> words) {
  std::string text = std::to_string(number);
  if (number < words.size()) text += " (" + std::string(words[number]) + ")";
  return text;
}

// The ND options of an ICMPv6 message of a type that has some.
void tell_options(ByteView icmp, WordList& words);

}  // namespace sendoff::inspect
