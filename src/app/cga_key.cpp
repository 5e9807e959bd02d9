#include "app/cga_key.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>

#include "app/cga_search.h"
#include "app/key_files.h"
#include "crypto/rsa.h"
#include "net/clock.h"

namespace sendoff::app {

namespace {

using Key = std::shared_ptr<const crypto::SigningKey>;

constexpr std::uint32_t kUsualBits = 2048;

struct Shape {
  std::optional<std::uint32_t> bits;
  std::uint32_t exponent = 65537;
};

Attempt<> check(const Shape& shape) {
  if (shape.exponent < 3 || shape.exponent % 2 == 0)
    return failed("--exponent must be odd and at least 3; 65537 is right for almost everyone");
  return {};
}

Attempt<Key> make(const Shape& shape, std::uint32_t usual_bits) {
  auto key = crypto::SigningKey::generate(shape.bits.value_or(usual_bits), shape.exponent);
  if (!key) return failed("a key could not be made: " + std::string(name(key.error())));
  return std::move(*key);
}

std::string hash_text(const Key& key) { return to_hex(crypto::key_hash(key->spki())); }

void announce(const Key& key) {
  std::printf("key of %u bits, exponent %u\n  key hash  %s\n", key->public_key().bits(),
              key->public_key().exponent(), hash_text(key).c_str());
}

struct KeyOptions {
  Shape shape;
  std::string out;
  bool force = false;
};

Attempt<> make_key(const KeyOptions& options) {
  if (auto good = check(options.shape); !good) return good;
  if (auto free = check_free(options.out, options.force); !free) return free;
  const auto key = make(options.shape, kUsualBits);
  if (!key) return fail(key.error());
  const Secret pem = (*key)->to_pem();
  auto file = NewFile::stage(options.out, pem.expose(), kKeyMode, options.force);
  if (!file) return fail(file.error());
  if (auto done = file->commit(); !done) return done;
  announce(*key);
  std::printf("  written   %s\n", options.out.c_str());
  return {};
}

// "20260601T120000Z"
std::string stamp() {
  const std::time_t now = whole_seconds(net::read_clocks().utc.time_since_epoch());
  std::tm date{};
  gmtime_r(&now, &date);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &date);
  return text.data();
}

// RFC 3972 7.1 leaves to the operator what follows from another key.
void tell_what_follows(const std::string& path) {
  std::printf(
      "\nNow:\n"
      "1. Where the old key has a certificate (access router, guarded router, host), revoke that "
      "and\n"
      "   have the new key certified; a daemon refuses to start with a chain for another key:\n"
      "     sendoff cert revoke --issuer-cert CA.pem --issuer-key CA.key --crl CA.crl --cert "
      "CHAIN.pem\n"
      "     sendoff cert router --issuer-cert CA.pem --issuer-key CA.key --name NAME --prefix "
      "PREFIX \\\n"
      "       --key %s --out-cert CHAIN.pem --force\n"
      "   (of a host: sendoff cert host)\n"
      "2. Where [cga] names a modifier or parameters, they were found for the old key: with\n"
      "   sec = 1 or 2 search others, with sec = 0 take the line out:\n"
      "     sendoff cga generate --key %s --prefix PREFIX --sec SEC --out FILE.cga --force\n"
      "3. Restart the daemons that use the key: a reload is not enough. They form their addresses "
      "anew,\n"
      "   with Duplicate Address Detection; connections from the old ones end.\n",
      path.c_str(), path.c_str());
}

struct RekeyOptions {
  Shape shape;
  std::string file;
};

Attempt<> rekey(const RekeyOptions& options) {
  if (auto good = check(options.shape); !good) return good;
  const auto old_key = read_cga_key(options.file);
  if (!old_key) return fail(old_key.error());
  // Where a link leads, so that the old key does not stay there.
  std::error_code unknown;
  const std::string path = std::filesystem::canonical(options.file, unknown);
  if (unknown) return failed("cannot follow " + options.file + ": " + unknown.message());
  const std::string aside = path + ".old-" + stamp();
  if (!check_free(aside, false))
    return failed(aside + " exists already and is not overwritten; try again in a second");

  const auto key = make(options.shape, std::max(kUsualBits, (*old_key)->public_key().bits()));
  if (!key) return fail(key.error());
  const auto old_contents = read_file(path);
  if (!old_contents) return fail(old_contents.error());
  const Secret pem = (*key)->to_pem();
  auto old_file = NewFile::stage(aside, old_contents->expose(), kKeyMode, false);
  if (!old_file) return fail(old_file.error());
  auto new_file = NewFile::stage(path, pem.expose(), kKeyMode, true);
  if (!new_file) return fail(new_file.error());
  for (NewFile* each : {&*old_file, &*new_file})
    if (auto given = each->give_to_owner_of(path); !given) return given;
  if (auto done = old_file->commit(); !done) return done;
  if (auto done = new_file->commit(); !done) return done;
  announce(*key);
  std::printf("  in        %s\n  old key   %s, of %u bits, hash %s\n", path.c_str(), aside.c_str(),
              (*old_key)->public_key().bits(), hash_text(*old_key).c_str());
  tell_what_follows(path);
  return {};
}

void add_shape(CLI::App& command, Shape& shape, const std::string& usual_bits) {
  command.add_option("--bits", shape.bits, "Size of the modulus, 1024 to 3072")
      ->check(CLI::Range(1024, 3072))
      ->default_str(usual_bits);
  command.add_option("--exponent", shape.exponent, "Public exponent, odd")->capture_default_str();
}

}  // namespace

void add_cga_key(CLI::App& cga, int& exit_code) {
  auto options = std::make_shared<KeyOptions>();
  CLI::App* command = cga.add_subcommand("key", "Make an RSA key for CGAs and SEND signatures");
  command->add_option("--out", options->out, "File for the private key (PEM, 0600)")->required();
  add_shape(*command, options->shape, std::to_string(kUsualBits));
  command->add_flag("--force", options->force, "Replace the file if it exists");
  command->footer("Example:\n  sendoff cga key --out router.key");
  command->callback([options, &exit_code] { exit_code = report("cga key", make_key(*options)); });
}

void add_cga_rekey(CLI::App& cga, int& exit_code) {
  auto options = std::make_shared<RekeyOptions>();
  CLI::App* command = cga.add_subcommand(
      "rekey", "Replace a key that is known to others, or too short, and say what is to do next");
  command->add_option("KEYFILE", options->file, "Private key file (`sendoff cga key`)")->required();
  add_shape(*command, options->shape, std::to_string(kUsualBits) + ", or as many as before");
  command->footer(
      "The old key is kept beside the new one, as KEYFILE.old- and the time, until you remove "
      "it.\n\n"
      "Example:\n"
      "  sendoff cga rekey /etc/sendoff/host.key --bits 3072");
  command->callback([options, &exit_code] { exit_code = report("cga rekey", rekey(*options)); });
}

}  // namespace sendoff::app
